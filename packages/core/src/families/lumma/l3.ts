/**
 * L3 (v6.x, from mid 2025): one blob in .rdata.
 *
 *   +0x00 key[32]  +0x20 nonce[8]  +0x28 block 0 [0x80], opaque  +0xA8 slots of 0x80 bytes, nine in known builds
 *
 * Slot i from 0: ChaCha20 with block counter 2 + 2i over its 0x80 bytes gives `host/path` and a NUL.
 * Sources: nightMARE lumma/configuration.py, CAPE-parsers Lumma.py, uky007/LummaStealer, TheTrackerShow scripts 05.
 */
import type { Image } from "../../formats/image.ts";
import { startsAsHost } from "./chacha-probe.ts";
import {
  certain,
  type EntryList,
  KEY_SIZE,
  type KeySite,
  NONCE_SIZE,
  readArray,
  readEntry,
  SLOT,
} from "./entries.ts";
import { arrayReferences, type FoundSite } from "./key-sites.ts";
import { randomStarts, type Starts } from "./random-runs.ts";
import type { Range } from "./ranges.ts";

export const FIRST_COUNTER = 2;
const BLOCK_0 = KEY_SIZE + NONCE_SIZE;
const ARRAY = BLOCK_0 + SLOT;

export interface Blob {
  readonly site: FoundSite;
  readonly array: number;
  /** 2 in L3. Where block 0 holds an address too, the slots begin there with 0: L2 without a table. */
  readonly firstCounter: number;
  readonly list: EntryList;
  /** Slots that the code counts, where it says so. */
  readonly count?: number;
}

/** The blob of a key site: its array right behind block 0, or where the code has it. */
export function blobAt(image: Image, site: FoundSite, ranges: readonly Range[]): Blob | undefined {
  const { bytes } = image.view;
  const firstCounter = readEntry(bytes, site, site.key + BLOCK_0, 0, 0) === undefined ? FIRST_COUNTER : 0;
  const array = site.key + (firstCounter === 0 ? BLOCK_0 : ARRAY);
  const list = readArray(bytes, site, array, firstCounter);
  const behindKey = { site, array, firstCounter, list };
  if (certain(list) >= 2) return { ...behindKey, ...countOf(array, image, ranges) };
  if (site.by !== "code") return certain(list) === 0 ? undefined : behindKey;
  for (const reference of arrayReferences(image, ranges)) {
    const there = readArray(bytes, site, reference.array, FIRST_COUNTER);
    if (certain(there) > 0) return { site, firstCounter: FIRST_COUNTER, list: there, ...reference };
  }
  return undefined;
}

/** How many slots the code that refers to the array counts. */
function countOf(array: number, image: Image, ranges: readonly Range[]): Pick<Blob, "count"> {
  for (const reference of arrayReferences(image, ranges)) if (reference.array === array) return reference;
  return {};
}

/** A blob cannot be told from its surroundings without two entries. */
const MIN_BLOB = ARRAY + 2 * SLOT;
/** Random bytes around a blob (keys, junk behind short strings) and the blob itself; longer islands are payloads. */
const MAX_ISLAND = 0x4000;
/** In islands up to this length every offset is tried, in longer ones those that are 4-aligned in memory. */
const MAX_UNALIGNED_ISLAND = 0x1000;
/** Keys tried in one image: about ten milliseconds. */
const MAX_PROBES = 30_000;

/** Finds the blob without any signature: where a key, a nonce and ciphertext may be, two entries decrypt. */
export function findBlob(image: Image, ranges: readonly Range[]): Blob | undefined {
  const { bytes } = image.view;
  let probes = MAX_PROBES;
  const scan = ({ start, end }: Starts, phase: number): Blob | undefined => {
    for (let at = start + ((phase - start) & 3); at < end && probes > 0; at += 4, probes--) {
      if (!startsAsHost(bytes, at, at + KEY_SIZE, at + ARRAY, FIRST_COUNTER)) continue;
      const site: FoundSite = { key: at, nonce: at + KEY_SIZE, by: "scan" };
      if (!opens(bytes, site)) continue;
      const blob = blobAt(image, site, ranges);
      if (blob !== undefined && certain(blob.list) >= 2) return blob;
    }
    return undefined;
  };
  const small: { starts: Starts; phase: number }[] = [];
  for (const { start, end, phase } of ranges) {
    for (const starts of randomStarts(bytes, start, end, MIN_BLOB, MAX_ISLAND)) {
      const blob = scan(starts, phase ?? 0);
      if (blob !== undefined) return blob;
      if (starts.island <= MAX_UNALIGNED_ISLAND) small.push({ starts, phase: phase ?? 0 });
    }
  }
  for (const shift of [1, 2, 3]) {
    for (const { starts, phase } of small) {
      const blob = scan(starts, phase + shift);
      if (blob !== undefined) return blob;
    }
  }
  return undefined;
}

function opens(bytes: Uint8Array, site: KeySite): boolean {
  return readEntry(bytes, site, site.key + ARRAY, FIRST_COUNTER, 0) !== undefined;
}
