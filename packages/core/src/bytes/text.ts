/** Text out of bytes, without the platform's decoders, which core does not assume. Never throws. */
import { type Found, found } from "./span.ts";
import type { View } from "./view.ts";

const CHUNK = 0x2000;

/** Reflect.apply takes typed arrays as they are; spreading them goes through an iterator and is six times slower. */
function fromCharCodes(units: Uint8Array | Uint16Array): string {
  return Reflect.apply(String.fromCharCode, null, units);
}

/** One char a byte (ISO-8859-1). */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length <= CHUNK) return fromCharCodes(bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += fromCharCodes(bytes.subarray(i, i + CHUNK));
  return text;
}

/** UTF-16LE; an odd last byte is dropped. */
export function utf16le(bytes: Uint8Array): string {
  const length = bytes.length >> 1;
  const units = new Uint16Array(Math.min(CHUNK, length));
  let text = "";
  for (let from = 0; from < length; from += CHUNK) {
    const count = Math.min(CHUNK, length - from);
    for (let i = 0; i < count; i++) {
      const at = 2 * (from + i);
      units[i] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    }
    text += fromCharCodes(units.subarray(0, count));
  }
  return text;
}

/**
 * UTF-8 by RFC 3629. Undefined when the bytes are not valid UTF-8 (overlong forms, surrogates, stray bytes):
 * whoever wants a best effort asks for `latin1`.
 */
export function utf8(bytes: Uint8Array): string | undefined {
  let ascii = true;
  for (let i = 0; i < bytes.length; i++) {
    if ((bytes[i] as number) >= 0x80) {
      ascii = false;
      break;
    }
  }
  if (ascii) return latin1(bytes);
  let text = "";
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i] as number;
    const size =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0;
    if (size === 0 || i + size > bytes.length) return undefined;
    let point = size === 1 ? lead : lead & (0xff >> (size + 1));
    for (let k = 1; k < size; k++) {
      const next = bytes[i + k] as number;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    if ((size === 3 && point < 0x800) || (size === 4 && (point < 0x10000 || point > 0x10ffff)))
      return undefined;
    if (point >= 0xd800 && point < 0xe000) return undefined;
    text += String.fromCodePoint(point);
    i += size;
  }
  return text;
}

/** UTF-8 bytes of a string; lone surrogates become U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const ascii = new Uint8Array(text.length);
  let i = 0;
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) break;
    ascii[i] = unit;
  }
  if (i === text.length) return ascii;
  const out: number[] = [];
  for (const char of text) {
    let point = char.codePointAt(0) as number;
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    if (point < 0x80) out.push(point);
    else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000)
      out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else
      out.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      );
  }
  return Uint8Array.from(out);
}

/** One byte a char; chars above 0xff lose their high byte. For ASCII keys and patterns. */
export function latin1Bytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export function utf16leBytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    out[2 * i] = text.charCodeAt(i) & 0xff;
    out[2 * i + 1] = text.charCodeAt(i) >> 8;
  }
  return out;
}

/** A NUL-terminated one-byte string at `offset`. Undefined when no NUL comes within `limit` bytes. */
export function cString(view: View, offset: number, limit = 4096): Found<string> | undefined {
  if (offset < 0 || offset >= view.length) return undefined;
  const length = view.bytes.subarray(offset, offset + limit + 1).indexOf(0);
  if (length < 0) return undefined;
  return found(latin1(view.bytes.subarray(offset, offset + length)), view.span(offset, length));
}

/** A NUL-terminated UTF-16LE string at `offset`. Undefined when no NUL comes within `limit` chars. */
export function cString16(view: View, offset: number, limit = 4096): Found<string> | undefined {
  if (offset < 0) return undefined;
  for (let i = 0; i <= limit; i++) {
    const unit = view.u16(offset + 2 * i);
    if (unit === undefined) return undefined;
    if (unit === 0)
      return found(utf16le(view.bytes.subarray(offset, offset + 2 * i)), view.span(offset, 2 * i));
  }
  return undefined;
}

export function isPrintableAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}

const HEX = "0123456789abcdef";

/** Lower-case hex. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    text += (HEX[byte >> 4] as string) + (HEX[byte & 15] as string);
  }
  return text;
}

/** Bytes of a hex string of even length; undefined when it is not one. */
export function unhex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}
