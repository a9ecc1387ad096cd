/** Base64 and hex, in one-byte and UTF-16LE text, forwards and reversed. */
import { latin1, View } from "../../bytes/index.ts";
import { applySteps, type Step } from "../../model/index.ts";
import { sniff } from "../sniff.ts";
import { type Carved, MAX_CANDIDATES, MAX_CARVED, type SearchArea } from "./carved.ts";

/** Shorter text is no program. */
const MIN_CHARS = 256;
/** Text is looked for at every so many bytes; a run of `MIN_CHARS` holds two such places. */
const STRIDE = 128;
const PROBE = 8;

const NONE = 0;
const HEX_DIGIT = 1;
const BASE64_CHAR = 2;
const BREAK = 3;
const PAD = 4;

const KIND = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  KIND[char.charCodeAt(0)] = BASE64_CHAR;
for (const char of "0123456789abcdefABCDEF") KIND[char.charCodeAt(0)] = HEX_DIGIT;
KIND[0x0d] = BREAK;
KIND[0x0a] = BREAK;
KIND[0x3d] = PAD;

interface Run {
  readonly start: number;
  readonly end: number;
  /** Bytes a char: 1 or 2. */
  readonly width: number;
}

/** What base64 and hex text in [start, end) holds, as `sniff` names it. */
export function carveText({ view, start, end }: SearchArea): Carved[] {
  const { bytes } = view;
  const found: Carved[] = [];
  let runs = 0;
  let floor = start;
  for (let at = nextText(bytes, start, end); at >= 0; at = nextText(bytes, at + STRIDE, end)) {
    const width = widthAt(bytes, at);
    if (width === 0) continue;
    const run = runAt(bytes, at, width, floor, end);
    floor = run.end;
    if ((run.end - run.start) / width >= MIN_CHARS) {
      if (++runs > MAX_CANDIDATES || found.length >= MAX_CARVED) break;
      const carved = decoded(view, run);
      if (carved !== undefined) found.push(carved);
    }
    at = Math.max(at, run.end - STRIDE);
  }
  return found;
}

/** The next of the places `from`, `from + STRIDE`, … that may lie in text; -1 when there is none. */
function nextText(bytes: Uint8Array, from: number, end: number): number {
  const kind = KIND;
  for (let at = from; at + 2 * PROBE < end; at += STRIDE) {
    const here = bytes[at] as number;
    const next = bytes[at + 1] as number;
    const isNarrow = kind[here] !== NONE && (kind[next] !== NONE || next === 0);
    if (isNarrow || (here === 0 && kind[next] !== NONE)) return at;
  }
  return -1;
}

/** 1 or 2 when text of that width stands at `at`, otherwise 0. */
function widthAt(bytes: Uint8Array, at: number): number {
  if (KIND[bytes[at] as number] === NONE) {
    if (bytes[at] !== 0) return 0;
    return isWide(bytes, at + 1) ? 2 : 0;
  }
  if (bytes[at + 1] === 0) return isWide(bytes, at) ? 2 : 0;
  for (let i = 1; i < PROBE; i++) if (KIND[bytes[at + i] as number] === NONE) return 0;
  return 1;
}

function isWide(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 2 * PROBE; i += 2)
    if (KIND[bytes[at + i] as number] === NONE || bytes[at + i + 1] !== 0) return false;
  return true;
}

function runAt(bytes: Uint8Array, at: number, width: number, floor: number, end: number): Run {
  const isChar = (from: number): boolean =>
    KIND[bytes[from] as number] !== NONE && (width === 1 || bytes[from + 1] === 0);
  const first = width === 2 && bytes[at] === 0 ? at + 1 : at;
  let start = first;
  while (start - width >= floor && isChar(start - width)) start -= width;
  let to = first;
  while (to + width <= end && isChar(to)) to += width;
  return { start, end: to, width };
}

/** Chars looked at for where an encoding starts and what comes out of it: a header, and what may stand before it. */
const HEAD_CHARS = 0x4000;
/** How base64 and hex of MZ, gzip, zip, 7z and zlib start. */
const STARTS: readonly string[] = [
  "TVqQ",
  "TVpQ",
  "TVoA",
  "TVpB",
  "TVro",
  "H4sI",
  "UEsDB",
  "N3q8r",
  "4D5A",
  "4d5a",
];
/** Places tried in one text. */
const MAX_STARTS = 16;

