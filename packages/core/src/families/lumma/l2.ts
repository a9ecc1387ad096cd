/**
 * L2 (21 January 2025 to mid 2025): ChaCha20 slots, each under its own block counter 2k, found by a table of pointers.
 *
 *   key[32]  nonce[8]  pointers to the slots, nine in known builds; entry k of the table is decrypted with counter 2k
 *
 * The slots are 0x80 bytes of ciphertext, mostly with a NUL behind them (stride 0x81), in the opposite order of the
 * table. Published parsers look for them in three places: by the table (CAPE-parsers Lumma.py, which tries all
 * counters), at a fixed distance behind `true\0false` (RussianPanda LummaExtractor.cpp), and right behind the nonce from
 * counter 0 on (uky007/LummaStealer; see blobAt in l3.ts). Without the table's addresses the slots are found by trying the
 * keystreams of all counters at every offset, which needs no fixed distance.
 */
import type { View } from "../../bytes/index.ts";
import { chacha20 } from "../../codecs/index.ts";
import type { Image } from "../../formats/image.ts";
import {
  BLOCKS_PER_SLOT,
  type Entry,
  KEY_SIZE,
  NONCE_SIZE,
  readEntry,
  SLOT,
  USUAL_ENTRIES,
} from "./entries.ts";
import type { FoundSite } from "./key-sites.ts";
import type { Range } from "./ranges.ts";

export interface SlotTable {
  readonly site: FoundSite;
  /** In the order of their counters, which is that of the table. */
  readonly entries: readonly Entry[];
  /** Entries of the pointer table, where there is one. */
  readonly pointers: number | undefined;
}

const MAX_POINTERS = 32;
/** Slots whose keystream is tried. */
const MAX_COUNTED = 16;

/** The slots of a key site, or undefined when none decrypts. */
export function slotsOf(image: Image, site: FoundSite, ranges: readonly Range[]): SlotTable | undefined {
  const { bytes } = image.view;
  const pointers = readPointers(image, site.nonce + NONCE_SIZE);
  const pointed = pointers.flatMap((offset, i) => readCounted(bytes, site, offset, i) ?? []);
  if (pointed.some((entry) => entry.address.knownSuffix))
    return { site, entries: pointed, pointers: pointers.length };
  const scanned = scanSlots(bytes, site, ranges);
  return scanned.length >= 2
    ? { site, entries: scanned, pointers: rowLength(image.view, site.nonce + NONCE_SIZE) }
    : undefined;
}

/** Dwords in a row with the distance of slots between them: a pointer table whose addresses are not known. */
function rowLength(view: View, offset: number): number | undefined {
  const step = (view.u32(offset + 4) ?? 0) - (view.u32(offset) ?? 0);
  if (Math.abs(step) < SLOT || Math.abs(step) >= 2 * SLOT) return undefined;
  let length = 2;
  while (
    length < MAX_POINTERS &&
    (view.u32(offset + 4 * length) ?? 0) - (view.u32(offset + 4 * length - 4) ?? 0) === step
  )
    length++;
  return length;
}

/** Offsets that the dwords from `offset` on point to, as long as they point into the image. */
function readPointers(image: Image, offset: number): number[] {
  const targets: number[] = [];
  // Where nobody knows the address, small numbers pass for pointers; real tables have a few.
  if (image.pointerBase === undefined) return targets;
  for (let i = 0; i < MAX_POINTERS; i++) {
    const va = image.view.u32(offset + 4 * i);
    const target = va === undefined ? undefined : image.offsetOfVa(va);
    if (target === undefined) break;
    targets.push(target);
  }
  return targets;
}

/** Slot `index` under its own counter, or any other: published parsers do not agree on the order. */
function readCounted(bytes: Uint8Array, site: FoundSite, offset: number, index: number): Entry | undefined {
  const own = readEntry(bytes, site, offset, index * BLOCKS_PER_SLOT, index);
  if (own !== undefined) return own;
  for (let k = 0; k < MAX_COUNTED; k++) {
    const entry = readEntry(bytes, site, offset, k * BLOCKS_PER_SLOT, index);
    if (entry?.address.knownSuffix) return entry;
  }
  return undefined;
}

