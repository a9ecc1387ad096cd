/** Finds the ChaCha20 key and nonce of L2 and L3 by what stands before them and by the code that copies them. */
import { indexesOf, type View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import { KEY_SIZE, type KeySite, NONCE_SIZE } from "./entries.ts";
import { POWER_TABLE_TAIL, type Signs } from "./landmarks.ts";
import { mayBeKey } from "./random-runs.ts";
import type { Range } from "./ranges.ts";

export interface FoundSite extends KeySite {
  readonly by: "marker" | "code" | "table" | "scan";
}

/** Keys behind the table of powers of ten. */
export function sitesByMarker(bytes: Uint8Array, signs: Signs): FoundSite[] {
  return signs.powerTable
    .map((table) => table + POWER_TABLE_TAIL.length)
    .filter((key) => mayBeKey(bytes, key))
    .map((key) => ({ key, nonce: key + KEY_SIZE, by: "marker" as const }));
}

/** Pointers in a row that make a table: the slots they point to are as far apart as slots are. */
const MIN_POINTERS = 4;
const MIN_STRIDE = 0x40;
const MAX_STRIDE = 0xff;

/** Keys before a table of pointers with one distance between them, forwards or backwards. */
export function sitesByTable(view: View, ranges: readonly Range[]): FoundSite[] {
  const sites: FoundSite[] = [];
  for (const { offset } of pointerTables(view, ranges)) {
    const nonce = offset - NONCE_SIZE;
    if (mayBeKey(view.bytes, nonce - KEY_SIZE)) sites.push({ key: nonce - KEY_SIZE, nonce, by: "table" });
    if (sites.length === MAX_TABLES) break;
  }
  return sites;
}

/** Length of the longest table of pointers `stride` apart that points to the slot at `offset`. */
export function pointersTo(image: Image, ranges: readonly Range[], offset: number, stride: number): number {
  const rva = image.rvaOfOffset(offset);
  const base = image.pointerBase;
  const va = rva === undefined || base === undefined ? undefined : base + rva;
  const lengths = pointerTables(image.view, ranges)
    .filter((table) => Math.abs(table.step) === stride)
    .filter(({ offset: at, step, length }) => {
      const index = va === undefined ? 0 : (va - (image.view.u32(at) ?? 0)) / step;
      return Number.isInteger(index) && index >= 0 && index < length;
    })
    .map((table) => table.length);
  return Math.max(0, ...lengths);
}

/** Tables with something like a key before them; a real image has one. */
const MAX_TABLES = 8;

interface PointerTable {
  readonly offset: number;
  readonly length: number;
  readonly step: number;
}

/** Rows of four or more dwords in the image's data with one distance between them, that of slots. */
function pointerTables(view: View, ranges: readonly Range[]): PointerTable[] {
  const tables: PointerTable[] = [];
  for (const { start, end, phase, data } of ranges) {
    if (!data) continue;
    for (const shift of phase === undefined ? [0, 1, 2, 3] : [phase & 3])
      addTables(view, start + ((shift - start) & 3), end, tables);
  }
  return tables;
}

/** Every fourth dword is looked at. */
function addTables(view: View, first: number, end: number, into: PointerTable[]): void {
  for (let at = nextEqualSteps(view.bytes, first, end); at >= 0; ) {
    const table = tableAround(view, at, first);
    const length = table === undefined ? 0 : table.length;
    if (table !== undefined && length >= MIN_POINTERS) into.push(table);
    const last = table === undefined ? at : table.offset + 4 * (length - 1);
    at = nextEqualSteps(view.bytes, at + (((last - at) >> 4) << 4) + 16, end);
  }
}

/** The next of every four dwords whose low byte is as far from the next one's as that from its next; -1 when none is. */
function nextEqualSteps(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at + 12 <= end; at += 16) {
    const low = ((bytes[at + 4] as number) - (bytes[at] as number)) & 0xff;
    if (low !== 0 && (((bytes[at + 8] as number) - (bytes[at + 4] as number)) & 0xff) === low) return at;
  }
  return -1;
}

