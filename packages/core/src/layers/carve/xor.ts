/**
 * PEs under a cyclic XOR key of 1 to 64 bytes. The XOR of two bytes one key length apart does not depend on the key, so
 * a header's known text shows without knowing it: one pass per key length, at strides as long as the known text.
 * Which lengths are worth a pass shows at zeros: a run of them is, encrypted, the key over and over.
 */
import { hex, View } from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import { embeddedPe } from "../around-pe/embedded-pe.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type SearchArea } from "./carved.ts";
import { differenceOf, keyAt, nextDifference, probeOf, TEMPLATES } from "./dos-stub.ts";
import { lengthOf } from "./headers.ts";
import { isLikelyKey, MAX_KEY, sightings } from "./key-sightings.ts";

/** Keys whose image is looked for without known text: those seen most often. */
const TRIED_KEYS = 3;
const MIN_SIGHTINGS = 2;
/** Key lengths that get a pass over all bytes. */
const MAX_PERIODS = 4;

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
