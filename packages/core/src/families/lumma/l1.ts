/**
 * L1 (v4, August 2023 to January 2025): slots of 0x81 bytes in .rdata, each a NUL-terminated base64 text and random
 * bytes up to the NUL at its end. base64 → key[32] || text XOR key; all slots of a build share the key. The text is a
 * bare host. Slots that a customer leaves empty repeat another one.
 * Sources: CAPE-parsers Lumma.py, RussianPanda lumma_config_extract.py, TheTrackerShow scripts 01 and 02.
 */
import { latin1, type View } from "../../bytes/index.ts";
import { decodeBase64, UNPADDED, URL_SAFE, xor } from "../../codecs/index.ts";
import { type Address, readAddress } from "./address.ts";
import type { Range } from "./ranges.ts";

export const STRIDE = 0x81;
export const XOR_KEY_SIZE = 32;
/** The shortest text is the key and one byte; it must fit a slot with its NUL. */
const MIN_TEXT = 44;
const MAX_TEXT = STRIDE - 1;
const MIN_HOST = 4;
/** Characters of the key and the shortest host, without padding. */
const MIN_CODED = Math.ceil(((XOR_KEY_SIZE + MIN_HOST) * 4) / 3);
/** Slots without a host between two with one, in a chain. */
const MAX_HOLES = 8;
/** Candidate texts that are decoded in one image: in a file of base64 there are as many as one likes. */
const MAX_TEXTS = 20_000;

export interface Slot {
  /** Of the text, without padding. */
  readonly offset: number;
  readonly length: number;
  readonly dialect: "unpadded" | "url-safe";
  readonly key: Uint8Array;
  readonly text: string;
  readonly address: Address;
}

export interface SlotGroup {
  readonly slots: readonly Slot[];
  /** Bytes from slot to slot, when it is one number. */
  readonly stride: number | undefined;
  /** Offsets within the chain where no host was. */
  readonly holes: readonly number[];
}

const CLASS = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
  CLASS[char.charCodeAt(0)] = 1;
/** The malware's decoder takes both as padding. */
const PADS = new Set([0x3d, 0x2e]);

/** The largest group of slots in the image, or undefined. One lone slot is a group too: the caller judges. */
export function findSlots(view: View, ranges: readonly Range[]): SlotGroup | undefined {
  const slots: Slot[] = [];
  let texts = 0;
  for (const range of ranges) {
    for (const [start, end] of base64Runs(view.bytes, range.start, range.end)) {
      if (++texts > MAX_TEXTS) break;
      // A random byte before the slot may be of the alphabet; then the text starts up to three characters later.
      for (const skip of new Set([0, (end - start) % 4])) {
        const slot = readSlot(view.bytes, start + skip, end);
        if (slot === undefined) continue;
        slots.push(slot);
        break;
      }
    }
  }
  return bestGroup(slots);
}

/** Half of the shortest text: of a run of 44 or more, two multiples of this lie inside. */
const STEP = MIN_TEXT / 2;

/** Maximal runs of base64 characters of a slot's length. */
function base64Runs(bytes: Uint8Array, start: number, end: number): [number, number][] {
  const runs: [number, number][] = [];
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = nextText(bytes, data, start, end); at >= 0; ) {
    const [first, last] = textAround(bytes, at, start, end);
    if (last - first >= MIN_TEXT - 1 && last - first <= MAX_TEXT + 3) runs.push([first, last]);
    at = nextText(bytes, data, at + (((last - at) / STEP) | 0) * STEP + STEP, end);
  }
  return runs;
}

/** The next of the places `from`, `from + STEP`, … that lies in what may be a text; -1 when there is none. */
function nextText(bytes: Uint8Array, data: DataView, from: number, end: number): number {
  const isBase64 = CLASS;
  for (let at = from; at + STEP < end; at += STEP) {
    // Four bytes at once: none below "+", none above 0x7f.
    const four = data.getInt32(at, true);
    if (((four | (four - 0x2b2b_2b2b)) & 0x8080_8080) !== 0) continue;
    // One test, not ten: branches that nothing predicts cost more than the loads. Words of a text end within these.
    const all =
      (isBase64[bytes[at] as number] as number) &
      (isBase64[bytes[at + 3] as number] as number) &
      (isBase64[bytes[at + 5] as number] as number) &
      (isBase64[bytes[at + 7] as number] as number) &
      (isBase64[bytes[at + 9] as number] as number) &
      (isBase64[bytes[at + 11] as number] as number) &
      (isBase64[bytes[at + 15] as number] as number) &
      (isBase64[bytes[at + 18] as number] as number) &
      (isBase64[bytes[at + STEP] as number] as number);
    if (all === 1) return at;
  }
  return -1;
}

