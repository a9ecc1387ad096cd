/**
 * Strings on the heap of the CLR: an object header, the length in characters, UTF-16LE, two zero bytes (System.String,
 * `m_stringLength` and `m_firstChar` of the .NET runtime's object.h). The header names the type, and all strings of a
 * process name the same one: texts under one such word are of one program, and no text file has it.
 *
 *     32-bit CLR   [type 4] [length 4] chars          64-bit CLR   [type 8] [length 4] chars
 *     32-bit Mono  [type 4] [lock 4] [length 4] chars  64-bit Mono  [type 8] [lock 8] [length 4] chars
 */
import { type Found, found, utf16le, type View } from "../../bytes/index.ts";

export interface ClrString extends Found<string> {
  /** Of the first character, in the view. */
  readonly offset: number;
  /** What the header says, with the size of its words and its place modulo 4: equal for strings of one program. */
  readonly type: string;
}

/** Longest text taken: a certificate of RSA-4096 in base64 has 1,800 characters, with its key 6,500. */
const MAX_CHARS = 0x2000;
/** User addresses of 64-bit Windows and Linux end at 2^47. */
const MAX_HIGH = 0x7fff;
const MIN_POINTER = 0x10000;

/** The string object whose first character is at `offset`. Texts with control characters are not taken. */
export function clrStringAt(view: View, offset: number): ClrString | undefined {
  const length = view.u32(offset - 4);
  if (length === undefined || length === 0 || length > MAX_CHARS) return undefined;
  if (view.u16(offset + 2 * length) !== 0 || !isText(view.bytes, offset, length)) return undefined;
  const type = typeBefore(view, offset);
  if (type === undefined) return undefined;
  const text = utf16le(view.bytes.subarray(offset, offset + 2 * length));
  return { ...found(text, view.span(offset, 2 * length)), offset, type };
}

/** The word before the length, as a pointer to a type, in one of the four forms. */
function typeBefore(view: View, offset: number): string | undefined {
  const place = offset & 3;
  const word = view.u32(offset - 8);
  if (word === undefined) return undefined;
  if (word >= MIN_POINTER) return word % 4 === 0 ? `clr32 ${word} ${place}` : undefined;
  if (word > MAX_HIGH) return undefined;
  const before = view.u32(offset - 12);
  if (before === undefined) return undefined;
  if (word > 0) return before % 8 === 0 ? `clr64 ${word} ${before} ${place}` : undefined;
  // An empty lock word stands between: Mono, or a type below 4 GiB, which the CLR does not have.
  if (before >= MIN_POINTER) return before % 4 === 0 ? `mono32 ${before} ${place}` : undefined;
  if (before > 0) return undefined;
  const high = view.u32(offset - 16) ?? 0;
  const low = view.u32(offset - 20) ?? 1;
  return high > 0 && high <= MAX_HIGH && low % 8 === 0 ? `mono64 ${high} ${low} ${place}` : undefined;
}

function isText(bytes: Uint8Array, offset: number, length: number): boolean {
  for (let at = offset; at < offset + 2 * length; at += 2) {
    const low = bytes[at] as number;
    const high = bytes[at + 1] as number;
    if (high === 0 ? low < 0x20 || low === 0x7f : high >= 0xd8 && high < 0xe0) return false;
  }
  return true;
}

/**
 * Strings that lie wholly in [start, end) and at the place modulo 4 that `phase` has, ascending. Linear: the zero half
 * of a length is no character, so that texts do not overlap.
 */
export function* clrStrings(view: View, start: number, end: number, phase: number): Generator<ClrString> {
  const { bytes } = view;
  const last = Math.min(end, bytes.length);
  const floor = Math.max(start, 8);
  for (let at = floor + ((phase - floor) & 3); at < last; at += 4) {
    // High half of a length under 65,536, low half not zero, and something behind it.
    if (bytes[at - 1] !== 0 || bytes[at - 2] !== 0 || (bytes[at] === 0 && bytes[at + 1] === 0)) continue;
    const length = (bytes[at - 4] as number) | ((bytes[at - 3] as number) << 8);
    if (length === 0 || at + 2 * length + 2 > last) continue;
    const string = clrStringAt(view, at);
    if (string === undefined) continue;
    yield string;
    at += (2 * length) & ~3;
  }
}

/** The string object that the character at `offset` belongs to, found by walking back to its length. */
export function clrStringAround(view: View, offset: number): ClrString | undefined {
  const { bytes } = view;
  for (let at = offset; at >= 2 && offset - at <= 2 * MAX_CHARS; at -= 2) {
    if (bytes[at - 1] !== 0 || bytes[at - 2] !== 0) continue;
    const string = clrStringAt(view, at);
    return string !== undefined && string.offset + 2 * string.value.length > offset ? string : undefined;
  }
  return undefined;
}

/** Length, characters and end of a whole string: what stands in memory of a text that is known. */
export function clrText(text: string): Uint8Array {
  const out = new Uint8Array(4 + 2 * text.length + 2);
  const view = new DataView(out.buffer);
  view.setUint32(0, text.length, true);
  for (let i = 0; i < text.length; i++) view.setUint16(4 + 2 * i, text.charCodeAt(i), true);
  return out;
}
