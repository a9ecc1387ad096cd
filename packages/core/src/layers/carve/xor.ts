/**
 * PEs under a cyclic XOR key of 1 to 64 bytes. The XOR of two bytes one key length apart does not depend on the key, so
 * a header's known text shows without knowing it: one pass per key length, at strides as long as the known text.
 * Which lengths are worth a pass shows at zeros: a run of them is, encrypted, the key over and over.
 */
import { hex, latin1, latin1Bytes, unhex, View } from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import { embeddedPe } from "../around-pe/embedded-pe.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type SearchArea } from "./carved.ts";
import { lengthOf } from "./headers.ts";

export const MAX_KEY = 64;

const fromHex = (text: string): Uint8Array => unhex(text.replaceAll(" ", "")) ?? new Uint8Array(0);

/** DOS header and stub as linkers write them; -1 where they differ (e_lfanew). */
const TEMPLATES: readonly Int16Array[] = [
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
interface Probe {
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

function probeOf(period: number): Probe {
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

/** Zeros are looked for at every so many bytes: a run of 200 shows any key length. */
const ZEROS_STRIDE = 128;
/** Bytes that must repeat for a run to be one. */
const RUN = 48;
/** Keys remembered of one artifact. */
const MAX_KEYS = 256;
/** Keys whose image is looked for without known text: those seen most often. */
const TRIED_KEYS = 3;
const MIN_SIGHTINGS = 2;
/** Fills that compilers, tables and pictures use: runs of them say nothing about a key. */
const FILLS: ReadonlySet<number> = new Set([0x00, 0x20, 0x90, 0xcc, 0xff]);
/** Zeros in a row that no key has. */
const MAX_ZEROS = 3;
/** Key lengths that get a pass over all bytes. */
const MAX_PERIODS = 4;

interface Sighting {
  /** Key bytes by absolute offset modulo their number. */
  readonly key: Uint8Array;
  count: number;
}

/** Runs that repeat with a period of up to 64 bytes, by the key that they would be under zeros. */
function sightings(bytes: Uint8Array, start: number, end: number): Sighting[] {
  const seen = new Map<string, Sighting>();
  const last = end - MAX_KEY - RUN - 8;
  for (let place = start; place < last; place += ZEROS_STRIDE) {
    // A zero is the commonest byte and the rarest of keys: the next byte then, which may be one.
    const at = bytes[place] === 0 ? place + 1 : place;
    const a = bytes[at] as number;
    if (a === 0) continue;
    const b = bytes[at + 1] as number;
    // Most bytes do not come again so soon, which is found out fast.
    const furthest = bytes.lastIndexOf(a, at + MAX_KEY) - at;
    for (let period = 1; period <= furthest; period++) {
      if (bytes[at + period] !== a || bytes[at + period + 1] !== b) continue;
      if (!repeats(bytes, at, period)) continue;
      const key = new Uint8Array(period);
      for (let i = 0; i < period; i++) key[(at + i) % period] = bytes[at + i] as number;
      const name = latin1(key);
      const sighting = seen.get(name);
      if (sighting !== undefined) sighting.count++;
      else if (seen.size < MAX_KEYS) seen.set(name, { key, count: 1 });
      break;
    }
  }
  return [...seen.values()].sort((a, b) => b.count - a.count);
}

function repeats(bytes: Uint8Array, at: number, period: number): boolean {
  for (let i = 2; i < RUN; i++) if (bytes[at + i] !== bytes[at + i + period]) return false;
  return true;
}

/** Not a fill, a picture's row or a padded string: those repeat as well. */
function isLikelyKey(key: Uint8Array): boolean {
  if (key.every((byte) => FILLS.has(byte))) return false;
  let zeros = 0;
  for (let i = 0; i < 2 * key.length && zeros < MAX_ZEROS; i++)
    zeros = key[i % key.length] === 0 ? zeros + 1 : 0;
  return zeros < MAX_ZEROS && (key.length < 8 || new Set(key).size >= 4);
}

/** Images under XOR in [start, end). */
export function carveXor(area: SearchArea): Carved[] {
  const { view, start, end } = area;
  const seen = sightings(view.bytes, start, end).filter(({ key }) => isLikelyKey(key));
  const periods = [...new Set([1, ...seen.map(({ key }) => key.length)])].slice(0, MAX_PERIODS);
  const found: Carved[] = [];
  const isKnown = (at: number): boolean =>
    found.some((one) => at >= one.start && at < one.start + one.length);
  for (const period of periods) carveKnown(area, period, found, isKnown);
  const tried = seen.filter(({ count }) => count >= MIN_SIGHTINGS);
  for (const { key } of tried.slice(0, TRIED_KEYS)) carveWithKey(area, key, found, isKnown);
  return found;
}

function carveKnown(
  { view, start, end }: SearchArea,
  period: number,
  found: Carved[],
  isKnown: (at: number) => boolean,
): void {
  const { bytes } = view;
  const probe = probeOf(period);
  const { stride, places } = probe;
  let candidates = 0;
  for (let at = nextDifference(bytes, start, end, period, probe); at >= 0; ) {
    let next = at + stride;
    for (const [known, position] of places.get(differenceOf(bytes, at, period)) ?? []) {
      if (++candidates > MAX_CANDIDATES || found.length >= MAX_CARVED) return;
      const key = keyAt(bytes, at - position, known, period);
      if (key === undefined || isKnown(at)) continue;
      const carved = imageBefore(view, at, end, key);
      if (carved === undefined) continue;
      found.push(carved);
      next = Math.max(next, carved.start + carved.length);
      break;
    }
    at = nextDifference(bytes, next, end, period, probe);
  }
}

/** The next of the places `from`, `from + stride`, … whose difference may be a known one; -1 when there is none. */
function nextDifference(
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

function differenceOf(bytes: Uint8Array, at: number, period: number): number {
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
function keyAt(bytes: Uint8Array, base: number, known: Int16Array, period: number): Uint8Array | undefined {
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

/** A stub's text stands no further behind the start than this. */
const MAX_STUB = 0x200;

/** The image that starts before `at` under `key` (by absolute offset). */
function imageBefore(view: View, at: number, end: number, key: Uint8Array): Carved | undefined {
  const from = Math.max(0, at - MAX_STUB);
  const plain = xor(view.clip(from, HEAD + MAX_STUB).bytes, key, from);
  for (let i = at - from; i >= 0; i--) {
    if (plain[i] !== 0x4d || plain[i + 1] !== 0x5a) continue;
    const carved = imageUnder(view, from + i, end, key);
    if (carved !== undefined) return carved;
  }
  return undefined;
}

/** The image at `start` under `key` (by absolute offset). */
function imageUnder(view: View, start: number, end: number, key: Uint8Array): Carved | undefined {
  const head = new View(xor(view.clip(start, HEAD).bytes, key, start));
  const lfanew = head.u32(0x3c) ?? 0;
  if (head.u16(0) !== 0x5a4d || head.u32(lfanew) !== 0x4550) return undefined;
  const image = embeddedPe(head, 0);
  const length = image && lengthOf(head);
  if (image === undefined || length === undefined) return undefined;
  const size = key.length;
  const turned = key.map((_, i) => key[(start + i) % size] as number);
  return {
    start,
    length: Math.min(length, end - start),
    steps: [{ op: "xor", params: { key: hex(shortest(turned)) } }],
    format: image.format,
  };
}

/** A key that repeats itself is the shorter one. */
function shortest(key: Uint8Array): Uint8Array {
  for (let size = 1; size < key.length; size++) {
    if (key.length % size === 0 && key.every((byte, i) => byte === key[i % size]))
      return key.subarray(0, size);
  }
  return key;
}

/** Bytes of a DOS header that are zero in every linker's: e_oemid to the end of e_res2, and e_res before. */
const ZEROS_START = 0x1c;
const ZEROS_END = 0x3c;

/** Four zeros of the header's 32 are met at this stride wherever it stands. */
const HEADER_STRIDE = ZEROS_END - ZEROS_START - 4;

/** Looks for MZ, e_lfanew and PE under one key, where a header's zeros show it. */
function carveWithKey(
  area: SearchArea,
  key: Uint8Array,
  found: Carved[],
  isKnown: (at: number) => boolean,
): void {
  const { view, start, end } = area;
  const { bytes } = view;
  let candidates = 0;
  /** Places in a row with the key's bytes: more than two are padding. */
  let row = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let at = nextZeros(bytes, start, end, key); at >= 0; ) {
    let next = at + HEADER_STRIDE;
    row = at === last + HEADER_STRIDE ? row + 1 : 1;
    last = at;
    if (row <= 2 && !isKnown(at)) {
      if (++candidates > MAX_CANDIDATES || found.length >= MAX_CARVED) return;
      const carved = imageAround(view, at, start, end, key);
      if (carved !== undefined) {
        found.push(carved);
        next = Math.max(next, carved.start + carved.length);
      }
    }
    at = nextZeros(bytes, next, end, key);
  }
}

/** The next of the places `from`, `from + HEADER_STRIDE`, … with four zeros under `key`; -1 when there is none. */
function nextZeros(bytes: Uint8Array, from: number, end: number, key: Uint8Array): number {
  const size = key.length;
  for (let at = from; at + 4 < end; at += HEADER_STRIDE)
    if (
      bytes[at] === key[at % size] &&
      bytes[at + 1] === key[(at + 1) % size] &&
      bytes[at + 2] === key[(at + 2) % size] &&
      bytes[at + 3] === key[(at + 3) % size]
    )
      return at;
  return -1;
}

/** The image whose header's zeros the four at `at` are. */
function imageAround(
  view: View,
  at: number,
  start: number,
  end: number,
  key: Uint8Array,
): Carved | undefined {
  const { bytes } = view;
  const size = key.length;
  const from = Math.max(start, at + 4 - ZEROS_END);
  for (let first = at - ZEROS_START; first >= from; first--) {
    const isMz =
      bytes[first] === (0x4d ^ (key[first % size] as number)) &&
      bytes[first + 1] === (0x5a ^ (key[(first + 1) % size] as number));
    const carved = isMz ? imageUnder(view, first, end, key) : undefined;
    if (carved !== undefined) return carved;
  }
  return undefined;
}

/** The image that starts right at `start`, by its header's own zeros (keys up to 32 bytes) or a known stub. */
export function xoredImageAt(view: View, start: number): Carved | undefined {
  const { bytes } = view;
  if (start + 0x100 > view.length) return undefined;
  const [m, z] = [(bytes[start] as number) ^ 0x4d, (bytes[start + 1] as number) ^ 0x5a];
  for (let period = 1; period <= MAX_KEY; period++) {
    const key = period <= ZEROS_END - ZEROS_START ? keyOfZeros(bytes, start, period) : undefined;
    if (key !== undefined && key[start % period] === m && key[(start + 1) % period] === z) {
      const carved = key.some((byte) => byte !== 0) ? imageUnder(view, start, view.length, key) : undefined;
      if (carved !== undefined) return carved;
    }
    for (const known of TEMPLATES) {
      const stubKey = keyAt(bytes, start, known, period);
      const carved = stubKey && imageUnder(view, start, view.length, stubKey);
      if (carved !== undefined) return carved;
    }
  }
  return undefined;
}

function keyOfZeros(bytes: Uint8Array, start: number, period: number): Uint8Array {
  const key = new Uint8Array(period);
  for (let at = start + ZEROS_END - period; at < start + ZEROS_END; at++)
    key[at % period] = bytes[at] as number;
  return key;
}
