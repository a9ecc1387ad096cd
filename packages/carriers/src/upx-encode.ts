/**
 * Small encoders of UPX's methods, for carriers: greedy, not tight. Format facts as in the decoders of @assay/core
 * (codecs/nrv.ts, codecs/lzma.ts), written the other way round.
 */

export type UpxEncoding = "nrv2b" | "nrv2d" | "nrv2e" | "lzma";

/** As UPX stores it; LZMA with UPX's two bytes of properties in front and without an end marker. */
export function encodeUpx(data: Uint8Array, method: UpxEncoding): Uint8Array {
  return method === "lzma" ? encodeLzma(data) : encodeNrv(data, method);
}

const MIN_LENGTH = 4;
const MAX_DISTANCE = 0xbfff;
/** The high part that, with a low byte of FF, is a distance of all ones. */
const END_CODE = 0x100_0002;

function encodeNrv(data: Uint8Array, variant: "nrv2b" | "nrv2d" | "nrv2e"): Uint8Array {
  const out = new NrvWriter();
  const seen = new Map<number, number>();
  let last = 1;
  let at = 0;
  while (at < data.length) {
    const [distance, length] = findMatch(data, at, seen);
    const step = length >= MIN_LENGTH ? length : 1;
    if (step === 1) {
      out.bit(1);
      out.byte(data[at] as number);
    } else {
      out.bit(0);
      writeMatch(out, variant, distance, length, distance === last);
      last = distance;
    }
    for (const end = at + step; at < end; at++) seen.set(key(data, at), at);
  }
  out.bit(0);
  if (variant === "nrv2b") out.short(END_CODE);
  else out.long(END_CODE, 1);
  out.byte(0xff);
  return out.done();
}

function key(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
}

function findMatch(data: Uint8Array, at: number, seen: ReadonlyMap<number, number>): [number, number] {
  const from = seen.get(key(data, at));
  if (from === undefined || at - from > MAX_DISTANCE) return [0, 0];
  let length = 0;
  while (at + length < data.length && data[from + length] === data[at + length]) length++;
  return [at - from, length];
}

function writeMatch(
  out: NrvWriter,
  variant: "nrv2b" | "nrv2d" | "nrv2e",
  distance: number,
  length: number,
  isLast: boolean,
): void {
  const far = distance > (variant === "nrv2b" ? 0xd00 : 0x500) ? 2 : 1;
  const rest = length - far;
  if (variant === "nrv2b") {
    if (isLast) out.short(2);
    else {
      out.short(((distance - 1) >> 8) + 3);
      out.byte((distance - 1) & 0xff);
    }
    out.bit(rest < 4 ? rest >> 1 : 0);
    out.bit(rest < 4 ? rest & 1 : 0);
    if (rest >= 4) out.length(rest - 2);
    return;
  }
  // The first bit of the length stands in the distance's low bit, inverted.
  const first = variant === "nrv2d" ? (rest < 4 ? rest >> 1 : 0) : rest < 3 ? 1 : 0;
  if (isLast) {
    out.long(2, 1);
    out.bit(first);
  } else {
    const value = (distance - 1) * 2 + (first ^ 1);
    out.long((value >> 8) + 3, 1);
    out.byte(value & 0xff);
  }
  if (variant === "nrv2d") {
    out.bit(rest < 4 ? rest & 1 : 0);
    if (rest >= 4) out.length(rest - 2);
  } else if (first === 1) out.bit(rest - 1);
  else if (rest < 5) {
    out.bit(1);
    out.bit(rest - 3);
  } else {
    out.bit(0);
    out.length(rest - 3);
  }
}

/** Bits in little-endian words of 32, each word standing where its first bit is needed. */
class NrvWriter {
  readonly #bytes: number[] = [];
  #wordAt = 0;
  #word = 0;
  #left = 0;

  byte(value: number): void {
    this.#bytes.push(value);
  }

  bit(value: number): void {
    if (this.#left === 0) {
      this.#wordAt = this.#bytes.length;
      this.#bytes.push(0, 0, 0, 0);
      this.#word = 0;
      this.#left = 32;
    }
    this.#left--;
    this.#word = (this.#word | (value << this.#left)) >>> 0;
    if (this.#left === 0) this.#flush();
  }

  /** A number of at least 2: each bit behind the leading 1, then whether it was the last. */
  short(value: number): void {
    for (let bit = 30 - Math.clz32(value); bit >= 0; bit--) {
      this.bit((value >> bit) & 1);
      this.bit(bit === 0 ? 1 : 0);
    }
  }

  length(value: number): void {
    this.short(value);
  }

  /** The same for NRV2D and NRV2E: two bits to a step. */
  long(value: number, stop: 0 | 1): void {
    const before = value >> 1;
    if (before > 1) {
      this.long((before >> 1) + 1, 0);
      this.bit(before & 1);
    }
    this.bit(value & 1);
    this.bit(stop);
  }

  done(): Uint8Array {
    if (this.#left > 0) this.#flush();
    return Uint8Array.from(this.#bytes);
  }

  #flush(): void {
    for (let i = 0; i < 4; i++) this.#bytes[this.#wordAt + i] = (this.#word >>> (8 * i)) & 0xff;
  }
}

const LC = 3;
const LP = 0;
const PB = 2;

/** Literals only: every reader of LZMA takes it. */
function encodeLzma(data: Uint8Array): Uint8Array {
  const out: number[] = [((LC + LP) << 3) | PB, (LP << 4) | LC];
  const coder = new RangeWriter(out);
  const isMatch = new Uint16Array(1 << PB).fill(1024);
  const literals = new Uint16Array(0x300 << LC).fill(1024);
  data.forEach((byte, i) => {
    coder.bit(isMatch, i & ((1 << PB) - 1), 0);
    const model = 0x300 * ((data[i - 1] ?? 0) >> (8 - LC));
    let symbol = 1;
    for (let bit = 7; bit >= 0; bit--) {
      coder.bit(literals, model + symbol, (byte >> bit) & 1);
      symbol = (symbol << 1) | ((byte >> bit) & 1);
    }
  });
  coder.flush();
  return Uint8Array.from(out);
}

class RangeWriter {
  readonly #out: number[];
  #low = 0;
  #range = 0xffff_ffff;
  #cache = 0;
  #pending = 1;

  constructor(out: number[]) {
    this.#out = out;
  }

  bit(models: Uint16Array, index: number, value: number): void {
    const probability = models[index] as number;
    const bound = (this.#range >>> 11) * probability;
    if (value === 0) {
      this.#range = bound;
      models[index] = probability + ((2048 - probability) >> 5);
    } else {
      this.#low += bound;
      this.#range -= bound;
      models[index] = probability - (probability >> 5);
    }
    while (this.#range < 2 ** 24) {
      this.#range *= 256;
      this.#shift();
    }
  }

  flush(): void {
    for (let i = 0; i < 5; i++) this.#shift();
  }

  #shift(): void {
    if (this.#low < 0xff00_0000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      for (; this.#pending > 0; this.#pending--) {
        this.#out.push((this.#cache + carry) & 0xff);
        this.#cache = 0xff;
      }
      this.#cache = Math.floor(this.#low / 2 ** 24) & 0xff;
    }
    this.#pending++;
    this.#low = (this.#low % 2 ** 24) * 256;
  }
}
