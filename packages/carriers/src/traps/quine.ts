/**
 * Archives whose one member is the archive itself, byte for byte: whoever unpacks until nothing is left never ends.
 *
 * The technique is Russ Cox's ("Zip Files All The Way Down", research.swtch.com/zip, 2010): a deflate stream is a program
 * of two instructions, Lk (print the k units that follow) and Rk (print the last k units printed again), and there is a
 * program of them that prints itself between any prefix and any suffix. A unit is the five bytes of a stored block's
 * header; so every instruction before the last has to take five bytes, on byte borders. The checksum inside the file, of
 * the file, comes out of a linear equation: CRC-32 is affine over GF(2) in the bits of its input.
 */
import { crc32 } from "node:zlib";
import { directory, localHeader, type ZipMember } from "./zip-writer.ts";

/** Bytes of a unit. */
const UNIT = 5;
/** Longest match of deflate. */
const MAX_MATCH = 258;

interface Code {
  readonly value: number;
  readonly bits: number;
}

/** RFC 1951, 3.2.5: lengths 3 to 258 from code 257, distances from code 0, both in steps that double. */
function stepped(value: number, first: number, group: number): { code: number; extra: Code } {
  let code = 0;
  let base = first;
  for (;;) {
    const bits = Math.max(0, Math.floor(code / group) - 1);
    if (value < base + (1 << bits)) return { code, extra: { value: value - base, bits } };
    base += 1 << bits;
    code++;
  }
}

/** The fixed Huffman code of a literal or length symbol (RFC 1951, 3.2.6). */
function symbol(value: number): Code {
  if (value < 144) return { value: 0x30 + value, bits: 8 };
  if (value < 256) return { value: 0x190 + value - 144, bits: 9 };
  return value < 280 ? { value: value - 256, bits: 7 } : { value: 0xc0 + value - 280, bits: 8 };
}

/** Bits of a block: Huffman codes go in from their highest bit, all else from the lowest. */
class Bits {
  readonly #bits: number[] = [];

  get length(): number {
    return this.#bits.length;
  }

  low({ value, bits }: Code): this {
    for (let i = 0; i < bits; i++) this.#bits.push((value >> i) & 1);
    return this;
  }

  high({ value, bits }: Code): this {
    for (let i = bits - 1; i >= 0; i--) this.#bits.push((value >> i) & 1);
    return this;
  }

  match(length: number, distance: number): this {
    const { code, extra } = length === MAX_MATCH ? LONGEST : stepped(length, 3, 4);
    const back = stepped(distance, 1, 2);
    return this.high(symbol(257 + code))
      .low(extra)
      .high({ value: back.code, bits: 5 })
      .low(back.extra);
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => {
      out[i >> 3] = (out[i >> 3] ?? 0) | (bit << (i & 7));
    });
    return out;
  }
}

const LONGEST = { code: 28, extra: { value: 0, bits: 0 } };

/** L: a stored block of `length` bytes. */
function print(length: number): Uint8Array {
  return Uint8Array.of(0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff);
}

/** A block with fixed codes: `literals`, then a match for each of `lengths`. */
function block(last: boolean, literals: Uint8Array, lengths: readonly number[], distance: number): Bits {
  const bits = new Bits().low({ value: last ? 3 : 2, bits: 3 });
  for (const literal of literals) bits.high(symbol(literal));
  for (const length of lengths) bits.match(length, distance);
  return bits.high(symbol(256));
}

/**
 * R in exactly a unit: the last `length` bytes again. What begins them may be spelled out, and the match parted in two,
 * until the bits come out even; RangeError where they never do.
 */
function repeat(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  for (let literals = 0; literals <= 2; literals++) {
    const rest = length - literals;
    for (let first = rest; first >= 3; first--) {
      const lengths = first === rest ? [rest] : [first, rest - first];
      if (lengths.some((one) => one < 3 || one > MAX_MATCH)) continue;
      const bits = block(false, bytes.subarray(0, literals), lengths, length);
      if (bits.length === UNIT * 8) return bits.bytes();
    }
  }
  throw new RangeError(`no instruction of ${UNIT} bytes repeats ${length}`);
}

