/**
 * LZMA: raw streams and `.lzma` files, after the LZMA specification by Igor Pavlov (lzma-specification.txt of the LZMA
 * SDK, public domain). The output stands in one buffer, so that no dictionary is kept beside it.
 */
import { Output, type Unpacked } from "./output.ts";

export interface LzmaProperties {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
}

/** The property byte: (pb * 5 + lp) * 9 + lc. */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

/** Header of a `.lzma` file: property byte, dictionary size (32 bits), size (64 bits, all ones when unknown). */
export const LZMA_HEADER = 13;

export interface LzmaHeader extends LzmaProperties {
  readonly dictionary: number;
  /** Undefined when the stream has an end mark instead. */
  readonly size: number | undefined;
}

/** The header of a `.lzma` file, when all of it is what an encoder writes. */
export function lzmaHeader(input: Uint8Array): LzmaHeader | undefined {
  const properties = input.length > LZMA_HEADER + 5 ? lzmaProperties(input[0] as number) : undefined;
  if (properties === undefined) return undefined;
  const u32 = (at: number): number =>
    ((input[at] as number) |
      ((input[at + 1] as number) << 8) |
      ((input[at + 2] as number) << 16) |
      ((input[at + 3] as number) << 24)) >>>
    0;
  const isUnknown = u32(5) === 0xffff_ffff && u32(9) === 0xffff_ffff;
  if (!isUnknown && u32(9) !== 0) return undefined;
  return { ...properties, dictionary: u32(1), size: isUnknown ? undefined : u32(5) };
}

/** Decompresses a `.lzma` file up to `limit` bytes. Undefined when header or data are not that. */
export function unpackLzmaFile(input: Uint8Array, limit: number): Unpacked | undefined {
  const header = lzmaHeader(input);
  if (header === undefined) return undefined;
  const made = unpackLzma(input.subarray(LZMA_HEADER), header, header.size, limit);
  return made && { ...made, used: made.used + LZMA_HEADER };
}

const STATES = 12;
const MAX_POS_STATES = 16;
const MATCH_MIN = 2;
const END_MARK = 0xffff_ffff;
/** Flips a comparison of signed numbers into one of unsigned ones. */
const SIGN = 0x8000_0000 | 0;
/** The range is filled up when its top byte is gone. */
const TOP = 0xff00_0000 | 0;

/** Where each model's probabilities start in the one array. */
const LENGTH_MODEL = 2 + 2 * MAX_POS_STATES * 8 + 256;
const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * MAX_POS_STATES;
const IS_REP_G0 = IS_REP + STATES;
const IS_REP_G1 = IS_REP_G0 + STATES;
const IS_REP_G2 = IS_REP_G1 + STATES;
const IS_REP0_LONG = IS_REP_G2 + STATES;
const POS_SLOT = IS_REP0_LONG + STATES * MAX_POS_STATES;
const POS_SPECIAL = POS_SLOT + 4 * 64;
const POS_ALIGN = POS_SPECIAL + 128;
const LENGTH = POS_ALIGN + 16;
const REP_LENGTH = LENGTH + LENGTH_MODEL;
const LITERAL = REP_LENGTH + LENGTH_MODEL;

/**
 * Decompresses a raw stream (it starts with the range coder's zero byte) up to `limit` bytes: `size` bytes, or up to
 * the end mark when `size` is undefined. Undefined when the data is not LZMA or ends too early.
 */
export function unpackLzma(
  input: Uint8Array,
  properties: LzmaProperties,
  size: number | undefined,
  limit: number,
): Unpacked | undefined {
  if (input.length < 5 || input[0] !== 0) return undefined;
  return new Decoder(input, properties).run(size, limit);
}

class Decoder {
  readonly #input: Uint8Array;
  readonly #probs: Uint16Array;
  readonly #lc: number;
  readonly #lpMask: number;
  readonly #pbMask: number;
  /** Range and code as signed 32-bit numbers: kept here, V8 makes no object of each new value. */
  readonly #coder: Int32Array;
  #at = 5;
  /** The input ended. */
  #isShort = false;

  constructor(input: Uint8Array, { lc, lp, pb }: LzmaProperties) {
    this.#input = input;
    this.#probs = new Uint16Array(LITERAL + (0x300 << (lc + lp))).fill(1024);
    this.#lc = lc;
    this.#lpMask = (1 << lp) - 1;
    this.#pbMask = (1 << pb) - 1;
    const [, a = 0, b = 0, c = 0, d = 0] = input;
    this.#coder = Int32Array.of(-1, (a << 24) | (b << 16) | (c << 8) | d);
  }