/** The row of dwords around `at` that have one distance, that of slots. */
function tableAround(view: View, at: number, first: number): PointerTable | undefined {
  const step = distance(view, at);
  if (step === undefined || distance(view, at + 4) !== step) return undefined;
  if (Math.abs(step) < MIN_STRIDE || Math.abs(step) > MAX_STRIDE) return undefined;
  let from = at;
  while (from - 4 >= first && distance(view, from - 4) === step) from -= 4;
  let to = at + 8;
  while (distance(view, to) === step) to += 4;
  return { offset: from, length: (to - from) / 4 + 1, step };
}

/** What the dword behind `at` is more than the one at it. */
function distance(view: View, at: number): number | undefined {
  const here = view.u32(at);
  const next = view.u32(at + 4);
  return here === undefined || next === undefined ? undefined : next - here;
}

/** `xchg eax, esi; rep movsd; xchg eax, esi`: how the key setup copies 8 dwords from eax to edi. */
const COPY = Uint8Array.of(0x96, 0xf3, 0xa5, 0x96);
const MOV_EAX = 0xb8;
const MOV_ECX = 0xb9;
const MOV_EDI = 0xbf;

/** Key setups that are looked at; real code has one or two. */
const MAX_SETUPS = 16;

/** Addresses that a key setup copies from. */
export interface KeySetup {
  readonly keyVa: number;
  readonly nonceVa: number;
}

/**
 * Key setups of L3 (nightMARE lumma/configuration.py, CAPE-parsers Lumma.py): `mov eax, key`, `mov edi, state` and
 * `mov ecx, 8` in any order, the copy, `mov eax, nonce`.
 */
export function keySetups(view: View, ranges: readonly Range[]): readonly KeySetup[] {
  const setups: KeySetup[] = [];
  const { bytes } = view;
  for (const range of ranges) {
    if (!range.executable) continue;
    for (const copy of indexesOf(bytes, COPY, range.start, range.end)) {
      if (bytes[copy + 4] !== MOV_EAX) continue;
      const nonceVa = view.u32(copy + 5);
      let keyVa: number | undefined;
      let count: number | undefined;
      let to: number | undefined;
      for (let at = copy - 15; at < copy; at += 5) {
        if (bytes[at] === MOV_EAX) keyVa = view.u32(at + 1);
        else if (bytes[at] === MOV_ECX) count = view.u32(at + 1);
        else if (bytes[at] === MOV_EDI) to = view.u32(at + 1);
      }
      if (keyVa === undefined || nonceVa === undefined || to === undefined || count !== KEY_SIZE / 4)
        continue;
      setups.push({ keyVa, nonceVa });
      if (setups.length === MAX_SETUPS) return setups;
    }
  }
  return setups;
}

/** Keys that such code leads to. */
export function* sitesByCode(image: Image, setups: readonly KeySetup[]): Generator<FoundSite> {
  for (const { keyVa, nonceVa } of setups) {
    const key = image.offsetOfVa(keyVa);
    const nonce = image.offsetOfVa(nonceVa);
    if (key === undefined || nonce === undefined) continue;
    if (mayBeKey(image.view.bytes, key) && image.view.has(nonce, NONCE_SIZE))
      yield { key, nonce, by: "code" };
  }
}

export interface ArrayReference {
  readonly array: number;
  /** What the loop counter is compared with, where a comparison follows. */
  readonly count?: number;
}

/** Where the code refers to slots, as offsets. */
export function* arrayReferences(image: Image, ranges: readonly Range[]): Generator<ArrayReference> {
  for (const { va, ...rest } of arrayAddresses(image.view, ranges)) {
    const array = image.offsetOfVa(va);
    if (array !== undefined) yield { array, ...rest };
  }
}

/** `shl reg, 7; lea reg, [reg + array]`: an index into slots of 0x80 bytes. */
export function* arrayAddresses(
  view: View,
  ranges: readonly Range[],
): Generator<{ readonly va: number; readonly count?: number }> {
  const { bytes } = view;
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
      const va = view.u32(at + 5);
      if (va === undefined) continue;
      const count = comparedWith(bytes, at + 9);
      yield count === undefined ? { va } : { va, count };
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