/** A deflate stream that prints `prefix`, itself and `suffix`. */
function selfPrinting(prefix: Uint8Array, suffix: Uint8Array): Uint8Array {
  const none = print(0);
  const one = print(UNIT);
  const four = print(4 * UNIT);
  const head = Buffer.concat([prefix, print(prefix.length + UNIT)]);
  const again = repeat(head);
  const four4 = repeat(Buffer.concat([none, none, none, none]));
  // Ends the stream; its own size is part of what it repeats.
  const end = (size: number): Uint8Array => {
    const length = size + suffix.length;
    return block(true, new Uint8Array(0), [length], length).bytes();
  };
  const size = [4, 5].find((candidate) => end(candidate).length === candidate);
  if (size === undefined) throw new RangeError("no ending of its own size");
  const tail = Buffer.concat([end(size), suffix]);
  const printTail = print(tail.length);
  return Buffer.concat([
    ...[print(head.length), head, again],
    ...[one, again, one, one],
    ...[four, again, one, one, four, four4],
    ...[four, four4, four, four4, four, four4],
    ...[four, four4, none, none, printTail, four4],
    ...[none, none, printTail, tail, end(size)],
  ]);
}

/** `make(crc)` for the `crc` that its own bytes have; undefined when there is none. */
function sealed(make: (crc: number) => Uint8Array): Uint8Array | undefined {
  const base = crc32(make(0));
  // Rows of (A + 1) c = b.
  const columns = Array.from({ length: 32 }, (_, i) => (crc32(make((1 << i) >>> 0)) ^ base ^ (1 << i)) >>> 0);
  const rows = Array.from({ length: 32 }, (_, bit) => ({
    left: columns.reduce((row, column, i) => row | (((column >>> bit) & 1) << i), 0),
    right: (base >>> bit) & 1,
  }));
  let crc = 0;
  const pivots: { row: { left: number; right: number }; column: number }[] = [];
  for (let column = 0; column < 32; column++) {
    const at = rows.findIndex((row) => ((row.left >>> column) & 1) === 1);
    if (at < 0) continue;
    const [pivot] = rows.splice(at, 1);
    if (pivot === undefined) continue;
    for (const row of [...rows, ...pivots.map((one) => one.row)])
      if (((row.left >>> column) & 1) === 1) {
        row.left ^= pivot.left;
        row.right ^= pivot.right;
      }
    pivots.push({ row: pivot, column });
  }
  for (const { row, column } of pivots) if (row.right === 1) crc |= 1 << column;
  const bytes = make(crc >>> 0);
  return crc32(bytes) === crc >>> 0 ? bytes : undefined;
}

/** Length of the name, for which the instruction that repeats the local header comes out even. */
const ZIP_NAME = 81;
/** Names tried: some lead to an equation without a solution. */
const TRIES = 64;

/** A zip of some 600 bytes that holds one member: itself. */
export function zipQuine(): Uint8Array {
  for (let turn = 0; turn < TRIES; turn++) {
    const name = `${`${turn}`.padStart(ZIP_NAME - 4, "q")}.zip`;
    const bytes = sealed((crc) => {
      // Sizes are known once all has its place; the instructions' own does not hang on them.
      const parts = (packed: number, size: number): readonly [Uint8Array, Uint8Array] => {
        const member: ZipMember = { name, method: 8, crc, size, packed: new Uint8Array(packed) };
        const header = localHeader(member);
        return [header, directory([member], [0], header.length + packed)];
      };
      const [header, end] = parts(0, 0);
      const packed = selfPrinting(header, end).length;
      const [prefix, suffix] = parts(packed, header.length + packed + end.length);
      return Buffer.concat([prefix, selfPrinting(prefix, suffix), suffix]);
    });
    if (bytes !== undefined) return new Uint8Array(bytes);
  }
  throw new RangeError("no name leads to a zip that holds itself");
}

/** A gzip stream that unpacks to itself. */
export function gzipQuine(): Uint8Array {
  for (let turn = 0; turn < TRIES; turn++) {
    const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
    const prefix = Buffer.concat([header, Buffer.from(`${`${turn}`.padStart(4, "q")}\0`)]);
    const trailer = (crc: number, size: number): Buffer => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(crc, 0);
      bytes.writeUInt32LE(size, 4);
      return bytes;
    };
    const bytes = sealed((crc) => {
      const packed = selfPrinting(prefix, trailer(crc, 0)).length;
      const suffix = trailer(crc, prefix.length + packed + 8);
      return Buffer.concat([prefix, selfPrinting(prefix, suffix), suffix]);
    });
    if (bytes !== undefined) return new Uint8Array(bytes);
  }
  throw new RangeError("no name leads to a stream that holds itself");
}
