import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, unhex } from "../bytes/index.ts";
import { lzmaHeader, lzmaProperties, unpackLzma, unpackLzmaFile } from "./lzma.ts";

const bytes = (text: string): Uint8Array => unhex(text) ?? new Uint8Array(0);

/** Made with `xz --format=lzma` 5.4. */
const FILE = bytes(
  "5d00008000ffffffffffffffff00309cecc27c666c5486b86e6df2d9c233709f8e16c450bc4ea92bd1b2c6e4a7f385ffff969e0000",
);
const PLAIN = "assay assay assay assay reads, it never runs\n";

describe("unpackLzmaFile", () => {
  it("decompresses what xz wrote, up to its end mark", () => {
    const made = unpackLzmaFile(FILE, 1000);
    expect(made && latin1(made.bytes)).toBe(PLAIN);
    expect(made).toMatchObject({ cut: false, used: FILE.length });
  });

  it("takes a size in the header instead", () => {
    const sized = Uint8Array.from(FILE);
    sized.set([10, 0, 0, 0, 0, 0, 0, 0], 5);
    expect(latin1(unpackLzmaFile(sized, 1000)?.bytes ?? FILE)).toBe(PLAIN.slice(0, 10));
  });

  it("stops at the limit", () => {
    expect(unpackLzmaFile(FILE, 8)).toMatchObject({ cut: true, bytes: latin1Bytes(PLAIN.slice(0, 8)) });
  });

  it("refuses what ends early", () => {
    expect(unpackLzmaFile(FILE.subarray(0, FILE.length - 6), 1000)).toBeUndefined();
    expect(unpackLzmaFile(FILE.subarray(0, 10), 1000)).toBeUndefined();
  });

  it("never throws and keeps to its limit", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(224),
        fc.nat(2000),
        (input, properties, limit) => {
          const stream = Uint8Array.of(0, ...input);
          const known = lzmaProperties(properties);
          if (known === undefined) return false;
          return (unpackLzma(stream, known, undefined, limit)?.bytes.length ?? 0) <= limit;
        },
      ),
      { seed: 2, numRuns: 300 },
    );
  });
});

describe("lzmaHeader", () => {
  it("reads properties, dictionary and size", () => {
    expect(lzmaHeader(FILE)).toMatchObject({ lc: 3, lp: 0, pb: 2, size: undefined });
    expect(lzmaProperties(225)).toBeUndefined();
  });
});

describe.skipIf(spawnSync("xz", ["--version"]).error !== undefined)("against xz", () => {
  it.each([[["-0"]], [["--lzma1=lc=0,lp=3,pb=1"]], [["--lzma1=lc=4,lp=0,pb=4"]], [["-9e"]]])(
    "%j",
    (options) => {
      const plain = Uint8Array.from({ length: 60_000 }, (_, i) => (i % 7 === 0 ? i >> 3 : (i * i) >> 9));
      const packed = new Uint8Array(
        execFileSync("xz", ["--format=lzma", "-c", ...options], { input: plain }),
      );
      expect(unpackLzmaFile(packed, 100_000)?.bytes).toEqual(plain);
    },
  );
});
