import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, unhex } from "../bytes/index.ts";
import { decompressLzma, lzmaProperties } from "./lzma.ts";

/** `xz --format=lzma` (XZ Utils 5.4.1): properties 5D, dictionary, size unknown, then the stream with an end marker. */
const MARKED = "5d00008000ffffffffffffffff00309cecc27c666c531e076ce24ccf2eeea81d1edffc156400";

const bytes = (text: string) => unhex(text) as Uint8Array;
const stream = bytes(MARKED).subarray(13);
const text = "assay assay assay assay: abcabcabcabcabcabc\n";
const properties = { lc: 3, lp: 0, pb: 2 };

describe("LZMA", () => {
  it("reads the properties byte", () => {
    expect(lzmaProperties(0x5d)).toEqual({ lc: 3, lp: 0, pb: 2 });
    expect(lzmaProperties(224)).toEqual({ lc: 8, lp: 4, pb: 4 });
    expect(lzmaProperties(225)).toBeUndefined();
  });

  it("decompresses a stream with an end marker", () => {
    const out = decompressLzma(stream, properties, { limit: 1000 });
    expect(latin1(out?.bytes ?? new Uint8Array(0))).toBe(text);
    expect([out?.marked, out?.consumed]).toEqual([true, stream.length]);
  });

  it("stops at a size that is known, and refuses to pass its limit", () => {
    expect(decompressLzma(stream, properties, { size: 5, limit: 1000 })?.bytes).toEqual(latin1Bytes("assay"));
    expect(decompressLzma(stream, properties, { limit: text.length - 1 })).toBeUndefined();
    expect(decompressLzma(stream, properties, { size: 45, limit: 44 })).toBeUndefined();
  });

  it("decompresses the stream that UPX tests its own decompressor with", () => {
    // compress_lzma.cpp: 16 times FF; two bytes of properties stand before it.
    const out = decompressLzma(bytes("007fed3c000000"), { lc: 3, lp: 0, pb: 2 }, { size: 16, limit: 16 });
    expect(out?.bytes).toEqual(new Uint8Array(16).fill(0xff));
  });

  it("refuses what ends early or cannot start a stream", () => {
    for (let cut = 0; cut < stream.length; cut++)
      expect(decompressLzma(stream.subarray(0, cut), properties, { limit: 1000 })).toBeUndefined();
    expect(decompressLzma(Uint8Array.of(1, 0, 0, 0, 0, 0), properties, { limit: 10 })).toBeUndefined();
    expect(decompressLzma(stream, { lc: 9, lp: 0, pb: 0 }, { limit: 10 })).toBeUndefined();
  });
});