/** The shortest text that is believed on its own, anywhere in the image; shorter ones need neighbours. */
const MIN_LONE_TEXT = 8;
const HOST_BYTE = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:/")
  HOST_BYTE[char.charCodeAt(0)] = 1;

/** The slots lie in the same section as their key; farther away nothing is looked for. */
const REACH = 0x40000;

/** Every offset at which one of the first keystreams gives an address; the data of the image first. */
function scanSlots(bytes: Uint8Array, site: FoundSite, ranges: readonly Range[]): Entry[] {
  const key = bytes.subarray(site.key, site.key + KEY_SIZE);
  const nonce = bytes.subarray(site.nonce, site.nonce + NONCE_SIZE);
  const found: Entry[] = [];
  for (const executable of [false, true]) {
    for (let k = 0; k < MAX_COUNTED; k++) {
      const stream = chacha20(key, nonce, new Uint8Array(LEAD), k * BLOCKS_PER_SLOT);
      for (const range of ranges) {
        if (range.executable !== executable) continue;
        for (const offset of likelyStarts(bytes, near(range, site.key), stream)) {
          const entry = readEntry(bytes, site, offset, k * BLOCKS_PER_SLOT, k);
          if (entry?.address.knownSuffix) found.push(entry);
        }
      }
    }
    if (found.length >= 2) break;
  }
  return plausible(found);
}

function near(range: Range, offset: number): Range {
  return {
    ...range,
    start: Math.max(range.start, offset - REACH),
    end: Math.min(range.end, offset + REACH),
  };
}

/** Offsets at which the first bytes of a keystream give characters of a host. */
function likelyStarts(bytes: Uint8Array, { start, end }: Range, stream: Uint8Array): number[] {
  const [s0, s1, s2, s3] = stream as unknown as readonly [number, number, number, number];
  const isHost = HOST_BYTE;
  // By two bytes at once, little-endian: whether the stream makes them characters of a host.
  const isPair = new Uint8Array(0x10000);
  for (let pair = 0; pair < isPair.length; pair++)
    isPair[pair] = (isHost[(pair & 0xff) ^ s0] as number) & (isHost[(pair >> 8) ^ s1] as number);
  const starts: number[] = [];
  let pair = (bytes[start] as number) << 8;
  for (let at = start; at + 4 <= end; at++) {
    pair = (pair >> 8) | ((bytes[at + 1] as number) << 8);
    if (isPair[pair] === 0) continue;
    const two =
      (isHost[(bytes[at + 2] as number) ^ s2] as number) & (isHost[(bytes[at + 3] as number) ^ s3] as number);
    if (two === 1 && goesOn(bytes, at, stream)) starts.push(at);
  }
  return starts;
}

/** Bytes of a keystream that are tried before a whole slot is decrypted. */
const LEAD = 8;

/** The bytes behind the first four, up to a NUL, are characters of a host too. */
function goesOn(bytes: Uint8Array, offset: number, stream: Uint8Array): boolean {
  for (let i = 4; i < LEAD && offset + i < bytes.length; i++) {
    const plain = (bytes[offset + i] as number) ^ (stream[i] as number);
    if (plain === 0) return true;
    if (HOST_BYTE[plain] === 0) return false;
  }
  return true;
}

/** Drops what chance gives: short texts that do not lie at the distance of slots from another one. */
function plausible(entries: readonly Entry[]): Entry[] {
  const beside = (entry: Entry) =>
    entries.some((other) => {
      const slots = Math.abs(entry.index - other.index);
      const bytes = Math.abs(entry.offset - other.offset);
      return slots > 0 && bytes % slots === 0 && bytes / slots >= SLOT && bytes / slots < 2 * SLOT;
    });
  return entries
    .filter((entry) => entry.text.length >= MIN_LONE_TEXT || beside(entry))
    .sort((a, b) => a.index - b.index || a.offset - b.offset);
}

/** Slots that the table says there are but that did not decrypt; without a table, those between the others. */
export function missingSlots(table: SlotTable): number[] {
  const known = new Set(table.entries.map((entry) => entry.index));
  const total = table.pointers ?? (table.entries.at(-1)?.index ?? 0) + 1;
  return Array.from({ length: Math.min(total, 2 * USUAL_ENTRIES) }, (_, i) => i).filter((i) => !known.has(i));
}
