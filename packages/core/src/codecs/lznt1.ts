/** LZNT1 ([MS-XCA] 2.5), as RtlDecompressBuffer takes it: chunks of up to 4096 bytes, each on its own. */
import { Output, type Unpacked } from "./output.ts";

const CHUNK = 0x1000;
const COMPRESSED = 0x8000;
const SIGNATURE = 0x3000;

/**
 * Decompresses chunks until a zero header, what is no chunk header, or the end of `input`; up to `limit` bytes.
 * Undefined when the first chunk is none, or a chunk's data refers before its start. What ends within a chunk gives
 * what came before it.
 */
export function unpackLznt1(input: Uint8Array, limit: number): Unpacked | undefined {
  const out = new Output(limit, input.length * 2);
  let at = 0;
  while (at + 2 <= input.length) {
    const header = (input[at] as number) | ((input[at + 1] as number) << 8);
    if ((header & 0x7000) !== SIGNATURE) break;
    const end = at + 2 + (header & 0xfff) + 1;
    if (end > input.length) break;
    const fits =
      (header & COMPRESSED) === 0
        ? store(out, input.subarray(at + 2, end))
        : unpackChunk(out, input, at + 2, end);
    if (fits === undefined) return undefined;
    at = end;
    if (!fits) return { bytes: out.done(), cut: true, used: at };
  }
  return at === 0 ? undefined : { bytes: out.done(), cut: false, used: at };
}

function store(out: Output, bytes: Uint8Array): boolean {
  const fits = bytes.subarray(0, out.limit - out.size);
  out.reserve(fits.length);
  out.bytes.set(fits, out.size);
  out.size += fits.length;
  return fits.length === bytes.length;
}

/** False when the limit stops it, undefined when the data is not LZNT1. */
function unpackChunk(out: Output, input: Uint8Array, from: number, end: number): boolean | undefined {
  const start = out.size;
  let at = from;
  while (at < end) {
    let flags = input[at++] as number;
    for (let n = 0; n < 8 && at < end; n++, flags >>= 1) {
      if ((flags & 1) === 0) {
        if (!out.reserve(1)) return false;
        out.bytes[out.size++] = input[at++] as number;
      } else {
        if (at + 2 > end) return undefined;
        const token = (input[at] as number) | ((input[at + 1] as number) << 8);
        at += 2;
        // The more of the chunk is out, the more of the token is distance.
        const done = out.size - start;
        let lengthBits = 12;
        for (let reach = 16; reach < done; reach *= 2) lengthBits--;
        const distance = (token >> lengthBits) + 1;
        const length = (token & ((1 << lengthBits) - 1)) + 3;
        if (distance > done) return undefined;
        if (!out.copy(distance, length)) return false;
      }
      if (out.size - start > CHUNK) return undefined;
    }
  }
  return true;
}