/** A text in reading order: the char at n stands at `offset(n)`. */
interface Text {
  readonly run: Run;
  readonly isReversed: boolean;
  readonly count: number;
  readonly head: Uint8Array;
}

function textOf(bytes: Uint8Array, run: Run, isReversed: boolean): Text {
  const count = (run.end - run.start) / run.width;
  const head = new Uint8Array(Math.min(count, HEAD_CHARS));
  const text = { run, isReversed, count, head };
  for (let n = 0; n < head.length; n++) head[n] = bytes[offsetOf(text, n)] as number;
  return text;
}

function offsetOf({ run, isReversed }: Text, n: number): number {
  return isReversed ? run.end - (n + 1) * run.width : run.start + n * run.width;
}

function decoded(view: View, run: Run): Carved | undefined {
  for (const isReversed of [false, true]) {
    const text = textOf(view.bytes, run, isReversed);
    for (const from of startsOf(text.head)) {
      const carved = decodedFrom(view, text, from);
      if (carved !== undefined) return carved;
    }
  }
  return undefined;
}

function startsOf(head: Uint8Array): ReadonlySet<number> {
  const starts = new Set([0]);
  const chars = latin1(head);
  for (const start of STARTS) {
    for (
      let at = chars.indexOf(start);
      at >= 0 && starts.size < MAX_STARTS;
      at = chars.indexOf(start, at + 1)
    )
      starts.add(at);
  }
  return starts;
}

function decodedFrom(view: View, text: Text, from: number): Carved | undefined {
  const encoding = isHex(text.head, from) ? hexOf(view.bytes, text, from) : base64Of(view.bytes, text, from);
  if (encoding === undefined || encoding.to - from < MIN_CHARS) return undefined;
  const head = text.head.subarray(from, from + encoding.head);
  const plain = applySteps([encoding.headStep], head);
  const format = plain && sniff(new View(plain));
  if (format === undefined) return undefined;
  const [first, last] = [offsetOf(text, from), offsetOf(text, encoding.to - 1)];
  const start = Math.min(first, last);
  return {
    start,
    length: Math.max(first, last) + text.run.width - start,
    steps: [
      ...(text.run.width === 2 ? [{ op: "utf16le" }] : []),
      ...(text.isReversed ? [{ op: "reverse" }] : []),
      encoding.step,
    ],
    format,
  };
}

interface Encoding {
  /** Index of the char behind the last. */
  readonly to: number;
  readonly step: Step;
  /** Chars of the head that decode on their own, and how. */
  readonly head: number;
  readonly headStep: Step;
}

function isHex(head: Uint8Array, from: number): boolean {
  const probe = head.subarray(from, from + MIN_CHARS);
  return probe.every((char) => KIND[char] === HEX_DIGIT);
}

function hexOf(bytes: Uint8Array, text: Text, from: number): Encoding {
  let to = from;
  while (to < text.count && KIND[bytes[offsetOf(text, to)] as number] === HEX_DIGIT) to++;
  to -= (to - from) % 2;
  const head = Math.min(to, text.head.length) - from;
  return { to, step: { op: "hex" }, head: head - (head % 2), headStep: { op: "hex" } };
}

/** From `from` to the padding or the text's end; digits too many for an encoding are left out. */
function base64Of(bytes: Uint8Array, text: Text, from: number): Encoding | undefined {
  let digits = 0;
  let breaks = 0;
  let to = from;
  /** Index behind the last digit with which the digits so far are a multiple of four; and that in the head. */
  let whole = from;
  let head = 0;
  for (; to < text.count; to++) {
    const kind = KIND[bytes[offsetOf(text, to)] as number];
    if (kind === PAD) break;
    if (kind === BREAK) breaks++;
    else if (++digits % 4 === 0) {
      whole = to + 1;
      if (whole <= text.head.length) head = whole - from;
    }
  }
  if (head === 0) return undefined;
  const due = (4 - (digits % 4)) % 4;
  let pads = 0;
  while (pads < 2 && to + pads < text.count && KIND[bytes[offsetOf(text, to + pads)] as number] === PAD)
    pads++;
  const isComplete = due < 3 && pads === due;
  const dialect = breaks > 0 ? "dotnet" : "standard";
  const headStep = { op: "base64", params: { dialect: "dotnet" } };
  return { to: isComplete ? to + pads : whole, step: { op: "base64", params: { dialect } }, head, headStep };
}
