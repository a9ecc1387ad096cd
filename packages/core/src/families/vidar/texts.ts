/** Printable NUL-terminated strings in bytes. */
import { type Found, latin1, type View } from "../../bytes/index.ts";
import { behindHeader } from "../engines/heap-block.ts";

export interface FoundText extends Found<string> {
  readonly offset: number;
}

/** Bytes that may stand right before a string: an end, or nothing printable. */
export function endsText(byte: number | undefined): boolean {
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
    const offset = behindHeader(bytes, from, view.base);
    const length = i - offset;
    if (byte === 0 && length >= min && length <= max)
      yield { value: latin1(bytes.subarray(offset, i)), offset, at: [view.span(offset, length)] };
    from = i + 1;
  }
}
