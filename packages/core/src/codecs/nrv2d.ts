import { longDistanceCode, type NrvOptions, type NrvOutput, NrvStream } from "./nrv.ts";

/** Distances beyond this make a match one byte longer. */
const FAR = 0x500;

/** Decompresses NRV2D; undefined when the stream is damaged, ends early or passes the limit. */
export function decompressNrv2d(input: Uint8Array, options: NrvOptions): NrvOutput | undefined {
  const stream = new NrvStream(input, options);
  let last = 1;
  while (!stream.failed) {
    stream.literals();
    const code = longDistanceCode(stream);
    let length: number;
    if (code === 2) length = stream.bit();
    else {
      const distance = stream.distance(code);
      if (distance < 0) break;
      // The distance's low bit, inverted, is the length's first.
      length = (distance & 1) ^ 1;
      last = (distance >>> 1) + 1;
    }
    length = length * 2 + stream.bit();
    if (length === 0) length = stream.longLength() + 2;
    if (stream.failed) break;
    stream.copy(last, length + (last > FAR ? 2 : 1));
  }
  return stream.done();
}
