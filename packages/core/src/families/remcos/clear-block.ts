/** The config as it lies in memory once decrypted: one text from the C2 list on, in a buffer of the program's heap. */
import { equalBytes, indexesOf, indexOf, latin1Bytes, type View } from "../../bytes/index.ts";
import { behindHeader } from "../engines/heap-block.ts";
import {
  endOfText,
  type FieldRange,
  type LayoutId,
  MAX_BLOB,
  MIN_FIELDS,
  SEPARATORS,
  split,
} from "./blob.ts";
import { type C2List, parseC2List } from "./c2.ts";
import { type FieldSet, readFields } from "./fields.ts";

export interface ClearBlock {
  readonly layout: LayoutId;
  /** From the first byte of the C2 list to the last of the last field. */
  readonly plain: View;
  readonly ranges: readonly FieldRange[];
  readonly c2: C2List;
  readonly fields: FieldSet;
  /** Of the C2 list, in the window. */
  readonly start: number;
}

/** Fields 3 to 5, and others further on, are switches: a byte 0 or 1, or its digit. */
const SWITCHES = [0x00, 0x01, 0x30, 0x31];
const RAW_AND_DIGITS = [SWITCHES.slice(0, 2), SWITCHES.slice(2)] as const;

export interface BlockAnchor {
  readonly layout: LayoutId;
  readonly separator: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Switches, or an empty field, between separators: as many as make a string that nothing else in memory is full of. */
export const BLOCK_ANCHORS: readonly BlockAnchor[] = SEPARATORS.flatMap(({ layout, bytes: separator }) => {
  const between = (...fields: readonly (readonly number[])[]): BlockAnchor => ({
    layout,
    separator,
    bytes: Uint8Array.from([...separator, ...fields.flatMap((field) => [...field, ...separator])]),
  });
  if (separator.length > 2) return [between([]), ...SWITCHES.map((value) => between([value]))];
  const pairs = RAW_AND_DIGITS.flatMap((values) =>
    values.flatMap((a) => values.map((b) => [[a], [b]] as const)),
  );
  if (separator.length === 2) return pairs.map((pair) => between(...pair));
  return RAW_AND_DIGITS.flatMap((values) =>
    values.flatMap((a) => values.flatMap((b) => values.map((c) => between([a], [b], [c])))),
  );
});

/** Bytes before an anchor in which the list may begin: a few dozen entries, a name, an interval. */
const MAX_BEFORE = 0x4000;
/** Of the fields that the table names, those that must read as what they should be. 1.7 Pro has 40, 4.9.3 has 45. */
const MIN_READ = 12;
/** A fork may have put one to another use. */
const MAX_MISREAD = 1;

/**
 * The block around an anchor at `hit`; undefined when there is none. Nothing before `floor` is looked at; `spend` is
 * told the bytes that the attempt has cost and says whether there are any left.
 */
export function blockAround(
  view: View,
  { layout, separator }: BlockAnchor,
  hit: number,
  floor: number,
  spend: (bytes: number) => boolean,
): ClearBlock | undefined {
  const { bytes } = view;
  const start = startOfRun(view, separator, hit, Math.max(floor, hit - MAX_BEFORE));
  const first = indexOf(bytes, separator, start, hit + separator.length);
  if (!spend(hit - start) || first <= start) return undefined;
  const c2 = parseC2List(bytes.subarray(start, first), layout === "R3");
  if (c2.entries.length === 0) return undefined;

  const window = view.clip(start, MAX_BLOB);
  const text = window.bytes.subarray(0, endOfBuffer(window.bytes));
  const rough = split(text, separator);
  if (!spend(text.length) || rough.length < MIN_FIELDS) return undefined;
  const { fields: ranges, length } = endOfText({ plain: text, fields: rough });
  const plain = window.clip(0, length);
  const fields = readFields(plain, ranges, layout);
  if (ranges.length < MIN_FIELDS || fields.known.size < MIN_READ || fields.misread > MAX_MISREAD)
    return undefined;
  return { layout, start, plain, ranges, c2, fields };
}

const LIST_BYTES = new Uint8Array(256).fill(1, 0x20, 0x7f);

/**
 * Start of the text that ends at `hit`: printable bytes, separators of fields and of the list's entries, and single
 * other bytes that are a whole field.
 */
function startOfRun(view: View, separator: Uint8Array, hit: number, floor: number): number {
  const { bytes } = view;
  let at = hit;
  while (at > floor) {
    const byte = bytes[at - 1] as number;
    if (LIST_BYTES[byte] === 1 || byte === 0x1e || byte === 0x1f || isListMark(bytes, at)) at--;
    else if (isField(bytes, separator, at - 1)) at -= 1 + separator.length;
    else break;
  }
  // A lone separator of entries, or an end of the text before, is no start.
  while (at < hit && LIST_BYTES[bytes[at] as number] === 0) at++;
  return behindHeader(bytes, at, view.base);
}

/** Part of FF FF FF FF, which some builds put between entries: `at` is behind the byte asked for. */
function isListMark(bytes: Uint8Array, at: number): boolean {
  if (bytes[at - 1] !== 0xff) return false;
  let from = at - 1;
  let to = at;
  while (to - from < 4 && bytes[from - 1] === 0xff) from--;
  while (to - from < 4 && bytes[to] === 0xff) to++;
  return to - from === 4 && LIST_BYTES[bytes[from - 1] ?? 0] === 1;
}

function isField(bytes: Uint8Array, separator: Uint8Array, at: number): boolean {
  return stands(bytes, separator, at + 1) && stands(bytes, separator, at - separator.length);
}

function stands(bytes: Uint8Array, text: Uint8Array, at: number): boolean {
  return at >= 0 && equalBytes(bytes.subarray(at, at + text.length), text);
}

const ZEROS = latin1Bytes("\0\0\0\0\0\0\0\0");

/** No field holds eight zeros; behind the text a buffer mostly does. */
function endOfBuffer(bytes: Uint8Array): number {
  const end = indexesOf(bytes, ZEROS).next();
  return end.done ? bytes.length : end.value;
}
