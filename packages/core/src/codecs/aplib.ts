/**
 * aPLib by Jørgen Ibsen: the stream, alone or behind its `AP32` header (aPLib's documentation, "Safe decompression").
 * Bits come most significant first out of tag bytes that stand between the data bytes.
 */
import { Output, type Unpacked } from "./output.ts";

/** Distances from which on, and below which, a match is longer than its coded length. */
const FAR = 32_000;
const MIDDLE = 1280;
const NEAR = 128;
/** A gamma code never has more pairs of bits than this in what the packer writes: 2^31 is beyond any length. */
const MAX_GAMMA_BITS = 31;

export interface AplibHeader {
  /** Where the stream starts. */
  readonly headerSize: number;
  readonly packedSize: number;
  readonly originalSize: number;
}

/** `AP32`: tag, header size, packed size, packed CRC, original size, original CRC; 32 bits each. */
export function aplibHeader(input: Uint8Array): AplibHeader | undefined {
  if (input.length < 24) return undefined;
  if (input[0] !== 0x41 || input[1] !== 0x50 || input[2] !== 0x33 || input[3] !== 0x32) return undefined;
  const u32 = (at: number): number =>
    ((input[at] as number) |
      ((input[at + 1] as number) << 8) |
      ((input[at + 2] as number) << 16) |
      ((input[at + 3] as number) << 24)) >>>
    0;
  const headerSize = u32(4);
  if (headerSize < 24 || headerSize > 256 || headerSize > input.length) return undefined;
  return { headerSize, packedSize: u32(8), originalSize: u32(16) };
}

/**
 * Decompresses the stream at the start of `input` (behind the `AP32` header, when there is one), up to `limit` bytes.
 * Undefined when a match reaches before the output's start or the input ends before the stream's end mark.
 */
export function unpackAplib(input: Uint8Array, limit: number): Unpacked | undefined {
  const header = aplibHeader(input);
  let at = header?.headerSize ?? 0;
  if (at >= input.length || limit < 1) return undefined;
  const out = new Output(limit, header?.originalSize);
  out.reserve(1);
  out.bytes[out.size++] = input[at++] as number;

  let tag = 0;
  let left = 0;
  let isShort = false; // the input ended
  const bit = (): number => {
    if (left === 0) {
      isShort ||= at >= input.length;
      tag = input[at++] ?? 0;
      left = 8;
    }
    left--;
    return (tag >> left) & 1;
  };
  const gamma = (): number => {
    let value = 1;
    for (let i = 0; i < MAX_GAMMA_BITS && !isShort; i++) {
      value = value * 2 + bit();
      if (bit() === 0) return value;
    }
    isShort = true;
    return 0;
  };

  let last = 0;
  let wasMatch = false;
  while (!isShort) {
    if (bit() === 0) {
      if (at >= input.length) return undefined;
      if (!out.reserve(1)) return { bytes: out.done(), cut: true, used: at };
      out.bytes[out.size++] = input[at++] as number;
      wasMatch = false;
      continue;
    }
    let distance: number;
    let length: number;
    const isLong = bit() === 0;
    if (isLong) {
      const high = gamma();
      if (!wasMatch && high === 2) {
        distance = last;
        length = gamma();
      } else {
        if (at >= input.length) return undefined;
        distance = (high - (wasMatch ? 2 : 3)) * 256 + (input[at++] as number);
        length = gamma();
        if (distance >= FAR) length++;
        if (distance >= MIDDLE) length++;
        if (distance < NEAR) length += 2;
        last = distance;
      }
      wasMatch = true;
    } else if (bit() === 0) {
      if (at >= input.length) return undefined;
      const byte = input[at++] as number;
      distance = byte >> 1;
      length = 2 + (byte & 1);
      if (distance === 0) return { bytes: out.done(), cut: false, used: at };
      last = distance;
      wasMatch = true;
    } else {
      distance = bit() * 8 + bit() * 4 + bit() * 2 + bit();
      length = 1;
      wasMatch = false;
      if (distance === 0) {
        if (!out.reserve(1)) return { bytes: out.done(), cut: true, used: at };
        out.bytes[out.size++] = 0;
        continue;
      }
    }
    if (isShort || distance < 1 || distance > out.size) return undefined;
    if (!out.copy(distance, length)) return { bytes: out.done(), cut: true, used: at };
  }
  return undefined;
}
