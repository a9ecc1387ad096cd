/**
 * LZMA, the raw stream (Igor Pavlov, "LZMA specification", public domain): properties and sizes come from whatever
 * holds it, be it `.lzma` files, 7z, ZIP method 14, or a packer.
 */

export interface LzmaProperties {
  /** Bits of the byte before a literal that choose its model: 0 to 8. */
  readonly lc: number;
  /** Bits of the position that choose a literal's model: 0 to 4. */
  readonly lp: number;
  /** Bits of the position that choose the model of match flags and lengths: 0 to 4. */
  readonly pb: number;
}

export interface LzmaLimits {
  /** Bytes to make. Without it the stream says itself where it ends (end marker). */
  readonly size?: number;
  /** Never make more bytes than this. */
  readonly limit: number;
}

export interface LzmaOutput {
  readonly bytes: Uint8Array;
  /** Bytes of the input that were read. */
  readonly consumed: number;
  /** The stream ended by its marker. */
  readonly marked: boolean;
}

/** The properties byte of `.lzma` and 7z: (pb * 5 + lp) * 9 + lc. Undefined when no encoder writes it. */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

/**
 * Decompresses a raw LZMA stream. Undefined when it is corrupt, ends too early, or would pass `limit`;
 * matches may reach back to the start of the output (no smaller window is enforced).
 */
export function decompressLzma(
  input: Uint8Array,
  properties: LzmaProperties,
  limits: LzmaLimits,
): LzmaOutput | undefined {
  const { lc, lp, pb } = properties;
  if (lc < 0 || lc > 8 || lp < 0 || lp > 4 || pb < 0 || pb > 4) return undefined;
  if (limits.size !== undefined && limits.size > limits.limit) return undefined;
  // The first byte of the range coder's five is always 0.
  if (input.length < 5 || input[0] !== 0) return undefined;
  return new Decoder(input, properties, limits).decode();
}

const PROBABILITY_ONE_HALF = 1024;
const TOP = 2 ** 24;
const STATES = 12;
const MIN_MATCH = 2;
const END_MARKER = 0xffff_ffff;
/** The output grows from here by doubling. */
const FIRST_OUTPUT = 1 << 16;

/** Places of the models in one array of probabilities. */
const IS_MATCH = 0;
const IS_REP = IS_MATCH + (STATES << 4);
const IS_REP_0 = IS_REP + STATES;
const IS_REP_1 = IS_REP_0 + STATES;
const IS_REP_2 = IS_REP_1 + STATES;
const IS_REP_0_LONG = IS_REP_2 + STATES;
const DISTANCE_SLOT = IS_REP_0_LONG + (STATES << 4);
const DISTANCE_SPECIAL = DISTANCE_SLOT + (4 << 6);
const DISTANCE_ALIGN = DISTANCE_SPECIAL + 128;
const MATCH_LENGTH = DISTANCE_ALIGN + 16;
/** A length model: choice, choice 2, low and mid trees for each position state, high tree. */
const LENGTH_LOW = 2;
const LENGTH_MID = LENGTH_LOW + (16 << 3);
const LENGTH_HIGH = LENGTH_MID + (16 << 3);
const REP_LENGTH = MATCH_LENGTH + LENGTH_HIGH + 256;
const LITERAL = REP_LENGTH + LENGTH_HIGH + 256;

class Decoder {
  readonly #input: Uint8Array;
  readonly #models: Uint16Array;
  readonly #properties: LzmaProperties;
  readonly #limits: LzmaLimits;
  #out: Uint8Array;
  #made = 0;
  #at = 5;
  #range = 0xffff_ffff;
  #code: number;

  constructor(input: Uint8Array, properties: LzmaProperties, limits: LzmaLimits) {
    this.#input = input;
    this.#properties = properties;
    this.#limits = limits;
    this.#models = new Uint16Array(LITERAL + (0x300 << (properties.lc + properties.lp)));
    this.#models.fill(PROBABILITY_ONE_HALF);
    this.#out = new Uint8Array(Math.min(limits.size ?? FIRST_OUTPUT, limits.limit, FIRST_OUTPUT));
    const [, b1 = 0, b2 = 0, b3 = 0, b4 = 0] = input;
    this.#code = ((b1 << 24) | (b2 << 16) | (b3 << 8) | b4) >>> 0;
  }

