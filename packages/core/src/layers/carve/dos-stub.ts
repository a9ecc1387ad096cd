/**
 * The text that linkers put at the start of every program, under a cyclic XOR key: the XOR of two bytes one key length
 * apart does not depend on the key, so known differences tell where it stands, and the text then tells the key.
 */
import { latin1Bytes, unhex } from "../../bytes/index.ts";

const fromHex = (text: string): Uint8Array => unhex(text.replaceAll(" ", "")) ?? new Uint8Array(0);

/** DOS header and stub as linkers write them; -1 where they differ (e_lfanew). */
export const TEMPLATES: readonly Int16Array[] = [
  // Microsoft's, GNU's and LLVM's linkers, the .NET compilers.
  template(
    "4d5a 9000 0300 0000 0400 0000 ffff 0000 b800 0000 0000 0000 4000",
    "0e1fba0e00b409cd21b8014ccd21",
    "This program cannot be run in DOS mode.\r\r\n$",
    0x80,
  ),
  // Borland's and Embarcadero's.
  template(
    "4d5a 5000 0200 0000 0400 0f00 ffff 0000 b800 0000 0000 0000 4000 1a00",
    "ba10000e1fb409cd21b8014ccd219090",
    "This program must be run under Win32\r\n$7",
    0x80,
  ),
];

function template(header: string, stub: string, text: string, size: number): Int16Array {
  const known = new Int16Array(size);
  known.set(fromHex(header));
  known.fill(-1, 0x3c, 0x3e);
  known.set(fromHex(stub), 0x40);
  known.set(latin1Bytes(text), 0x40 + stub.length / 2);
  return known;
}

/** Known differences at one key length: which four of them stand where, and how far apart to look. */
export interface Probe {
  readonly stride: number;
  /** By hash of the four, whether any have it. */
  readonly filter: Uint8Array;
  /** The four as a number → template and position. */
  readonly places: ReadonlyMap<number, readonly (readonly [known: Int16Array, position: number])[]>;
}

const FILTER_SIZE = 0x1_0000;
const probes: (Probe | undefined)[] = [];

function hashOf(four: number): number {
  return (four ^ (four >>> 16)) & (FILTER_SIZE - 1);
}

export function probeOf(period: number): Probe {
  let probe = probes[period];
  if (probe === undefined) {
    probe = makeProbe(period);
    probes[period] = probe;
  }
  return probe;
}

function makeProbe(period: number): Probe {
  const filter = new Uint8Array(FILTER_SIZE);
  const places = new Map<number, (readonly [Int16Array, number])[]>();
  let stride = Number.POSITIVE_INFINITY;
  for (const known of TEMPLATES) {
    let run = 0;
    let longest = 0;
    for (let i = 0; i + period + 4 <= known.length; i++) {
      const four = differenceAt(known, i, period);
      // Four that are mostly zero stand in any padding.
      run = four === undefined ? 0 : run + 1;
      longest = Math.max(longest, run);
      if (four === undefined) continue;
      filter[hashOf(four)] = 1;
      places.set(four, [...(places.get(four) ?? []), [known, i]]);
    }
    stride = Math.min(stride, longest);
  }
  return { stride: Math.max(1, stride), filter, places };
}

function differenceAt(known: Int16Array, at: number, period: number): number | undefined {
  let four = 0;
  let different = 0;
  for (let i = 3; i >= 0; i--) {
    const a = known[at + i] as number;
    const b = known[at + i + period] as number;
    if (a < 0 || b < 0) return undefined;
    four = (four << 8) | (a ^ b);
    different += Number(a !== b);
  }
  return different >= 3 ? four : undefined;
}

/** The next of the places `from`, `from + stride`, … whose difference may be a known one; -1 when there is none. */
export function nextDifference(
  bytes: Uint8Array,
  from: number,
  end: number,
  period: number,
  { stride, filter }: Probe,
): number {
  const last = end - period - 4;
  for (let at = from; at < last; at += stride)
    if (filter[hashOf(differenceOf(bytes, at, period))] === 1) return at;
  return -1;
}

export function differenceOf(bytes: Uint8Array, at: number, period: number): number {
  return (
    ((bytes[at] as number) ^ (bytes[at + period] as number)) |
    (((bytes[at + 1] as number) ^ (bytes[at + period + 1] as number)) << 8) |
    (((bytes[at + 2] as number) ^ (bytes[at + period + 2] as number)) << 16) |
    (((bytes[at + 3] as number) ^ (bytes[at + period + 3] as number)) << 24)
  );
}

/** Of the known bytes that the view has, so many must be what the key makes of them: 15 of 16. */
const MAX_WRONG = 1 / 16;

/** The key by absolute offset, when the bytes from `base` are the template under it and it is not zero. */
export function keyAt(
  bytes: Uint8Array,
  base: number,
  known: Int16Array,
  period: number,
): Uint8Array | undefined {
  const stub = 0x40;
  const key = new Int16Array(period).fill(-1);
  let checked = 0;
  let wrong = 0;
  // The stub first: DOS headers differ more. From its end, so that key bytes come from its text.
  for (let i = known.length - 1; i >= (period > stub - 16 ? 0 : stub); i--) {
    const at = base + i;
    const value = known[i] as number;
    if (value < 0 || at < 0 || at >= bytes.length) continue;
    const byte = (bytes[at] as number) ^ value;
    const slot = at % period;
    if (key[slot] === -1) key[slot] = byte;
    else if (key[slot] !== byte) wrong++;
    checked++;
  }
  if (checked < 40 || wrong > checked * MAX_WRONG || key.includes(-1) || key.every((byte) => byte === 0))
    return undefined;
  return Uint8Array.from(key);
}
