/** The table of Ve: a permutation of its alphabet, told by nothing else. */
import { latin1, type View } from "../../bytes/index.ts";
import type { FoundText } from "./texts.ts";

export const ALPHABET =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$&()*+,-./:;<=>?@[]^_`{|}~ ";
export const SIZE = ALPHABET.length;

const VALUE = codes(ALPHABET);

function codes(text: string): Int16Array {
  const out = new Int16Array(256).fill(-1);
  for (let i = 0; i < text.length; i++) out[text.charCodeAt(i)] = i;
  return out;
}

/** When each byte was last met, by a number that each walk has of its own. */
const seenIn = new Int32Array(256);
let walk = 0;

/** The 91 bytes around `at` that end with a NUL, when they are a permutation of A other than A itself. */
export function tableAround(view: View, at: number): FoundText | undefined {
  const { bytes } = view;
  if (walk === 0x7fff_ffff) {
    seenIn.fill(0);
    walk = 0;
  }
  walk++;
  // Text repeats itself within a few characters, which a permutation never does.
  let end = at;
  for (; end < at + SIZE; end++) {
    const byte = bytes[end] ?? 0;
    if ((VALUE[byte] as number) < 0) break;
    if (seenIn[byte] === walk) return undefined;
    seenIn[byte] = walk;
  }
  const start = end - SIZE;
  if (start < 0 || start > at || bytes[end] !== 0) return undefined;
  const seen = new Uint8Array(SIZE);
  let same = 0;
  for (let i = 0; i < SIZE; i++) {
    const value = VALUE[bytes[start + i] as number] as number;
    if (value < 0 || seen[value] === 1) return undefined;
    seen[value] = 1;
    if (value === i) same++;
  }
  if (same === SIZE) return undefined;
  return {
    value: latin1(bytes.subarray(start, end)),
    offset: start,
    at: [view.span(start, SIZE)],
  };
}

/** Decodes one string; undefined when a character is not in the table. */
export function decodeText(table: string, text: string): string | undefined {
  const index = codes(table);
  let plain = "";
  for (let n = 0; n < text.length; n++) {
    const value = index[text.charCodeAt(n) & 0xff] as number;
    if (value < 0) return undefined;
    plain += ALPHABET[(((value - n) % SIZE) + SIZE) % SIZE];
  }
  return plain;
}
