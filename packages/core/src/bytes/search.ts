/** Finding byte patterns. */
import { BYTE_RANKS } from "./byte-ranks.ts";

/**
 * A compiled pattern such as `B8 ?? ?? ?? ?? F3 A5`: hex bytes, `??` for any byte, `C?` and `?7` for a nibble.
 * `anchor` is the position of the exact byte that the search runs on.
 */
export interface Pattern {
  readonly value: Uint8Array;
  readonly mask: Uint8Array;
  readonly anchor: number;
}

/** Bytes that are frequent in code and data, so a search anchored on them stops too often. */
const FREQUENT = new Set([
  0x00, 0xff, 0x8b, 0x48, 0x89, 0xcc, 0x0f, 0xe8, 0x24, 0x44, 0x01, 0x40, 0x83, 0x20, 0x90,
]);

/** Throws RangeError on a malformed pattern: patterns are source code, not input. */
export function pattern(text: string): Pattern {
  const tokens = text.trim().split(/\s+/);
  const value = new Uint8Array(tokens.length);
  const mask = new Uint8Array(tokens.length);
  let anchor = -1;
  tokens.forEach((token, i) => {
    if (!/^[0-9a-fA-F?]{2}$/.test(token)) throw new RangeError(`bad token "${token}" in pattern "${text}"`);
    const [high, low] = [token.charAt(0), token.charAt(1)];
    mask[i] = (high === "?" ? 0 : 0xf0) | (low === "?" ? 0 : 0x0f);
    value[i] =
      ((high === "?" ? 0 : Number.parseInt(high, 16)) << 4) | (low === "?" ? 0 : Number.parseInt(low, 16));
    if (
      mask[i] === 0xff &&
      (anchor < 0 || (FREQUENT.has(value[anchor] as number) && !FREQUENT.has(value[i] as number)))
    )
      anchor = i;
  });
  if (anchor < 0) throw new RangeError(`pattern "${text}" has no exact byte`);
  return { value, mask, anchor };
}

/** True when `pattern` stands at `offset`. */
export function matchesAt(bytes: Uint8Array, p: Pattern, offset: number): boolean {
  if (offset < 0 || offset + p.value.length > bytes.length) return false;
  for (let i = 0; i < p.value.length; i++) {
    if (((bytes[offset + i] as number) & (p.mask[i] as number)) !== p.value[i]) return false;
  }
  return true;
}

/** Every offset in [start, end) where the pattern stands, ascending; overlapping ones too. */
export function* findAll(
  bytes: Uint8Array,
  p: Pattern,
  start = 0,
  end: number = bytes.length,
): Generator<number> {
  const anchorByte = p.value[p.anchor] as number;
  const last = Math.min(end, bytes.length) - p.value.length + p.anchor;
  let at = bytes.indexOf(anchorByte, Math.max(0, start) + p.anchor);
  while (at >= 0 && at <= last) {
    if (matchesAt(bytes, p, at - p.anchor)) yield at - p.anchor;
    at = bytes.indexOf(anchorByte, at + 1);
  }
}

/** In less than this neither the needle's rarest byte nor a native search is worth its start. */
const LONG = 0x1000;

/** Offset of the first occurrence of a needle of two bytes or more at or behind `start`, or -1. */
export type NativeSearch = (bytes: Uint8Array, needle: Uint8Array, start: number) => number;

let native: NativeSearch | undefined;

/** Hands over the platform's own search, where it has one: what is found stays the same, a few times faster. */
export function useNativeSearch(search: NativeSearch): void {
  native = search;
}

/** Offset of the first occurrence of `needle` in [start, end), or -1. */
export function indexOf(
  bytes: Uint8Array,
  needle: Uint8Array,
  start = 0,
  end: number = bytes.length,
): number {
  if (needle.length === 0) return -1;
  const first = Math.max(0, start);
  const last = Math.min(end, bytes.length) - needle.length;
  // The native search has no end of its own, and a rare byte may be far.
  const searched =
    last + needle.length < bytes.length ? bytes.subarray(0, Math.max(0, last + needle.length)) : bytes;
  const isLong = last - first >= LONG;
  if (isLong && native !== undefined && needle.length > 1) return native(searched, needle, first);
  const anchor = isLong ? rarest(needle) : 0;
  const byte = needle[anchor] as number;
  for (let at = searched.indexOf(byte, first + anchor); at >= 0; at = searched.indexOf(byte, at + 1)) {
    const from = at - anchor;
    if (from > last) return -1;
    let i = 0;
    while (i < needle.length && bytes[from + i] === needle[i]) i++;
    if (i === needle.length) return from;
  }
  return -1;
}

/** Position of the byte that is the least common elsewhere. */
function rarest(needle: Uint8Array): number {
  let best = 0;
  for (let i = 1; i < needle.length; i++)
    if ((BYTE_RANKS[needle[i] as number] as number) > (BYTE_RANKS[needle[best] as number] as number))
      best = i;
  return best;
}

/** Every offset of `needle` in [start, end), ascending. */
export function* indexesOf(
  bytes: Uint8Array,
  needle: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Generator<number> {
  for (let at = indexOf(bytes, needle, start, end); at >= 0; at = indexOf(bytes, needle, at + 1, end))
    yield at;
}

/** True when both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
