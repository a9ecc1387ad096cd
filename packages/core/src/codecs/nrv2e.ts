import { longDistanceCode, type NrvOptions, type NrvOutput, NrvStream } from "./nrv.ts";

/** Distances beyond this make a match one byte longer. */
const FAR = 0x500;

/** Decompresses NRV2E; undefined when the stream is damaged, ends early or passes the limit. */
export function decompressNrv2e(input: Uint8Array, options: NrvOptions): NrvOutput | undefined {
  const stream = new NrvStream(input, options);
  let last = 1;
  while (!stream.failed) {
    stream.literals();
    const code = longDistanceCode(stream);
    let isShort: number;
    if (code === 2) isShort = stream.bit();
    else {
      const distance = stream.distance(code);
      if (distance < 0) break;
      // The distance's low bit, inverted, says whether the length is 1 or 2.
      isShort = (distance & 1) ^ 1;
      last = (distance >>> 1) + 1;
    }
    let length: number;
    if (isShort === 1) length = 1 + stream.bit();
    else if (stream.bit() === 1) length = 3 + stream.bit();
    else length = stream.longLength() + 3;
    if (stream.failed) break;
    stream.copy(last, length + (last > FAR ? 2 : 1));
  }
  return stream.done();
}