  #bit(index: number): number {
    const probs = this.#probs;
    const coder = this.#coder;
    const prob = probs[index] as number;
    const range = coder[0] as number;
    const code = coder[1] as number;
    const bound = Math.imul(range >>> 11, prob);
    let rest: number;
    let bit: number;
    if ((code ^ SIGN) < (bound ^ SIGN)) {
      rest = bound;
      probs[index] = prob + ((2048 - prob) >> 5);
      bit = 0;
    } else {
      coder[1] = code - bound;
      rest = (range - bound) | 0;
      probs[index] = prob - (prob >> 5);
      bit = 1;
    }
    coder[0] = rest;
    if ((rest & TOP) === 0) this.#normalize();
    return bit;
  }

  #normalize(): void {
    const coder = this.#coder;
    coder[0] = (coder[0] as number) << 8;
    if (this.#at >= this.#input.length) this.#isShort = true;
    coder[1] = ((coder[1] as number) << 8) | (this.#input[this.#at++] ?? 0);
  }

  #direct(count: number): number {
    const coder = this.#coder;
    let value = 0;
    for (let i = 0; i < count; i++) {
      const range = (coder[0] as number) >>> 1;
      const code = coder[1] as number;
      const bit = (code ^ SIGN) < (range ^ SIGN) ? 0 : 1;
      if (bit === 1) coder[1] = code - range;
      coder[0] = range;
      if ((range & TOP) === 0) this.#normalize();
      value = (value << 1) | bit;
    }
    return value >>> 0;
  }

  #tree(base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(base + node);
    return node - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #length(base: number, posState: number): number {
    if (this.#bit(base) === 0) return this.#tree(base + 2 + posState * 8, 3);
    if (this.#bit(base + 1) === 0) return 8 + this.#tree(base + 2 + (MAX_POS_STATES + posState) * 8, 3);
    return 16 + this.#tree(base + 2 + 2 * MAX_POS_STATES * 8, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(POS_SLOT + Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + this.#reverseTree(POS_SPECIAL + base - slot, bits);
    return base + this.#direct(bits - 4) * 16 + this.#reverseTree(POS_ALIGN, 4);
  }

  #literal(out: Output, isMatched: boolean, rep0: number): number {
    const previous = out.size > 0 ? (out.bytes[out.size - 1] as number) : 0;
    const state = ((out.size & this.#lpMask) << this.#lc) + (previous >> (8 - this.#lc));
    const base = LITERAL + 0x300 * state;
    let symbol = 1;
    if (isMatched) {
      let match = out.bytes[out.size - rep0 - 1] as number;
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = this.#bit(base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - 0x100;
  }

  run(size: number | undefined, limit: number): Unpacked | undefined {
    const out = new Output(limit, size);
    const end = size ?? Number.POSITIVE_INFINITY;
    const result = (cut: boolean): Unpacked => ({
      bytes: out.done(),
      cut,
      used: Math.min(this.#at, this.#input.length),
    });
    let [rep0, rep1, rep2, rep3, state] = [0, 0, 0, 0, 0];
    while (out.size < end) {
      if (this.#isShort) return undefined;
      const posState = out.size & this.#pbMask;
      if (this.#bit(IS_MATCH + state * MAX_POS_STATES + posState) === 0) {
        const byte = this.#literal(out, state >= 7, rep0);
        if (!out.reserve(1)) return result(true);
        out.bytes[out.size++] = byte;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      let length: number;
      if (this.#bit(IS_REP + state) === 0) {
        [rep3, rep2, rep1] = [rep2, rep1, rep0];
        length = this.#length(LENGTH, posState);
        rep0 = this.#distance(length);
        if (rep0 === END_MARK) return size === undefined && !this.#isShort ? result(false) : undefined;
        state = state < 7 ? 7 : 10;
      } else {
        if (this.#bit(IS_REP_G0 + state) === 0) {
          if (this.#bit(IS_REP0_LONG + state * MAX_POS_STATES + posState) === 0) {
            if (rep0 >= out.size) return undefined;
            state = state < 7 ? 9 : 11;
            if (!out.copy(rep0 + 1, 1)) return result(true);
            continue;
          }
        } else {
          const g1 = this.#bit(IS_REP_G1 + state);
          const g2 = g1 === 0 ? 0 : this.#bit(IS_REP_G2 + state);
          const distance = g1 === 0 ? rep1 : g2 === 0 ? rep2 : rep3;
          if (g2 === 1) rep3 = rep2;
          if (g1 === 1) rep2 = rep1;
          rep1 = rep0;
          rep0 = distance;
        }
        length = this.#length(REP_LENGTH, posState);
        state = state < 7 ? 8 : 11;
      }
      if (rep0 >= out.size) return undefined;
      const wanted = Math.min(length + MATCH_MIN, end - out.size);
      if (!out.copy(rep0 + 1, wanted)) return result(true);
    }
    return this.#isShort ? undefined : result(false);
  }
}
