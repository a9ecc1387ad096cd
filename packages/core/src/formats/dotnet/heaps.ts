/** The heaps of a module: #Strings, #US, #Blob, #GUID (ECMA-335 II.24.2.3 to II.24.2.5). */
import { found, hex, latin1, utf8, utf16le, type View } from "../../bytes/index.ts";
import type { UserString } from "./model.ts";

/** Longest name that is decoded, as the runtime has it (II.24.2.3 leaves it open; MAX_CLASS_NAME in corhdr.h). */
const MAX_NAME_BYTES = 1024;

/** Names kept: those of ordinary length, some more than a large framework assembly has. */
const MAX_KEPT_NAME = 128;
const MAX_KEPT_NAMES = 1 << 18;

/**
 * User strings do not overlap, so all of them are no longer than the heap. Offsets in crafted code may lead to long
 * strings over and over: text is decoded up to this many times the heap.
 */
const MAX_DECODED_HEAPS = 4;

/** A token has room for 24 bits of offset. */
const MAX_US_OFFSET = 0xffffff;

/** Entries that the walk of #US gives. */
const MAX_USER_STRINGS = 500_000;

/** A compressed unsigned integer (II.23.2): its value and the bytes that it takes. */
export interface Compressed {
  readonly value: number;
  readonly size: number;
}

export function compressed(view: View, offset: number): Compressed | undefined {
  const first = view.u8(offset);
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, size: 1 };
  if (first < 0xc0) {
    const value = view.u16be(offset);
    return value === undefined ? undefined : { value: value & 0x3fff, size: 2 };
  }
  if (first >= 0xe0) return undefined;
  const value = view.u32be(offset);
  return value === undefined ? undefined : { value: value & 0x1fffffff, size: 4 };
}

export class StringsHeap {
  readonly #view: View | undefined;
  readonly #cache = new Map<number, string>();

  constructor(view: View | undefined) {
    this.#view = view;
  }

  /** The NUL-terminated name at `index`; UTF-8, or one char a byte when it is not UTF-8. */
  get(index: number): string | undefined {
    const known = this.#cache.get(index);
    if (known !== undefined) return known;
    const bytes = this.#view?.bytes;
    if (bytes === undefined || !Number.isInteger(index) || index < 0 || index >= bytes.length)
      return index === 0 ? "" : undefined;
    const limit = Math.min(bytes.length, index + MAX_NAME_BYTES);
    let end = index;
    while (end < limit && bytes[end] !== 0) end++;
    const raw = bytes.subarray(index, end);
    const text = utf8(raw) ?? latin1(raw);
    if (text.length <= MAX_KEPT_NAME && this.#cache.size < MAX_KEPT_NAMES) this.#cache.set(index, text);
    return text;
  }
}

/** The blob at `index`; undefined when it does not lie wholly in the heap. */
export function readBlob(heap: View | undefined, index: number): View | undefined {
  if (heap === undefined || !Number.isInteger(index)) return undefined;
  const length = compressed(heap, index);
  return length && heap.sub(index + length.size, length.value);
}

/** The GUID of row `index` (from 1) as text. */
export function readGuid(heap: View | undefined, index: number): string | undefined {
  const bytes = index < 1 ? undefined : heap?.sub((index - 1) * 16, 16)?.bytes;
  if (bytes === undefined) return undefined;
  const part = (order: readonly number[]): string => order.map((i) => hex(bytes.subarray(i, i + 1))).join("");
  return [
    part([3, 2, 1, 0]),
    part([5, 4]),
    part([7, 6]),
    hex(bytes.subarray(8, 10)),
    hex(bytes.subarray(10, 16)),
  ].join("-");
}

export class UserStringsHeap {
  readonly #view: View | undefined;
  readonly #cache = new Map<number, UserString>();
  #all: readonly UserString[] | undefined;
  #bytesLeft: number;

  constructor(view: View | undefined) {
    this.#view = view;
    this.#bytesLeft = MAX_DECODED_HEAPS * (view?.length ?? 0);
  }

  /** The entry at `offset`; offset 0 is the empty string. */
  get(offset: number): UserString | undefined {
    const known = this.#cache.get(offset);
    if (known !== undefined) return known;
    if (this.#view === undefined || !Number.isInteger(offset)) return undefined;
    const length = compressed(this.#view, offset);
    return length && this.#read(this.#view, offset, length);
  }

  /**
   * Every entry in heap order. Zero bytes are padding. What is no entry (a length that cannot be, or that leaves
   * the heap) is stepped over byte by byte, until something stands there that has an entry's full shape: odd length
   * and a last byte of 0 or 1.
   */
  all(): readonly UserString[] {
    this.#all ??= this.#walk();
    return this.#all;
  }

  #walk(): readonly UserString[] {
    const view = this.#view;
    const entries: UserString[] = [];
    if (view === undefined) return entries;
    let inStep = true;
    let at = 0;
    const end = Math.min(view.length, MAX_US_OFFSET + 1);
    while (at < end && entries.length < MAX_USER_STRINGS) {
      const length = compressed(view, at);
      if (length === undefined || !view.has(at + length.size, length.value)) {
        inStep = false;
        at++;
      } else if (length.value === 0) {
        at += length.size;
      } else if (inStep || hasEntryShape(view, at, length)) {
        const entry = this.#read(view, at, length);
        if (entry !== undefined) entries.push(entry);
        inStep = true;
        at += length.size + length.value;
      } else at++;
    }
    return entries;
  }

  #read(view: View, offset: number, length: Compressed): UserString | undefined {
    const known = this.#cache.get(offset);
    if (known !== undefined) return known;
    // The odd last byte says whether a char needs more than a byte's handling; it is no text.
    const body = view.sub(offset + length.size, length.value);
    if (body === undefined || this.#bytesLeft < body.length) return undefined;
    this.#bytesLeft -= body.length;
    const size = length.value & ~1;
    const entry: UserString = {
      offset,
      text: found(utf16le(body.bytes.subarray(0, size)), body.span(0, size)),
    };
    this.#cache.set(offset, entry);
    return entry;
  }
}

function hasEntryShape(view: View, at: number, length: Compressed): boolean {
  const last = view.u8(at + length.size + length.value - 1);
  return length.value % 2 === 1 && last !== undefined && last <= 1;
}
