/**
 * Text by its bytes: UTF-8 without control characters, told byte by byte by an automaton, so that noise costs as many
 * steps as it happens to look like text.
 */

/** Between two characters. */
const WHOLE = 0;
/** So many continuation bytes are due. */
const ONE_DUE = 1;
const TWO_DUE = 2;
const THREE_DUE = 3;
/** Behind a lead byte whose next byte may not be any (Unicode 15, table 3-7). */
const AFTER_E0 = 4;
const AFTER_ED = 5;
const AFTER_F0 = 6;
const AFTER_F4 = 7;
const NOT_TEXT = 8;
const STATES = 8;

const NEXT = new Uint8Array(STATES * 256).fill(NOT_TEXT);

function row(state: number, first: number, last: number, next: number): void {
  NEXT.fill(next, state * 256 + first, state * 256 + last + 1);
}

row(WHOLE, 0x20, 0x7e, WHOLE);
for (const control of [9, 10, 13]) row(WHOLE, control, control, WHOLE);
row(WHOLE, 0xc2, 0xdf, ONE_DUE);
row(WHOLE, 0xe0, 0xef, TWO_DUE);
row(WHOLE, 0xe0, 0xe0, AFTER_E0);
row(WHOLE, 0xed, 0xed, AFTER_ED);
row(WHOLE, 0xf0, 0xf0, AFTER_F0);
row(WHOLE, 0xf1, 0xf3, THREE_DUE);
row(WHOLE, 0xf4, 0xf4, AFTER_F4);
row(ONE_DUE, 0x80, 0xbf, WHOLE);
row(TWO_DUE, 0x80, 0xbf, ONE_DUE);
row(THREE_DUE, 0x80, 0xbf, TWO_DUE);
row(AFTER_E0, 0xa0, 0xbf, ONE_DUE);
row(AFTER_ED, 0x80, 0x9f, ONE_DUE);
row(AFTER_F0, 0x90, 0xbf, TWO_DUE);
row(AFTER_F4, 0x80, 0x8f, TWO_DUE);

/** Printable ASCII, tab and line breaks. */
export function isTextByte(byte: number): boolean {
  return NEXT[byte] === WHOLE;
}

/** UTF-8 with or without its mark, whose last character the end may cut off. */
export function isText(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let state = WHOLE;
  for (let i = start; i < bytes.length; i++) {
    state = NEXT[state * 256 + (bytes[i] as number)] as number;
    if (state === NOT_TEXT) return false;
  }
  return true;
}

/** UTF-16LE, with or without its mark, of such characters in ASCII. */
export function isWideText(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xff && bytes[1] === 0xfe ? 2 : 0;
  for (let i = start; i + 1 < bytes.length; i += 2)
    if (bytes[i + 1] !== 0 || !isTextByte(bytes[i] as number)) return false;
  return true;
}

/** Whether text of either kind may start with these two bytes. */
export function couldStartText(first: number, second: number): boolean {
  if (first === 0xef) return second === 0xbb;
  if (first === 0xff) return second === 0xfe;
  return isTextByte(first) && (second === 0 || NEXT[second] !== NOT_TEXT);
}
