/**
 * Decompression of deflate (RFC 1951), alone or in its gzip (RFC 1952) and zlib (RFC 1950) envelopes, with a limit on
 * what comes out. fflate does the work, a piece of the input at a time, so that a bomb costs what was allowed; where the
 * platform has an inflater of its own, that is asked first.
 */
import { Inflate } from "fflate";
import { concatBytes } from "../bytes/index.ts";

export type InflateKind = "gzip" | "zlib" | "deflate";

export interface Inflated {
  readonly bytes: Uint8Array;
  /** True when the limit stopped it: there is more. */
  readonly cut: boolean;
  /** Bytes of the input that the stream takes up, envelope and checksum included; to the cut when it was cut. */
  readonly used: number;
}

/** Input bytes given at once. Deflate makes at most 1032 bytes of one, so 8 MiB may stand over the limit for a moment. */
const PIECE = 8192;

/** A platform's own inflater of raw deflate. */
export interface NativeInflate {
  /**
   * The stream at the start of `body`: its content with the input bytes it took, "bad" when it is none or ends too soon,
   * "more" when over `limit` bytes come out.
   */
  whole(
    body: Uint8Array,
    limit: number,
  ): { readonly bytes: Uint8Array; readonly used: number } | "bad" | "more";
  /** What `body` gives, which may end in mid-stream; "bad" and "more" as above. */
  start(body: Uint8Array, limit: number): Uint8Array | "bad" | "more";
}

let native: NativeInflate | undefined;
/** Of a stream's start, when only that is wanted, no more than this comes out natively. */
const MAX_START = 0x10_0000;

/** Has the platform inflate. */
export function useNativeInflate(inflater: NativeInflate | undefined): void {
  native = inflater;
}

const GZIP_TRAILER = 8;
const ZLIB_TRAILER = 4;

/** fflate's own account of a stream: the last block was met (f), a block is under way (l), bits taken of `p`. */
interface StreamState {
  readonly s: { readonly f?: number; readonly l?: unknown; readonly p?: number };
  readonly p: Uint8Array;
}

/**
 * The content of the stream at the start of `input`, up to `limit` bytes; what follows the stream is left alone (a
 * second gzip member too). Checksums are not compared: loaders cut and patch them.
 * Undefined when the envelope or the data is not of this kind, or ends before the stream does.
 */
export function inflate(kind: InflateKind, input: Uint8Array, limit: number): Inflated | undefined {
  const start = kind === "deflate" ? 0 : kind === "gzip" ? gzipHeader(input) : zlibHeader(input);
  if (start === undefined) return undefined;
  const trailer = kind === "gzip" ? GZIP_TRAILER : kind === "zlib" ? ZLIB_TRAILER : 0;
  if (native !== undefined) {
    const made = native.whole(input.subarray(start), limit);
    if (made === "bad") return undefined;
    if (made !== "more")
      return { bytes: made.bytes, cut: false, used: Math.min(input.length, start + made.used + trailer) };
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Inflate((part) => {
    if (part.length === 0) return;
    parts.push(part);
    size += part.length;
  });
  const state = stream as unknown as StreamState;
  let at = start;
  while (at < input.length && size <= limit) {
    const piece = input.subarray(at, at + PIECE);
    if (!push(stream, piece)) return undefined;
    at += piece.length;
    if (isDone(state)) {
      const end = at - state.p.length + Math.ceil((state.s.p ?? 0) / 8);
      return result(parts, size, limit, Math.min(input.length, end + trailer));
    }
  }
  return size > limit ? result(parts, size, limit, at - state.p.length) : undefined;
}

/**
 * What the start of a stream gives, up to `limit` bytes, when `input` itself is only its start. Undefined when the
 * envelope or the data is not of this kind.
 */
export function inflateStart(kind: InflateKind, input: Uint8Array, limit: number): Uint8Array | undefined {
  const start = kind === "deflate" ? 0 : kind === "gzip" ? gzipHeader(input) : zlibHeader(input);
  if (start === undefined) return undefined;
  const piece = input.subarray(start, start + PIECE);
  const made = native?.start(piece, MAX_START) ?? "more";
  if (made === "bad") return undefined;
  if (made !== "more") return made.subarray(0, limit);
  const parts: Uint8Array[] = [];
  const stream = new Inflate((part) => parts.push(part));
  return push(stream, piece) ? concatBytes(...parts).subarray(0, limit) : undefined;
}

function result(parts: readonly Uint8Array[], size: number, limit: number, used: number): Inflated {
  const all = parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts);
  return { bytes: size > limit ? all.slice(0, limit) : all, cut: size > limit, used };
}

/** False when the data is not deflate: fflate then throws an error with a number for its code. */
function push(stream: Inflate, piece: Uint8Array): boolean {
  try {
    stream.push(piece);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "number") return false;
    throw error;
  }
}

function isDone({ s }: StreamState): boolean {
  return s.f === 1 && !s.l;
}

const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const FLAGS_RESERVED = 0xe0;

/** Longest file name or comment in a gzip header. */
const MAX_NAME = 4096;

/** Length of the gzip header (RFC 1952, 2.3). */
function gzipHeader(input: Uint8Array): number | undefined {
  if (input[0] !== 0x1f || input[1] !== 0x8b || input[2] !== 8) return undefined;
  const flags = input[3] ?? FLAGS_RESERVED;
  if ((flags & FLAGS_RESERVED) !== 0) return undefined;
  let at = 10;
  if (flags & FEXTRA) at += 2 + (input[at] ?? 0) + ((input[at + 1] ?? 0) << 8);
  for (const flag of [FNAME, FCOMMENT]) {
    if ((flags & flag) === 0) continue;
    const length = input.subarray(at, at + MAX_NAME).indexOf(0);
    if (length < 0) return undefined;
    at += length + 1;
  }
  if (flags & FHCRC) at += 2;
  return at;
}

/** Length of the zlib header (RFC 1950, 2.2); a preset dictionary is nothing that we could know. */
function zlibHeader(input: Uint8Array): number | undefined {
  const [cmf = 0, flg = 0] = input;
  const isZlib = (cmf & 15) === 8 && cmf >> 4 <= 7 && ((cmf << 8) | flg) % 31 === 0;
  return isZlib && (flg & 0x20) === 0 ? 2 : undefined;
}

/**
 * Whether a block of dynamic Huffman codes may start at `at`: HLIT and HDIST in range, and code lengths that use up their
 * code space, no more and no less (RFC 1951, 3.2.7). Ten bytes tell; of noise not one in a hundred passes.
 */
export function isDynamicBlock(bytes: Uint8Array, at: number): boolean {
  const bits = (from: number, count: number): number => {
    const two = (bytes[at + (from >> 3)] ?? 0) | ((bytes[at + (from >> 3) + 1] ?? 0) << 8);
    return (two >> (from & 7)) & ((1 << count) - 1);
  };
  if (bits(3, 5) > 29 || bits(8, 5) > 29) return false;
  const codes = bits(13, 4) + 4;
  let space = 0;
  for (let i = 0; i < codes; i++) {
    const length = bits(17 + 3 * i, 3);
    if (length > 0) space += 128 >> length;
  }
  return space === 128;
}
