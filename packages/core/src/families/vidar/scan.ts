/**
 * One pass over an image, on its colons: URLs that are whole strings, the texts of Vidar's report, and substitution
 * tables, which hold a colon as they hold every character of their alphabet.
 */
import { latin1Bytes, type View } from "../../bytes/index.ts";
import { opensBlock } from "../engines/heap-block.ts";
import { MARKERS } from "./evidence.ts";
import { type Address, parseUrl } from "./hosts.ts";
import { tableAround } from "./substitution-table.ts";
import { endsText, type FoundText, textAt } from "./texts.ts";

export interface FoundUrl extends FoundText {
  readonly url: Address;
}

export interface Scan {
  readonly urls: readonly FoundUrl[];
  /** Markers with a colon that were met. */
  readonly texts: ReadonlySet<string>;
  /** Substitution tables (Ve). */
  readonly tables: readonly FoundText[];
}

const COLON = 0x3a;
const SLASH = 0x2f;
/** Longest URL that a config holds. */
const MAX_URL = 0x100;
/** Tables kept of one image. */
const MAX_TABLES = 16;
/** URLs kept of one image: a browser's data holds many thousands, a Vidar a handful. */
const MAX_URLS = 4096;

interface ColonMarker {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly colon: number;
}

/** By the byte before their colon, of which few occur. */
const COLON_MARKERS: readonly (readonly ColonMarker[] | undefined)[] = Array.from(
  { length: 256 },
  (_, byte) => {
    const own = MARKERS.filter((m) => m.text.charCodeAt(m.text.indexOf(":") - 1) === byte).map((m) => ({
      text: m.text,
      bytes: latin1Bytes(m.text),
      colon: m.text.indexOf(":"),
    }));
    return own.length > 0 ? own : undefined;
  },
);

function standsAt(bytes: Uint8Array, needle: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i++) if (bytes[offset + i] !== needle[i]) return false;
  return true;
}

export function scanImage(view: View): Scan {
  const { bytes } = view;
  const urls: FoundUrl[] = [];
  const texts = new Set<string>();
  const tables: FoundText[] = [];
  for (let at = bytes.indexOf(COLON); at >= 0; at = bytes.indexOf(COLON, at + 1)) {
    if (bytes[at + 1] === SLASH && bytes[at + 2] === SLASH) {
      const start = bytes[at - 1] === 0x73 ? at - 5 : at - 4; // "https" or "http"
      if (start < 0 || bytes[start] !== 0x68 || bytes[start + 1] !== 0x74 || urls.length >= MAX_URLS)
        continue;
      if (!endsText(bytes[start - 1]) && !opensBlock(bytes, start, view.base)) continue;
      const text = textAt(bytes, start, MAX_URL);
      const url = text === undefined ? undefined : parseUrl(text);
      if (text !== undefined && url !== undefined)
        urls.push({ value: text, url, offset: start, at: [view.span(start, text.length)] });
      continue;
    }
    const table = tables.length < MAX_TABLES ? tableAround(view, at) : undefined;
    if (table !== undefined) tables.push(table);
    for (const marker of COLON_MARKERS[bytes[at - 1] ?? 0] ?? [])
      if (standsAt(bytes, marker.bytes, at - marker.colon)) texts.add(marker.text);
  }
  return { urls, texts, tables };
}
