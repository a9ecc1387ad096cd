/** Finds the ChaCha20 key and nonce of L2 and L3 by what stands before them and by the code that copies them. */
import { indexesOf } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import { KEY_SIZE, type KeySite, NONCE_SIZE } from "./entries.ts";
import { mayBeKey } from "./random-runs.ts";
import type { Range } from "./ranges.ts";

/**
 * Tail of the C runtime's table of powers of ten (long doubles), behind which the linker has put the key in all
 * published L2 and L3 builds. In L1 builds the runtime's digit table stands there: never accept it without decryption.
 */
const POWER_TABLE_TAIL = Uint8Array.of(
  ...[0x32, 0x1d, 0x30, 0xf9, 0x48, 0x77, 0x82, 0x5a],
  ...[0x3c, 0xbf, 0x73, 0x7f, 0xdd, 0x4f, 0x15, 0x75],
);
/** The rarest byte of the tail in ordinary files: the search runs on it. */
const TAIL_ANCHOR = 3;

export interface FoundSite extends KeySite {
  readonly by: "marker" | "code" | "table" | "scan";
}

export function* sitesByMarker(bytes: Uint8Array): Generator<FoundSite> {
  const needle = POWER_TABLE_TAIL.subarray(TAIL_ANCHOR);
  for (const at of indexesOf(bytes, needle)) {
    const start = at - TAIL_ANCHOR;
    if (start < 0 || !POWER_TABLE_TAIL.every((byte, i) => bytes[start + i] === byte)) continue;
    const key = start + POWER_TABLE_TAIL.length;
    if (mayBeKey(bytes, key)) yield { key, nonce: key + KEY_SIZE, by: "marker" };
  }
}

/** `xchg eax, esi; rep movsd; xchg eax, esi`: how the key setup copies 8 dwords from eax to edi. */
const COPY = Uint8Array.of(0x96, 0xf3, 0xa5, 0x96);
const MOV_EAX = 0xb8;
const MOV_ECX = 0xb9;
const MOV_EDI = 0xbf;

/**
 * Key setup of L3 (nightMARE lumma/configuration.py, CAPE-parsers Lumma.py): `mov eax, key`, `mov edi, state` and
 * `mov ecx, 8` in any order, the copy, `mov eax, nonce`.
 */
export function* sitesByCode(image: Image, ranges: readonly Range[]): Generator<FoundSite> {
  const { bytes } = image.view;
  for (const range of ranges) {
    for (const copy of indexesOf(bytes, COPY, range.start, range.end)) {
      if (bytes[copy + 4] !== MOV_EAX) continue;
      const nonceVa = image.view.u32(copy + 5);
      let keyVa: number | undefined;
      let count: number | undefined;
      let to: number | undefined;
      for (let at = copy - 15; at < copy; at += 5) {
        if (bytes[at] === MOV_EAX) keyVa = image.view.u32(at + 1);
        else if (bytes[at] === MOV_ECX) count = image.view.u32(at + 1);
        else if (bytes[at] === MOV_EDI) to = image.view.u32(at + 1);
      }
      if (keyVa === undefined || nonceVa === undefined || to === undefined || count !== KEY_SIZE / 4)
        continue;
      const key = image.offsetOfVa(keyVa);
      const nonce = image.offsetOfVa(nonceVa);
      if (key === undefined || nonce === undefined) continue;
      if (mayBeKey(bytes, key) && image.view.has(nonce, NONCE_SIZE)) yield { key, nonce, by: "code" };
    }
  }
}

export interface ArrayReference {
  readonly array: number;
  /** What the loop counter is compared with, where a comparison follows. */
  readonly count?: number;
}

/** `shl reg, 7; lea reg, [reg + array]`: an index into slots of 0x80 bytes. */
export function* arrayReferences(image: Image, ranges: readonly Range[]): Generator<ArrayReference> {
  const { bytes } = image.view;
  for (const range of ranges) {
    for (
      let at = bytes.indexOf(0xc1, range.start);
      at >= 0 && at < range.end;
      at = bytes.indexOf(0xc1, at + 1)
    ) {
      if (((bytes[at + 1] as number) & 0xf8) !== 0xe0 || bytes[at + 2] !== 7 || bytes[at + 3] !== 0x8d)
        continue;
      const modrm = bytes[at + 4] as number;
      if (modrm >> 6 !== 2 || (modrm & 7) === 4) continue;
      const va = image.view.u32(at + 5);
      const array = va === undefined ? undefined : image.offsetOfVa(va);
      if (array === undefined) continue;
      const count = comparedWith(bytes, at + 9);
      yield count === undefined ? { array } : { array, count };
    }
  }
}

/** Bytes of code behind the reference in which the loop's end is looked for. */
const LOOP_TAIL = 96;

/** `cmp al, n` or `cmp reg, n` with a conditional jump behind it. */
function comparedWith(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < from + LOOP_TAIL && at + 5 < bytes.length; at++) {
    const short = bytes[at] === 0x3c;
    const long = (bytes[at] === 0x83 || bytes[at] === 0x80) && (bytes[at + 1] as number) >= 0xf8;
    if (!short && !long) continue;
    const next = at + (short ? 2 : 3);
    const jump = bytes[next] as number;
    const conditional = jump >> 4 === 7 || (jump === 0x0f && (bytes[next + 1] as number) >> 4 === 8);
    const count = bytes[next - 1] as number;
    if (conditional && count > 1 && count <= 64) return count;
  }
  return undefined;
}
