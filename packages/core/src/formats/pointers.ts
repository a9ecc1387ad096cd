/** Addresses that 32-bit x86 code holds, and texts that they may lead to: what tells where code was meant to stand. */
import type { Region } from "./address-space.ts";

/** User space of a 32-bit process starts and ends here (3 GB with /3GB, 4 GB under a 64-bit Windows). */
const MIN_POINTER = 0x1_0000;
const MAX_POINTER = 0xffff_0000;

/** How an instruction that begins with this byte may hold an address. */
const NONE = 0;
/** In the four bytes behind it: push imm32, mov reg, imm32, mov al/eax with a moffs32. */
const IMMEDIATE = 1;
/** Behind a ModRM byte for [disp32]. */
const MODRM = 2;
/** The same, and an imm32 behind its operand: mov r/m32, imm32. */
const STORE = 3;

const KIND = new Uint8Array(256);
KIND[0x68] = IMMEDIATE;
KIND.fill(IMMEDIATE, 0xa0, 0xa4).fill(IMMEDIATE, 0xb8, 0xc0);
for (const op of [0x03, 0x2b, 0x38, 0x39, 0x3a, 0x3b, 0x80, 0x81, 0x83, 0x88, 0x89, 0x8a, 0x8b, 0xc6, 0xff])
  KIND[op] = MODRM;
KIND[0xc7] = STORE;

/** Bytes of code looked at, and different addresses kept. */
const MAX_CODE = 1 << 24;
const MAX_POINTERS = 1 << 17;

/** A run of code, [start, end). */
export type Code = readonly [start: number, end: number];

/** The executable regions. */
export function codeOf(bytes: Uint8Array, regions: readonly Region[]): readonly Code[] {
  return regions
    .filter(({ executable }) => executable)
    .map(({ offset, size }): Code => [offset, Math.min(offset + size, bytes.length)]);
}

/** Pieces of `size` bytes, spread evenly over the code; all of it when there is no more than that. */
export function sampleOf(code: readonly Code[], pieces: number, size: number): readonly Code[] {
  const total = code.reduce((sum, [start, end]) => sum + end - start, 0);
  if (total <= pieces * size) return code;
  const step = Math.floor(total / pieces);
  return code.flatMap(([start, end]) => {
    const taken: Code[] = [];
    for (let at = start; at < end; at += step) taken.push([at, Math.min(at + size, end)]);
    return taken;
  });
}

/** Different numbers in code that may be addresses, each once, in the order of the code. */
export function codePointers(bytes: Uint8Array, code: readonly Code[]): number[] {
  const found = new Set<number>();
  let left = MAX_CODE;
  for (const [start, stop] of code) {
    const end = Math.min(stop, start + left) - 10;
    left -= Math.min(stop - start, left);
    for (let at = start; at < end && found.size < MAX_POINTERS; at++) {
      const kind = KIND[bytes[at] as number] as number;
      if (kind === NONE) continue;
      const places =
        kind === IMMEDIATE ? 1 : placesBehind(kind, bytes[at + 1] as number, bytes[at + 2] as number);
      for (let place = places; place !== 0; place >>= 4) {
        const value = dwordAt(bytes, at + (place & 15));
        if (value >= MIN_POINTER && value < MAX_POINTER) found.add(value);
      }
    }
  }
  return [...found];
}

/** Where, behind the opcode, addresses may stand: a distance in each four bits, the first lowest. */
function placesBehind(kind: number, modrm: number, sib: number): number {
  if ((modrm & 0xc7) === 0x05) return kind === STORE ? 0x62 : 2;
  if (kind !== STORE) return 0;
  // mov [ebp + disp8], imm32; mov [esp], imm32; mov [esp + disp8], imm32
  if (modrm === 0x45) return 3;
  if (sib !== 0x24) return 0;
  return modrm === 0x04 ? 3 : modrm === 0x44 ? 4 : 0;
}

function dwordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return low + (bytes[at + 3] as number) * 0x100_0000;
}

/** Characters that make a text worth pointing to; bytes of data looked at, and texts kept. */
const MIN_TEXT = 4;
const MAX_DATA = 1 << 25;
const MAX_TEXTS = 1 << 16;

/** RVAs at which NUL-terminated ASCII or UTF-16LE texts begin, with a NUL or the region's start before them. */
export function textStarts(bytes: Uint8Array, regions: readonly Region[]): number[] {
  const starts: number[] = [];
  let left = MAX_DATA;
  for (const { offset, size, rva } of regions) {
    const end = Math.min(offset + Math.min(size, left), bytes.length);
    left -= Math.min(size, left);
    for (let at = offset; at < end && starts.length < MAX_TEXTS; at++) {
      if (!isPrintable(bytes[at]) || (at > offset && bytes[at - 1] !== 0)) continue;
      const width = bytes[at + 1] === 0 ? 2 : 1;
      let to = at;
      while (to < end && isPrintable(bytes[to]) && (width === 1 || bytes[to + 1] === 0)) to += width;
      if (to - at >= MIN_TEXT * width && bytes[to] === 0) starts.push(at - offset + rva);
      if (to > at) at = to - 1;
    }
  }
  return starts;
}

function isPrintable(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte < 0x7f;
}
