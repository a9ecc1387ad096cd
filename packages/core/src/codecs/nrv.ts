/**
 * What NRV2B, NRV2D and NRV2E share (Markus Oberhumer's UCL library; UPX's methods 2 to 10): a bit stream in words
 * that are mixed with bytes, literals and matches, and an end marker. Facts of the format from UCL's documentation
 * and UPX's decompressors; the variants differ in how distances and lengths are written.
 */

/** Width of the words that bits come in: UPX's `_8`, `_le16` and `_le32`. */
export type NrvWidth = 8 | 16 | 32;

export interface NrvOutput {
  readonly bytes: Uint8Array;
  /** Bytes of the input that were read, end marker included. */
  readonly consumed: number;
}

export interface NrvOptions {
  /** 32 by default, as every PE has it. */
  readonly width?: NrvWidth;
  /** Never make more bytes than this. */
  readonly limit: number;
}

/** Distances are 24 bits and a little; more is damage. */
const MAX_DISTANCE_CODE = 0xff_ffff + 3;
/** A distance of all ones ends the stream. */
const END = 0xffff_ffff;
/** The output grows from here by doubling. */
const FIRST_OUTPUT = 1 << 16;

/** Reader and writer of one stream. `failed` turns true on the first step outside input, output or limit. */
export class NrvStream {
  failed = false;
  readonly #input: Uint8Array;
  readonly #width: NrvWidth;
  readonly #limit: number;
  #out: Uint8Array;
  #made = 0;
  #at = 0;
  #word = 0;
  #left = 0;

  constructor(input: Uint8Array, options: NrvOptions) {
    this.#input = input;
    this.#width = options.width ?? 32;
    this.#limit = options.limit;
    this.#out = new Uint8Array(Math.min(options.limit, FIRST_OUTPUT));
  }

  bit(): 0 | 1 {
    if (this.#left === 0) this.#refill();
    this.#left--;
    return ((this.#word >>> this.#left) & 1) as 0 | 1;
  }

  /** Copies bytes as long as bits say so. */
  literals(): void {
    while (this.bit() === 1) {
      if (this.#at >= this.#input.length || !this.#room(1)) {
        this.failed = true;
        return;
      }
      this.#out[this.#made++] = this.#input[this.#at++] as number;
    }
  }

  /** The low byte of a distance whose high part, a code of at least 3, is known; END as -1. */
  distance(code: number): number {
    if (code > MAX_DISTANCE_CODE || this.#at >= this.#input.length) {
      this.failed = true;
      return 0;
    }
    const value = ((code - 3) * 256 + (this.#input[this.#at++] as number)) >>> 0;
    return value === END ? -1 : value;
  }

  /** The long form of a length: bits behind a leading 1, each followed by one that says whether it is the last. */
  longLength(): number {
    let length = 1;
    do {
      length = length * 2 + this.bit();
      if (length > this.#limit) this.failed = true;
    } while (!this.failed && this.bit() === 0);
    return length;
  }

  /** Copies `length` bytes from `distance` back. */
  copy(distance: number, length: number): void {
    if (distance > this.#made || !this.#room(length)) {
      this.failed = true;
      return;
    }
    const out = this.#out;
    const from = this.#made - distance;
    if (distance >= length) out.copyWithin(this.#made, from, from + length);
    else for (let i = 0; i < length; i++) out[this.#made + i] = out[from + i] as number;
    this.#made += length;
  }

  done(): NrvOutput | undefined {
    return this.failed ? undefined : { bytes: this.#out.subarray(0, this.#made), consumed: this.#at };
  }

  #refill(): void {
    const bytes = this.#width / 8;
    if (this.#at + bytes > this.#input.length) {
      // Zeros end every loop over bits: none goes on for long without a check of `failed`.
      this.failed = true;
      this.#word = 0;
      this.#left = this.#width;
      return;
    }
    let word = 0;
    for (let i = bytes - 1; i >= 0; i--) word = (word << 8) | (this.#input[this.#at + i] as number);
    this.#at += bytes;
    this.#word = word;
    this.#left = this.#width;
  }

  #room(count: number): boolean {
    const needed = this.#made + count;
    if (needed <= this.#out.length) return true;
    if (needed > this.#limit) return false;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#limit, this.#out.length * 2)));
    grown.set(this.#out);
    this.#out = grown;
    return true;
  }
}

/** Code of a distance's high part as NRV2D and NRV2E write it: two bits to a step, the first but one a stop bit. */
export function longDistanceCode(stream: NrvStream): number {
  let code = 1;
  for (;;) {
    code = code * 2 + stream.bit();
    if (stream.failed || code > MAX_DISTANCE_CODE) break;
    if (stream.bit() === 1) return code;
    code = (code - 1) * 2 + stream.bit();
  }
  stream.failed = true;
  return code;
}

/** Code of a distance's high part as NRV2B writes it: a bit, then a stop bit. */
export function shortDistanceCode(stream: NrvStream): number {
  let code = 1;
  do {
    code = code * 2 + stream.bit();
    if (code > MAX_DISTANCE_CODE) stream.failed = true;
  } while (!stream.failed && stream.bit() === 0);
  return code;
}
