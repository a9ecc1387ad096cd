import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { inflate, inflateStart, useNativeInflate } from "@assay/core/codecs/inflate";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { nativeInflate } from "./native-inflate.ts";

const LIMIT = 0x10_0000;
const ENVELOPES = { deflate: deflateRawSync, zlib: deflateSync, gzip: gzipSync } as const;

afterEach(() => useNativeInflate(undefined));

/** The same call with core's own inflater and with Node's. */
function both(kind: keyof typeof ENVELOPES, input: Uint8Array, limit = LIMIT) {
  useNativeInflate(undefined);
  const own = inflate(kind, input, limit);
  useNativeInflate(nativeInflate);
  return { own, native: inflate(kind, input, limit) };
}

describe("Node's inflater in place of core's", () => {
  it("gives the same bytes and the same end, with anything behind the stream", () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc.array(fc.constantFrom(65, 66), { maxLength: 100_000 }).map((list) => Uint8Array.from(list)),
    );
    const level = fc.constantFrom(0, 1, 6, 9);
    const kind = fc.constantFrom("deflate", "zlib", "gzip");
    fc.assert(
      fc.property(kind, content, level, fc.uint8Array({ maxLength: 40 }), (which, plain, effort, rest) => {
        const stream = ENVELOPES[which](plain, { level: effort });
        const { own, native } = both(which, Uint8Array.from([...stream, ...rest]));
        expect(native).toEqual(own);
        expect(native?.used).toBe(stream.length);
        expect(native?.bytes).toEqual(plain);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("refuses a stream that ends too soon or is none, as core's does", () => {
    const stream = gzipSync(Uint8Array.from({ length: 20_000 }, (_, i) => (i * i) >> 3));
    expect(both("gzip", stream.subarray(0, stream.length - 40))).toEqual({
      own: undefined,
      native: undefined,
    });
    expect(both("deflate", Uint8Array.of(6, 1, 2, 3))).toEqual({ own: undefined, native: undefined });
  });

  it("looks at the start of a stream as core does", () => {
    const stream = gzipSync(Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 5));
    useNativeInflate(undefined);
    const own = inflateStart("gzip", stream, 4096);
    useNativeInflate(nativeInflate);
    expect(inflateStart("gzip", stream, 4096)).toEqual(own);
    expect(inflateStart("gzip", stream.subarray(0, 300), 64)?.length).toBe(64);
    expect(inflateStart("deflate", Uint8Array.of(6, 1, 2, 3), 64)).toBeUndefined();
  });

  it("cuts off at the limit where core's does", () => {
    const { own, native } = both("zlib", deflateSync(new Uint8Array(LIMIT + 1)));
    expect(own?.cut).toBe(true);
    expect(native?.cut).toBe(true);
    expect(native?.bytes.length).toBe(own?.bytes.length);
    expect(both("zlib", deflateSync(new Uint8Array(LIMIT))).native?.cut).toBe(false);
  });
});
