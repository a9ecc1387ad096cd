import { toAplib, withAp32 } from "@assay/carriers/wrap";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, unhex } from "../bytes/index.ts";
import { aplibHeader, unpackAplib } from "./aplib.ts";

const bytes = (text: string): Uint8Array => unhex(text.replaceAll(" ", "")) ?? new Uint8Array(0);

describe("unpackAplib", () => {
  /** Written by hand from the format: tag bits, most significant first, are spelled out. */
  it.each([
    ["one literal, then the end: 110 00", "41 c0 00", "A"],
    ["literals: 0 0 110", "61 30 62 63 00", "abc"],
    ["a short match, distance 1, length 3: 110 03, 110 00", "61 d8 03 00", "aaaa"],
    ["a byte from two back: 0 111 0010 | 110", "61 72 62 c0 00", "aba"],
    ["a zero byte: 111 0000 1 | 10", "61 e1 80 00", "a\0"],
    ["a match by gamma codes, distance 3, length 6: 10 10 0100", "61 29 62 63 03 30 00", "abcabcabc"],
    ["the last distance again: 10 00 10", "61 29 62 63 03 11 78 60 00", "abcabcabcxbcx"],
  ])("%s", (_, packed, plain) => {
    const made = unpackAplib(bytes(packed), 100);
    expect(made && latin1(made.bytes)).toBe(plain);
  });

  it("gives back what literals hold, with and without the AP32 header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (plain) => {
        const packed = toAplib(plain);
        expect(unpackAplib(packed, 1000)).toEqual({ bytes: plain, cut: false, used: packed.length });
        expect(unpackAplib(withAp32(packed, plain.length), 1000)?.bytes).toEqual(plain);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("stops at the limit", () => {
    expect(unpackAplib(toAplib(new Uint8Array(100).fill(7)), 10)).toMatchObject({
      cut: true,
      bytes: { length: 10 },
    });
  });

  it("refuses what ends early, and reaches before the start", () => {
    expect(unpackAplib(bytes("61 30 62"), 100)).toBeUndefined();
    expect(unpackAplib(bytes("61 c0 06"), 100)).toBeUndefined();
    expect(unpackAplib(new Uint8Array(0), 100)).toBeUndefined();
  });

  it("never throws and keeps to its limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(500), (input, limit) => {
        return (unpackAplib(input, limit)?.bytes.length ?? 0) <= limit;
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe("aplibHeader", () => {
  it("reads sizes", () => {
    expect(aplibHeader(withAp32(bytes("41c000"), 1))).toEqual({
      headerSize: 24,
      packedSize: 3,
      originalSize: 1,
    });
    expect(aplibHeader(bytes("4150333218"))).toBeUndefined();
  });
});
