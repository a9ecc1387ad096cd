/** Runs of encoded data in a text. */
import { MAX_BLOBS, MAX_KEYS } from "./limits.ts";

export interface Run {
  readonly at: number;
  readonly length: number;
  /** Padding stands before it: base64 written backwards. */
  readonly backwards: boolean;
  /** Stands in several lines. */
  readonly lines: boolean;
}

export interface Runs {
  /** MIN_RUN characters of base64 or more, in order; hex is among them. */
  readonly blobs: readonly Run[];
  /** Short ones that may be keys. */
  readonly keys: readonly Run[];
  readonly cut: boolean;
}

/** Shorter runs hold no payload. */
export const MIN_RUN = 64;
/** A line of this many characters may go on in the next one. */
const MIN_LINE = 40;
/** 16, 24 and 32 bytes in base64, with and without padding, in hex, and as they are. */
const KEY_LENGTHS = new Set([16, 22, 24, 32, 43, 44, 48, 64]);

/** 1: a character of base64, 2: padding, 3: a line break or a blank. */
const CLASS = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  CLASS[char.charCodeAt(0)] = 1;
CLASS[0x3d] = 2;
for (const char of " \t\r\n") CLASS[char.charCodeAt(0)] = 3;

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 256 ? (CLASS[code] as number) : 0;
}

/** All runs of a text, in one pass. */
export function findRuns(text: string): Runs {
  const blobs: Run[] = [];
  const keys: Run[] = [];
  let at = 0;
  while (at < text.length) {
    if (classAt(text, at) !== 1) {
      at++;
      continue;
    }
    const start = at;
    let end = at;
    let line = at;
    let lines = false;
    for (;;) {
      while (end < text.length && classAt(text, end) === 1) end++;
      if (end - line < MIN_LINE || classAt(text, end) !== 3) break;
      let next = end;
      let broken = false;
      while (next < text.length && next - end < 64 && classAt(text, next) === 3) {
        if (text.charCodeAt(next) === 10) broken = true;
        next++;
      }
      if (!broken || classAt(text, next) !== 1) break;
      // A last line may be short, but a word of the next statement is no data.
      let stop = next;
      while (stop < text.length && stop - next < MIN_LINE && classAt(text, stop) === 1) stop++;
      if (stop - next < MIN_LINE && !/^={0,2}(?:[\r\n"']|$)/.test(text.slice(stop, stop + 3))) break;
      line = next;
      end = next;
      lines = true;
    }
    const backwards =
      text.charCodeAt(start - 1) === 0x3d && /["'\s]={1,2}$/.test(text.slice(Math.max(0, start - 3), start));
    let pads = 0;
    if (!backwards) while (pads < 2 && text.charCodeAt(end + pads) === 0x3d) pads++;
    const length = end + pads - start;
    if (length >= MIN_RUN) {
      if (blobs.length >= MAX_BLOBS) return { blobs, keys, cut: true };
      blobs.push({ at: start, length, backwards, lines });
    }
    if (
      KEY_LENGTHS.has(length) &&
      keys.length < MAX_KEYS * 4 &&
      isQuote(text, start - 1) &&
      isQuote(text, start + length)
    )
      keys.push({ at: start, length, backwards, lines });
    at = Math.max(end + pads, at + 1);
  }
  return { blobs, keys, cut: false };
}

/** Pairs of hex digits parted by one character: `4D 5A`, `4D-5A`, `%4d%5a`. */
export interface HexRun {
  readonly at: number;
  readonly length: number;
  readonly separator: string;
}

const SEPARATORS = " -,;:%_.|";
/** Fewer pairs hold no payload. */
const MIN_PAIRS = 64;
const MAX_HEX_RUNS = 64;

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** Every run of parted hex pairs, in one pass. */
export function findHexRuns(text: string): HexRun[] {
  const found: HexRun[] = [];
  const pair = (at: number): boolean => isHex(text.charCodeAt(at)) && isHex(text.charCodeAt(at + 1));
  let at = 0;
  while (at + 3 * MIN_PAIRS < text.length && found.length < MAX_HEX_RUNS) {
    const separator = text.charAt(at + 2);
    if (!pair(at) || !SEPARATORS.includes(separator)) {
      at++;
      continue;
    }
    let end = at + 3;
    while (pair(end) && text.charAt(end + 2) === separator) end += 3;
    const length = (pair(end) ? end + 2 : end - 1) - at;
    if (length >= 3 * MIN_PAIRS) found.push({ at, length, separator });
    at += length;
  }
  return found;
}

function isQuote(text: string, at: number): boolean {
  const char = text.charAt(at);
  return char === "'" || char === '"' || char === "";
}

/** Texts in quotes of 1 to `longest` characters, each once, at most MAX_KEYS: keys of XOR and passwords. */
export function shortStrings(text: string, longest: number): string[] {
  const found = new Set<string>();
  for (const quote of ["'", '"']) {
    let open = text.indexOf(quote);
    while (open >= 0 && found.size < MAX_KEYS) {
      const close = text.indexOf(quote, open + 1);
      if (close < 0) break;
      if (close - open - 1 <= longest && close - open > 1) found.add(text.slice(open + 1, close));
      // A quote that closed may have been one that opens, when quotes do not pair up.
      open = close - open - 1 > longest ? close : text.indexOf(quote, close + 1);
    }
  }
  return [...found];
}
