/** The text of a script, one char a byte or a UTF-16 unit, so that a place in the text is a place in the file. */
import { latin1, latin1Bytes, type Span, utf8Bytes, utf16le, type View } from "../../bytes/index.ts";
import { MAX_TEXT } from "./limits.ts";

export interface ScriptText {
  readonly text: string;
  /** Bytes a char. */
  readonly width: 1 | 2;
  /** True when the file is longer than what is read. */
  readonly cut: boolean;
  /** Where `length` chars from `at` stand in the file. */
  span(at: number, length: number): Span;
}

/** A byte order mark, or a NUL in every second byte of the first ones, tells UTF-16LE. */
function isUtf16(bytes: Uint8Array): boolean {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return true;
  if (bytes.length < 8 || bytes.length % 2 !== 0) return false;
  for (let i = 0; i < 8; i += 2) if (bytes[i] === 0 || bytes[i + 1] !== 0) return false;
  return true;
}

/** UTF-8 stays as its bytes: what scripts hide is ASCII, and what is not goes through unchanged. */
export function readText(view: View): ScriptText {
  const { bytes } = view;
  const wide = isUtf16(bytes);
  const start = wide
    ? bytes[0] === 0xff
      ? 2
      : 0
    : bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
      ? 3
      : 0;
  const part = bytes.subarray(start, start + MAX_TEXT);
  const width = wide ? 2 : 1;
  return {
    text: wide ? utf16le(part) : latin1(part),
    width,
    cut: bytes.length > start + MAX_TEXT,
    span: (at, length) => view.span(start + at * width, length * width),
  };
}

/** The bytes of a text: one byte a char where that holds all, so that UTF-8 in it stays as it was; UTF-8 otherwise. */
export function textBytes(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return utf8Bytes(text);
  return latin1Bytes(text);
}

const PRINTABLE = 0.95;
const LOOK = 2048;

/** Text, by its first bytes: hardly any control characters, no NUL. */
export function isTextual(bytes: Uint8Array): boolean {
  const count = Math.min(bytes.length, LOOK);
  if (count === 0) return false;
  let good = 0;
  for (let i = 0; i < count; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) return false;
    if (byte >= 0x20 ? byte !== 0x7f : byte === 9 || byte === 10 || byte === 13) good++;
  }
  return good >= count * PRINTABLE;
}
