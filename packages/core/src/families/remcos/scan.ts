/** Finding the blob where no resource directory leads to it: raw regions of dumps, damaged files. */
import {
  alignedWords,
  indexesOf,
  indexOf,
  latin1,
  latin1Bytes,
  matchesAt,
  pattern,
  type View,
} from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";

/** The mask of the last icon, which the resource compiler puts right before RCDATA/SETTINGS (JPCERT, MalConfScan). */
const ICON_TAIL = pattern("E0 00 00 07 E0 00 00 07 FF FF FF FF");
const ICON_WORD = 0x0700_00e0;
/** More icons than one end so. */
const MAX_MARKERS = 64;

/** Offsets right behind the icon tail. Resources are aligned to four bytes, which counts where the address is known. */
export function* markerOffsets({ view, layout, base }: Image): Generator<number> {
  const { bytes } = view;
  const isPlaced = layout !== "raw" || base > 0;
  let count = 0;
  for (const at of isPlaced ? alignedWords(bytes, ICON_WORD, -base) : indexesOf(bytes, ICON_TAIL.value)) {
    if (!matchesAt(bytes, ICON_TAIL, at)) continue;
    yield at + ICON_TAIL.value.length;
    if (++count === MAX_MARKERS) return;
  }
}

const NAME = latin1Bytes("Remcos");
/** Names that are followed, and bytes before and behind one in which the config is looked for: an image's. */
const MAX_NAMES = 4;
const BEFORE = 1 << 20;
const BEHIND = 1 << 21;

/** True when the malware's own name stands there: enough to look closer, no proof of anything. */
export function namesRemcos(view: View): boolean {
  return indexOf(view.bytes, NAME) >= 0;
}

/** The surroundings of the malware's name; all of what names it nowhere. */
export function aroundName(view: View): readonly View[] {
  const parts: View[] = [];
  let end = 0;
  for (let at = indexOf(view.bytes, NAME); at >= 0 && parts.length < MAX_NAMES; ) {
    const start = Math.max(end, at - BEFORE);
    end = Math.min(view.length, at + BEHIND);
    parts.push(view.clip(start, end - start));
    at = indexOf(view.bytes, NAME, end);
  }
  return parts.length === 0 ? [view] : parts;
}

const WINDOW = 64;
/** Of 64 random bytes 56 are distinct, give or take 3; of 64 bytes of x86 code 25 to 40. */
const MIN_DISTINCT = 44;
/** One key schedule each, about a microsecond. */
const MAX_CANDIDATES = 0x10000;

/**
 * Offsets of a length byte followed by 64 bytes that look random, as a key and its ciphertext do; from the end
 * of the view, since resources come late in an image.
 */
export function* randomOffsets(view: View): Generator<number> {
  const bytes = view.bytes;
  const counts = new Uint8Array(256);
  let distinct = 0;
  let yielded = 0;
  for (let at = bytes.length - 1; at >= 0; at--) {
    // Here the window is the up to 64 bytes behind `at`.
    if (distinct >= MIN_DISTINCT && bytes[at] !== 0) {
      yield at;
      if (++yielded === MAX_CANDIDATES) return;
    }
    const enters = bytes[at] as number;
    if (counts[enters] === 0) distinct++;
    counts[enters] = (counts[enters] as number) + 1;
    const leaves = bytes[at + WINDOW];
    if (leaves === undefined) continue;
    const left = (counts[leaves] as number) - 1;
    counts[leaves] = left;
    if (left === 0) distinct--;
  }
}

/** `4.9.3 Pro`, `1.7 Light`: a whole C string. */
const VERSION = /^\d{1,2}\.\d{1,2}(\.\d{1,3})? (Pro|Light|Free|Ultimate|Premium|Beta)$/;
const MAX_VERSION = 24;

/** Where the build's version stands as text; the first of its shape. */
export function findVersion(view: View): { offset: number; text: string } | undefined {
  const bytes = view.bytes;
  for (let dot = bytes.indexOf(0x2e); dot >= 0; dot = bytes.indexOf(0x2e, dot + 1)) {
    let start = dot;
    while (dot - start < 2 && isDigit(bytes[start - 1])) start--;
    if (start === dot || (start > 0 && bytes[start - 1] !== 0)) continue;
    const end = bytes.indexOf(0, dot);
    if (end < 0 || end - start > MAX_VERSION) continue;
    const text = latin1(bytes.subarray(start, end));
    if (VERSION.test(text)) return { offset: start, text };
  }
  return undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
