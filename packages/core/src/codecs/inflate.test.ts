import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, latin1Bytes, unhex } from "../bytes/index.ts";
import { type InflateKind, inflate } from "./inflate.ts";

const PACK = { gzip: gzipSync, zlib: deflateSync, deflate: deflateRawSync } as const;
const KINDS: readonly InflateKind[] = ["gzip", "zlib", "deflate"];
const MANY = 1 << 24;

/** Bytes that compress neither well nor badly. */
function mixed(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i % 7 === 0 ? (i * 2654435761) >>> 24 : i & 15));
}

describe.each(KINDS)("inflate, %s", (kind) => {
  it("gives back what zlib packed, at every size and level", () => {
    for (const size of [0, 1, 100, 8191, 8192, 8193, 70_000, 300_000]) {
      for (const level of [0, 1, 9]) {
        const plain = mixed(size);
        const packed = new Uint8Array(PACK[kind](plain, { level }));
        const got = inflate(kind, packed, MANY);
        expect(got !== undefined && equalBytes(got.bytes, plain)).toBe(true);
        expect(got).toMatchObject({ cut: false, used: packed.length });
      }
    }
  });

  it("says how far the stream goes when something follows", () => {
    for (const size of [10, 50_000]) {
      const packed = PACK[kind](mixed(size));
      const got = inflate(kind, concatBytes(packed, mixed(20_000)), MANY);
      expect(got).toMatchObject({ cut: false, used: packed.length });
      expect(got?.bytes.length).toBe(size);
    }
  });

  it("stops at the limit, and says so", () => {
    const packed = PACK[kind](new Uint8Array(50_000_000));
    const got = inflate(kind, packed, 1_000_000);
    expect(got).toMatchObject({ cut: true });
    expect(got?.bytes.length).toBe(1_000_000);
    expect(got?.used).toBeLessThan(packed.length);
  });

  it("does not call a stream cut that ends at the limit", () => {
    expect(inflate(kind, PACK[kind](mixed(5000)), 5000)?.cut).toBe(false);
  });

  it("refuses a stream that breaks off", () => {
    const packed = PACK[kind](mixed(50_000));
    expect(inflate(kind, packed.subarray(0, packed.length >> 1), MANY)).toBeUndefined();
  });

  it("throws on no input", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(400),
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        (noise, at, patch) => {
          inflate(kind, noise, 10_000);
          const packed = new Uint8Array(PACK[kind](mixed(600)));
          packed.set(patch.subarray(0, Math.max(0, packed.length - at)), Math.min(at, packed.length));
          inflate(kind, packed, 10_000);
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe("inflate", () => {
  it("reads the gzip that RFC 1952's optional fields make", () => {
    const body = deflateRawSync(latin1Bytes("hello"));
    const header = [0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 0];
    const optional = concatBytes(
      Uint8Array.of(3, 0, 1, 2, 3),
      latin1Bytes("name\0comment\0"),
      new Uint8Array(2),
    );
    const got = inflate("gzip", concatBytes(Uint8Array.from(header), optional, body), MANY);
    expect(got?.bytes).toEqual(latin1Bytes("hello"));
  });

  it("refuses a header of another kind", () => {
    const gzip = gzipSync(mixed(100));
    expect(inflate("zlib", gzip, MANY)).toBeUndefined();
    expect(inflate("gzip", deflateSync(mixed(100)), MANY)).toBeUndefined();
    expect(inflate("deflate", unhex("ffffffff") ?? new Uint8Array(), MANY)).toBeUndefined();
    expect(inflate("deflate", new Uint8Array(), MANY)).toBeUndefined();
  });
});
