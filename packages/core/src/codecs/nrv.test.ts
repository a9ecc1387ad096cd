import { encodeUpx } from "@assay/carriers/upx-encode";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unhex } from "../bytes/index.ts";
import { decompressNrv2b } from "./nrv2b.ts";
import { decompressNrv2d } from "./nrv2d.ts";
import { decompressNrv2e } from "./nrv2e.ts";

/** The streams that UPX tests its own decompressors with (compress_ucl.cpp): 16 times FF, bits in bytes. */
const VARIANTS = [
  { name: "nrv2b", decompress: decompressNrv2b, stream: "92ff10000000000048ff" },
  { name: "nrv2d", decompress: decompressNrv2d, stream: "92ff1092492492a0ff" },
  { name: "nrv2e", decompress: decompressNrv2e, stream: "90ffb092492492a0ff" },
] as const;

describe.each(VARIANTS)("$name", ({ name, decompress, stream }) => {
  const bytes = unhex(stream) as Uint8Array;

  it("decompresses UPX's own test stream", () => {
    const output = decompress(bytes, { width: 8, limit: 16 });
    expect(output).toEqual({ bytes: new Uint8Array(16).fill(0xff), consumed: bytes.length });
  });

  it("refuses a stream that ends early or makes more than its limit", () => {
    for (let cut = 0; cut < bytes.length; cut++)
      expect(decompress(bytes.subarray(0, cut), { width: 8, limit: 16 })).toBeUndefined();
    expect(decompress(bytes, { width: 8, limit: 15 })).toBeUndefined();
    expect(decompress(bytes, { width: 8, limit: 0 })).toBeUndefined();
  });

  it("gives back what was compressed: literals, short and long matches, near and far", () => {
    const piece = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const repeated = fc.tuple(piece, fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(fc.array(repeated, { maxLength: 12 }), fc.nat(6000), (parts, gap) => {
        const runs = parts.flatMap(([bytes, times]) =>
          Array.from({ length: times }, () => [...bytes]).flat(),
        );
        const data = Uint8Array.from([...runs, ...new Array<number>(gap).fill(1), ...runs]);
        const packed = encodeUpx(data, name);
        const output = decompress(packed, { limit: data.length });
        expect(output?.consumed).toBe(packed.length);
        expect(Buffer.compare(output?.bytes ?? new Uint8Array(0), data)).toBe(0);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it("never throws and never passes its limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(8, 16, 32), (data, width) => {
        const output = decompress(data, { width: width as 8, limit: 5000 });
        expect(output?.bytes.length ?? 0).toBeLessThanOrEqual(5000);
      }),
      { numRuns: 500, seed: 6 },
    );
  });
});
