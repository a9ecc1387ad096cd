/**
 * Finding encrypted settings without metadata: in a dump, behind damaged headers, or where an obfuscator moved the
 * settings out of their static constructor. The #US heap stays what it is (ECMA-335 II.24.2.4: compressed length,
 * UTF-16LE text, one flag byte), and its entries follow each other in the order of the code that loads them.
 */
import { type Found, found, utf16le, type View } from "../../bytes/index.ts";
import type { SettingsSource } from "./dotnet-settings.ts";
import { ciphertextOf, couldBeBlocks, couldBeMacced } from "./dotnet-settings-crypto.ts";

/** Characters of the shortest base64 text that is looked for: 32 bytes, an IV and one block. */
const MIN_RUN = 44;
/** Bytes between two probes; no run of MIN_RUN UTF-16 characters fits between them unseen. */
const STRIDE = 64;
/** Runs of strings followed in one image: a heap is one run. */
const MAX_CLUSTERS = 16;
/** Entries followed in one run; the heap of a client with all its libraries merged has some 10,000. */
const MAX_ENTRIES = 50_000;

const BASE64 = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
  BASE64[char.charCodeAt(0)] = 1;

/** Texts of neighbouring #US entries, from the first that looks encrypted. */
export type StringCluster = readonly Found<string>[];

/** Runs of length-prefixed UTF-16LE strings that start with a long base64 text, in file order. */
export function stringClusters(view: View): StringCluster[] {
  const bytes = view.bytes;
  const clusters: StringCluster[] = [];
  for (let at = 0; at + 16 < bytes.length && clusters.length < MAX_CLUSTERS; at += STRIDE) {
    const phase = probe(bytes, at);
    if (phase < 0) continue;
    let start = at + phase;
    while (start >= 2 && isUnit(bytes, start - 2)) start -= 2;
    let end = at + phase;
    while (end + 1 < bytes.length && isUnit(bytes, end)) end += 2;
    if ((end - start) / 2 >= MIN_RUN) {
      const entries = walk(view, start);
      if (entries !== undefined) {
        clusters.push(entries.texts);
        end = Math.max(end, entries.end);
      }
    }
    if (end > at + STRIDE) at = end - (end % STRIDE) - STRIDE;
  }
  return clusters;
}

/** 0 or 1: the parity at which a run of base64 UTF-16 units covers `at`; -1 when none does. */
function probe(bytes: Uint8Array, at: number): number {
  for (let phase = 0; phase < 2; phase++) {
    const p = at + phase;
    if (
      bytes[p + 1] === 0 &&
      bytes[p + 3] === 0 &&
      isUnit(bytes, p) &&
      isUnit(bytes, p + 2) &&
      isUnit(bytes, p + 4) &&
      isUnit(bytes, p + 6)
    )
      return phase;
  }
  return -1;
}

function isUnit(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 1] === 0 && BASE64[bytes[at] as number] === 1;
}

/** Follows the length prefixes from the entry whose text starts at `start`. */
function walk(view: View, start: number): { texts: Found<string>[]; end: number } | undefined {
  let at = prefixBefore(view, start);
  if (at === undefined) return undefined;
  const texts: Found<string>[] = [];
  while (texts.length < MAX_ENTRIES) {
    const entry = readEntry(view, at);
    if (entry === undefined) break;
    texts.push(entry.text);
    at = entry.end;
  }
  return texts.length === 0 ? undefined : { texts, end: at };
}

/** Offset of the length prefix of the text at `start`. Its low byte is odd, so it never reads as a unit of the text. */
function prefixBefore(view: View, start: number): number | undefined {
  for (const size of [2, 1]) {
    const entry = readEntry(view, start - size);
    if (entry !== undefined && entry.text.at[0]?.offset === view.base + start) return start - size;
  }
  return undefined;
}

/** One #US entry: odd byte length, the last byte a flag of 0 or 1. */
function readEntry(view: View, at: number): { text: Found<string>; end: number } | undefined {
  const first = view.u8(at);
  if (first === undefined) return undefined;
  const second = view.u8(at + 1) ?? 0;
  const size = first < 0x80 ? 1 : first < 0xc0 ? 2 : 0;
  const length = size === 1 ? first : ((first & 0x3f) << 8) | second;
  if (size === 0 || length % 2 === 0) return undefined;
  const data = view.sub(at + size, length);
  if (data === undefined || (data.bytes[length - 1] as number) > 1) return undefined;
  const text = utf16le(data.bytes.subarray(0, length - 1));
  return { text: found(text, data.span(0, length - 1)), end: at + size + length };
}

/** Other strings that may stand between two encrypted ones. */
const MAX_GAP = 4;
/** Strings kept behind the last encrypted one: the password comes last in some layouts. */
const TAIL = 2;
/** Groups tried in one image. */
const MAX_GROUPS = 8;

/** Groups of neighbouring strings, at least `minimum` of which could be ciphertexts, as sources without numbers. */
export function settingsFromStrings(view: View, minimum: number): SettingsSource[] {
  const sources: SettingsSource[] = [];
  for (const cluster of stringClusters(view)) {
    let first = -1;
    let last = -1;
    let count = 0;
    for (let i = 0; i <= cluster.length && sources.length < MAX_GROUPS; i++) {
      const text = cluster[i];
      const data = text && ciphertextOf(text)?.data;
      if (data !== undefined && (couldBeBlocks(data) || couldBeMacced(data))) {
        if (count === 0) first = i;
        last = i;
        count++;
      } else if (text === undefined || i - last > MAX_GAP) {
        if (count >= minimum) {
          const texts = cluster.slice(first, last + 1 + TAIL).map((text) => ({ name: undefined, text }));
          sources.push({ origin: "strings", texts, numbers: [], password: undefined });
        }
        count = 0;
      }
    }
  }
  return sources;
}