  decode(): LzmaOutput | undefined {
    const { lc, lp, pb } = this.#properties;
    const size = this.#limits.size ?? Number.POSITIVE_INFINITY;
    const positionMask = (1 << pb) - 1;
    const literalMask = (1 << lp) - 1;
    let state = 0;
    let rep0 = 0;
    let rep1 = 0;
    let rep2 = 0;
    let rep3 = 0;
    while (this.#made < size) {
      if (this.#at > this.#input.length) return undefined;
      const position = this.#made & positionMask;
      if (this.#bit(IS_MATCH + (state << 4) + position) === 0) {
        if (!this.#room(1)) return undefined;
        const before = this.#made > 0 ? (this.#out[this.#made - 1] as number) : 0;
        const context = ((this.#made & literalMask) << lc) + (before >> (8 - lc));
        const model = LITERAL + 0x300 * context;
        this.#out[this.#made] = state < 7 ? this.#literal(model) : this.#matchedLiteral(model, rep0);
        this.#made++;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      let length: number;
      if (this.#bit(IS_REP + state) === 0) {
        rep3 = rep2;
        rep2 = rep1;
        rep1 = rep0;
        length = this.#length(MATCH_LENGTH, position);
        state = state < 7 ? 7 : 10;
        rep0 = this.#distance(length);
        if (rep0 === END_MARKER)
          return this.#limits.size === undefined && this.#at <= this.#input.length
            ? this.#done(true)
            : undefined;
      } else {
        if (this.#made === 0) return undefined;
        if (this.#bit(IS_REP_0 + state) === 0) {
          if (this.#bit(IS_REP_0_LONG + (state << 4) + position) === 0) {
            if (rep0 >= this.#made || !this.#room(1)) return undefined;
            this.#out[this.#made] = this.#out[this.#made - rep0 - 1] as number;
            this.#made++;
            state = state < 7 ? 9 : 11;
            continue;
          }
        } else {
          let distance: number;
          if (this.#bit(IS_REP_1 + state) === 0) distance = rep1;
          else {
            if (this.#bit(IS_REP_2 + state) === 0) distance = rep2;
            else {
              distance = rep3;
              rep3 = rep2;
            }
            rep2 = rep1;
          }
          rep1 = rep0;
          rep0 = distance;
        }
        length = this.#length(REP_LENGTH, position);
        state = state < 7 ? 8 : 11;
      }
      if (rep0 >= this.#made) return undefined;
      length = Math.min(length + MIN_MATCH, size - this.#made);
      if (!this.#room(length)) return undefined;
      const from = this.#made - rep0 - 1;
      if (rep0 + 1 >= length) this.#out.copyWithin(this.#made, from, from + length);
      else for (let i = 0; i < length; i++) this.#out[this.#made + i] = this.#out[from + i] as number;
      this.#made += length;
    }
    return this.#at > this.#input.length ? undefined : this.#done(false);
  }

  #done(marked: boolean): LzmaOutput {
    return { bytes: this.#out.subarray(0, this.#made), consumed: this.#at, marked };
  }

  /** Makes room for `count` more bytes; false when that would pass the limit. */
  #room(count: number): boolean {
    const needed = this.#made + count;
    if (needed <= this.#out.length) return true;
    if (needed > this.#limits.limit) return false;
    const most = Math.min(this.#limits.limit, this.#limits.size ?? this.#limits.limit);
    const grown = new Uint8Array(Math.max(needed, Math.min(most, this.#out.length * 2)));
    grown.set(this.#out);
    this.#out = grown;
    return true;
  }

  #normalize(): void {
    if (this.#range >= TOP) return;
    this.#range = (this.#range << 8) >>> 0;
    // Past the end zeros come in; the main loop stops there.
    this.#code = ((this.#code << 8) | (this.#input[this.#at++] ?? 0)) >>> 0;
  }

  #bit(model: number): 0 | 1 {
    const probability = this.#models[model] as number;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#models[model] = probability + ((2048 - probability) >> 5);
      this.#normalize();
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#models[model] = probability - (probability >> 5);
    this.#normalize();
    return 1;
  }

  #literal(model: number): number {
    let symbol = 1;
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(model + symbol);
    return symbol & 0xff;
  }

  /** A literal right behind a match: the byte that the match would have gone on with helps to tell it. */
  #matchedLiteral(model: number, rep0: number): number {
    let expected = rep0 < this.#made ? (this.#out[this.#made - rep0 - 1] as number) : 0;
    let symbol = 1;
    while (symbol < 0x100) {
      const expectedBit = (expected >> 7) & 1;
      expected <<= 1;
      const bit = this.#bit(model + ((1 + expectedBit) << 8) + symbol);
      symbol = (symbol << 1) | bit;
      if (expectedBit === bit) continue;
      while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(model + symbol);
    }
    return symbol & 0xff;
  }

  #tree(model: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(model + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(model: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(model + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      this.#normalize();
      value = value * 2 + bit;
    }
    return value;
  }

  #length(model: number, position: number): number {
    if (this.#bit(model) === 0) return this.#tree(model + LENGTH_LOW + (position << 3), 3);
    if (this.#bit(model + 1) === 0) return 8 + this.#tree(model + LENGTH_MID + (position << 3), 3);
    return 16 + this.#tree(model + LENGTH_HIGH, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOT + (Math.min(length, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + this.#reverseTree(DISTANCE_SPECIAL + base - slot, bits);
    return base + this.#direct(bits - 4) * 16 + this.#reverseTree(DISTANCE_ALIGN, 4);
  }
}