function textAround(bytes: Uint8Array, at: number, start: number, end: number): [number, number] {
  let first = at;
  while (first > start && CLASS[bytes[first - 1] as number] === 1) first--;
  let last = at + 1;
  while (last < end && CLASS[bytes[last] as number] === 1) last++;
  return [first, last];
}

/** What a base64 character stands for; both alphabets. */
const DIGIT = new Uint8Array(256);
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].forEach((char, i) => {
  DIGIT[char.charCodeAt(0)] = i;
});
DIGIT[0x2d] = 62;
DIGIT[0x5f] = 63;
const IS_HOST = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:/")
  IS_HOST[char.charCodeAt(0)] = 1;

/** Byte `index` of what the base64 text at `start` says. */
function byteAt(bytes: Uint8Array, start: number, index: number): number {
  const at = start + Math.floor(index / 3) * 4 + (index % 3);
  const shift = 2 * (index % 3) + 2;
  const two = ((DIGIT[bytes[at] as number] as number) << 6) | (DIGIT[bytes[at + 1] as number] as number);
  return (two >> (6 - shift)) & 0xff;
}

/** The first characters that come out are those of a host: what most base64 is not, before all of it is decoded. */
function startsAsHost(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < MIN_HOST; i++) {
    const plain = byteAt(bytes, start, i) ^ byteAt(bytes, start, XOR_KEY_SIZE + i);
    if (IS_HOST[plain] === 0) return false;
  }
  return true;
}

/** Decodes the base64 text [start, end), which padding or a NUL must follow. */
function readSlot(bytes: Uint8Array, start: number, end: number): Slot | undefined {
  let stop = end;
  while (stop < end + 2 && PADS.has(bytes[stop] as number)) stop++;
  if (bytes[stop] !== 0 || stop - start > MAX_TEXT) return undefined;
  if (end - start < MIN_CODED || !startsAsHost(bytes, start)) return undefined;
  const body = bytes.subarray(start, end);
  const urlSafe = body.includes(0x2d) || body.includes(0x5f);
  const decoded = decodeBase64(body, urlSafe ? URL_SAFE : UNPADDED);
  if (decoded === undefined || decoded.length < XOR_KEY_SIZE + MIN_HOST) return undefined;
  const key = decoded.subarray(0, XOR_KEY_SIZE);
  const text = latin1(xor(decoded.subarray(XOR_KEY_SIZE), key));
  const address = readAddress(text);
  if (address === undefined || !address.knownSuffix) return undefined;
  const dialect = urlSafe ? "url-safe" : "unpadded";
  return { offset: start, length: end - start, dialect, key, text, address };
}

function bestGroup(slots: readonly Slot[]): SlotGroup | undefined {
  const groups = new Map<string, Slot[]>();
  for (const slot of slots) {
    const id = slot.key.join();
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [slot]);
    else group.push(slot);
  }
  const distinct = (group: readonly Slot[]) => new Set(group.map((slot) => slot.text)).size;
  const best = [...groups.values()].sort((a, b) => distinct(b) - distinct(a))[0];
  return best && chain(best);
}

/** Orders a group by offset and tells its stride. A second copy of the same slots, farther on, is left out. */
function chain(unordered: readonly Slot[]): SlotGroup {
  const all = [...unordered].sort((a, b) => a.offset - b.offset);
  const steps = all.slice(1).map((slot, i) => slot.offset - (all[i] as Slot).offset);
  if (steps.length === 0) return { slots: all, stride: undefined, holes: [] };
  const stride = Math.min(...steps);
  const parts: Slot[][] = [[]];
  all.forEach((slot, i) => {
    const step = steps[i - 1] ?? stride;
    if (step % stride !== 0 || step / stride > MAX_HOLES + 1) parts.push([]);
    parts.at(-1)?.push(slot);
  });
  const slots = parts.reduce((best, part) => (part.length > best.length ? part : best));
  const texts = new Set(slots.map((slot) => slot.text));
  if (slots.length < 2 || all.some((slot) => !texts.has(slot.text)))
    return { slots: all, stride: undefined, holes: [] };
  const first = (slots[0] as Slot).offset;
  const taken = new Set(slots.map((slot) => slot.offset));
  const count = ((slots.at(-1) as Slot).offset - first) / stride + 1;
  const places = Array.from({ length: count }, (_, i) => first + i * stride);
  return { slots, stride, holes: places.filter((place) => !taken.has(place)) };
}
