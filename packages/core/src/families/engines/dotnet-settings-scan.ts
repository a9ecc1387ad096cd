/**
 * Finding encrypted settings without metadata: in a dump, behind damaged headers, or where an obfuscator moved the
 * settings out of their static constructor. The #US heap stays what it is (ECMA-335 II.24.2.4: compressed length,
 * UTF-16LE text, one flag byte), and its entries follow each other in the order of the code that loads them.
 */
import { type Found, found, utf16le, type View } from "../../bytes/index.ts";
import type { SettingsSource } from "./dotnet-settings.ts";

/** Characters of the shortest base64 text that is looked for: 32 bytes, an IV and one block. */
const MIN_RUN = 44;
/** Bytes between two probes; no run of MIN_RUN UTF-16 characters fits between them unseen. */
const STRIDE = 64;
/** Runs of strings followed in one image: a heap is one run. */
const MAX_CLUSTERS = 16;
/** Entries followed in one run; the heap of a client with all its libraries merged has some 10,000. */
const MAX_ENTRIES = 50_000;
/** Other strings that may stand between two encrypted ones. */
const MAX_GAP = 4;
/** Strings kept behind the last encrypted one: the password comes last in some layouts. */
const TAIL = 2;
/** Strings of one group; what goes on longer is a table of something else. */
const MAX_GROUP = 64;
/** Groups handed out of one image. */
const MAX_GROUPS = 8;

const BASE64 = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
  BASE64[char.charCodeAt(0)] = 1;

/** Where the texts of neighbouring #US entries lie: start and end of each, flag byte left out. */
interface Cluster {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Groups of neighbouring strings, at least `minimum` of which could be ciphertexts, as sources without numbers. */
export function settingsFromStrings(view: View, minimum: number): SettingsSource[] {
  const sources: SettingsSource[] = [];
  for (const { starts, ends } of clusters(view.bytes)) {
    let first = 0;
    let last = -1;
    let count = 0;
    for (let i = 0; i <= starts.length && sources.length < MAX_GROUPS; i++) {
      const isEnd = i === starts.length;
      const isFull = count > 0 && i - first >= MAX_GROUP;
      if (!isEnd && !isFull && isCiphertext(view.bytes, starts[i] as number, ends[i] as number)) {
        if (count++ === 0) first = i;
        last = i;
      } else if (isEnd || isFull || i - last > MAX_GAP) {
        if (count >= minimum) {
          const texts: SettingsSource["texts"][number][] = [];
          for (let k = first; k <= Math.min(last + TAIL, starts.length - 1); k++)
            texts.push({ name: undefined, text: textAt(view, starts[k] as number, ends[k] as number) });
          sources.push({ origin: "strings", texts, numbers: [], password: undefined, handedOn: [] });
        }
        count = 0;
        // The entry at hand belongs to the next group.
        if (isFull) i--;
      }
    }
  }
  return sources;
}

function textAt(view: View, start: number, end: number): Found<string> {
  return found(utf16le(view.bytes.subarray(start, end)), view.span(start, end - start));
}

/** Long base64 of a fitting length. */
function isCiphertext(bytes: Uint8Array, start: number, end: number): boolean {
  const units = (end - start) / 2;
  if (units < MIN_RUN || units % 4 !== 0) return false;
  for (let at = start; at < end; at += 2) if (!isUnit(bytes, at)) return false;
  return true;
}

/** Runs of length-prefixed UTF-16LE strings that start with a long base64 text, in file order. */
function clusters(bytes: Uint8Array): Cluster[] {
  const list: Cluster[] = [];
  for (
    let at = nextUnits(bytes, 0);
    at >= 0 && list.length < MAX_CLUSTERS;
    at = nextUnits(bytes, at + STRIDE)
  ) {
    const phase = bytes[at + 1] === 0 ? 0 : 1;
    let start = at + phase;
    while (start >= 2 && isUnit(bytes, start - 2)) start -= 2;
    let end = at + phase;
    while (end + 1 < bytes.length && isUnit(bytes, end)) end += 2;
    if ((end - start) / 2 >= MIN_RUN) {
      const cluster = walk(bytes, start);
      if (cluster !== undefined) {
        list.push(cluster);
        end = Math.max(end, cluster.ends[cluster.ends.length - 1] as number);
      }
    }
    if (end > at + STRIDE) at = end - (end % STRIDE) - STRIDE;
  }
  return list;
}

/** The next of the places `from`, `from + STRIDE`, … that lies in base64 as UTF-16; -1 when there is none. */
function nextUnits(bytes: Uint8Array, from: number): number {
  const base64 = BASE64;
  for (let at = from; at + 16 < bytes.length; at += STRIDE) {
    // The zeros stand at odd distances, or the text at them.
    const p = bytes[at + 1] === 0 ? at : at + 1;
    if (bytes[p + 1] !== 0 || base64[bytes[p] as number] === 0) continue;
    if (isUnit(bytes, p + 2) && isUnit(bytes, p + 4) && isUnit(bytes, p + 6)) return at;
  }
  return -1;
}

function isUnit(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 1] === 0 && BASE64[bytes[at] as number] === 1;
}

/** Follows the length prefixes from the entry whose text starts at `start`. */
function walk(bytes: Uint8Array, start: number): Cluster | undefined {
  // The prefix's low byte is odd, so it never reads as a unit of the text.
  const size = [2, 1].find(
    (n) => start >= n && prefixSize(bytes, start - n) === n && entryEnd(bytes, start - n) > 0,
  );
  if (size === undefined) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  let at = start - size;
  while (starts.length < MAX_ENTRIES) {
    const end = entryEnd(bytes, at);
    if (end < 0) break;
    starts.push(at + prefixSize(bytes, at));
    ends.push(end);
    at = end + 1;
  }
  return { starts, ends };
}

/** Bytes of the compressed length at `at` (II.23.2); 0 when no string is as long. */
function prefixSize(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  return first === undefined || first >= 0xc0 ? 0 : first < 0x80 ? 1 : 2;
}

/** Offset of the flag byte of the entry at `at`: odd byte length, flag 0 or 1. -1 when there is no such entry. */
function entryEnd(bytes: Uint8Array, at: number): number {
  const size = prefixSize(bytes, at);
  if (size === 0) return -1;
  const first = bytes[at] as number;
  const length = size === 1 ? first : ((first & 0x3f) << 8) | (bytes[at + 1] ?? 0);
  const flag = at + size + length - 1;
  return length % 2 === 1 && (bytes[flag] ?? 2) <= 1 ? flag : -1;
}
