import { type NrvOptions, type NrvOutput, NrvStream, shortDistanceCode } from "./nrv.ts";

/** Distances beyond this make a match one byte longer. */
const FAR = 0xd00;

/** Decompresses NRV2B; undefined when the stream is damaged, ends early or passes the limit. */
export function decompressNrv2b(input: Uint8Array, options: NrvOptions): NrvOutput | undefined {
  const stream = new NrvStream(input, options);
  let last = 1;
  while (!stream.failed) {
    stream.literals();
    const code = shortDistanceCode(stream);
    if (code !== 2) {
      const distance = stream.distance(code);
      if (distance < 0) break;
      last = distance + 1;
    }
    let length = stream.bit() * 2;
    length += stream.bit();
    if (length === 0) length = stream.longLength() + 2;
    if (stream.failed) break;
    stream.copy(last, length + (last > FAR ? 2 : 1));
  }
  return stream.done();
}
