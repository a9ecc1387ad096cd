/** One pass over an image for what Vidar keeps in clear: URLs that are whole strings, and the texts of its report. */
import { type Found, latin1, latin1Bytes, type View } from "../../bytes/index.ts";
import { MARKERS } from "./evidence.ts";
import { type Address, parseUrl } from "./hosts.ts";

export interface FoundUrl extends Found<string> {
  readonly offset: number;
  readonly url: Address;
}

export interface ClearScan {
  readonly urls: readonly FoundUrl[];
  /** Markers with a colon that were met. */
  readonly texts: ReadonlySet<string>;
}

const COLON = 0x3a;
const SLASH = 0x2f;
/** Longest URL that a config holds. */
const MAX_URL = 0x100;
/** URLs kept of one image: a browser's data holds many thousands, a Vidar a handful. */
const MAX_URLS = 4096;

const COLON_MARKERS = MARKERS.filter((m) => m.text.includes(":")).map((m) => ({
  text: m.text,
  bytes: latin1Bytes(m.text),
  colon: m.text.indexOf(":"),
}));

function standsAt(bytes: Uint8Array, needle: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i++) if (bytes[offset + i] !== needle[i]) return false;
  return true;
}

/** Bytes that may stand right before a string: an end, or nothing printable. */
function endsText(byte: number | undefined): boolean {
  return byte === undefined || byte < 0x20 || byte > 0x7e;
}

/** The NUL-terminated printable text at `offset`, when it is at most `limit` bytes. */
export function textAt(bytes: Uint8Array, offset: number, limit: number): string | undefined {
  const last = Math.min(bytes.length, offset + limit + 1);
  for (let i = offset; i < last; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) return i === offset ? undefined : latin1(bytes.subarray(offset, i));
    if (byte < 0x20 || byte > 0x7e) return undefined;
  }
  return undefined;
}

export function scanClear(view: View): ClearScan {
  const { bytes } = view;
  const urls: FoundUrl[] = [];
  const texts = new Set<string>();
  for (let at = bytes.indexOf(COLON); at >= 0; at = bytes.indexOf(COLON, at + 1)) {
    if (bytes[at + 1] === SLASH && bytes[at + 2] === SLASH) {
      const start = bytes[at - 1] === 0x73 ? at - 5 : at - 4; // "https" or "http"
      if (start < 0 || bytes[start] !== 0x68 || bytes[start + 1] !== 0x74 || urls.length >= MAX_URLS)
        continue;
      if (!endsText(bytes[start - 1])) continue;
      const text = textAt(bytes, start, MAX_URL);
      const url = text === undefined ? undefined : parseUrl(text);
      if (text !== undefined && url !== undefined)
        urls.push({ value: text, url, offset: start, at: [view.span(start, text.length)] });
      continue;
    }
    for (const marker of COLON_MARKERS) {
      if (
        marker.bytes[marker.colon - 1] === bytes[at - 1] &&
        standsAt(bytes, marker.bytes, at - marker.colon)
      )
        texts.add(marker.text);
    }
  }
  return { urls, texts };
}

export interface FoundText extends Found<string> {
  readonly offset: number;
}

/** The NUL-terminated printable strings that lie wholly in [start, end), `min` to `max` bytes long. */
export function* textsIn(
  view: View,
  start: number,
  end: number,
  min: number,
  max: number,
): Generator<FoundText> {
  const { bytes } = view;
  const last = Math.min(end, bytes.length);
  let from = Math.max(0, start);
  while (from > 0 && from < last && !endsText(bytes[from - 1])) from++;
  for (let i = from; i < last; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x20 && byte <= 0x7e) continue;
    const length = i - from;
    if (byte === 0 && length >= min && length <= max)
      yield { value: latin1(bytes.subarray(from, i)), offset: from, at: [view.span(from, length)] };
    from = i + 1;
  }
}
