import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cString,
  cString16,
  hex,
  isPrintableAscii,
  latin1,
  latin1Bytes,
  unhex,
  utf8,
  utf8Bytes,
  utf16le,
  utf16leBytes,
} from "./text.ts";
import { View } from "./view.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const decodeStrictly = (bytes: Uint8Array) => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

describe("text", () => {
  it("reads UTF-8 exactly where the platform's strict decoder does", () => {
    // Bytes around every border of RFC 3629's table, so that near misses are common.
    const edgy = fc.constantFrom(
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const text = fc.string({ unit: "binary" }).map(utf8Bytes);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(edgy, { maxLength: 6 }).map((b) => Uint8Array.from(b)),
          text,
        ),
        (bytes) => {
          expect(utf8(bytes)).toBe(decodeStrictly(bytes));
        },
      ),
      { seed: 11, numRuns: 3000 },
    );
  });

  it("refuses overlong forms, surrogates, code points beyond Unicode and cut sequences", () => {
    for (const bad of ["c080", "e08080", "f0808080", "eda080", "f4908080", "80", "c2", "e282", "f09f98"])
      expect(utf8(unhex(bad) as Uint8Array), bad).toBeUndefined();
    expect(utf8(unhex("f09f9880") as Uint8Array)).toBe("😀");
  });

  it("writes UTF-8 as the platform does, lone surrogates as U+FFFD", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "a\udc00b", "\udc00\ud800")),
        (text) => {
          expect(utf8Bytes(text)).toEqual(Uint8Array.from(Buffer.from(text)));
        },
      ),
      { seed: 12, numRuns: 300 },
    );
  });

  it("reads and writes UTF-16LE and Latin-1 without loss, also beyond one chunk", () => {
    const unit = fc.nat({ max: 0xffff }).map((n) => String.fromCharCode(n));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        expect(utf16leBytes(text)).toEqual(Uint8Array.from(Buffer.from(text, "utf16le")));
        expect(utf16le(utf16leBytes(text))).toBe(text);
      }),
      { seed: 13, numRuns: 300 },
    );
    const long = "0123456789abcdé".repeat(3000);
    expect(utf16le(utf16leBytes(long))).toBe(long);
    expect(latin1(latin1Bytes(long))).toBe(long);
  });

  it("drops an odd last byte of UTF-16LE", () => {
    expect(utf16le(Uint8Array.of(0x41, 0, 0x42))).toBe("A");
  });

  it("reads NUL-terminated strings with their place, and none without an end", () => {
    const view = new View(latin1Bytes("..host\0rest"), 3, 100);
    expect(cString(view, 2)).toEqual({ value: "host", at: [{ artifact: 3, offset: 102, length: 4 }] });
    expect(cString(view, 6)?.value).toBe("");
    expect(cString(view, 7)).toBeUndefined();
    expect(cString(view, 2, 3)).toBeUndefined();
    for (const outside of [-1, 11, 1e9]) expect(cString(view, outside)).toBeUndefined();

    const wide = new View(Uint8Array.from([9, ...utf16leBytes("C2\0x")]), 1, 50);
    expect(cString16(wide, 1)).toEqual({ value: "C2", at: [{ artifact: 1, offset: 51, length: 4 }] });
    expect(cString16(wide, 7)).toBeUndefined();
    expect(cString16(wide, 1, 1)).toBeUndefined();
    expect(cString16(wide, -1)).toBeUndefined();
  });

  it("looks no further for an end than its limit", () => {
    const view = new View(Uint8Array.from({ length: 5000 }, (_, i) => (i === 4097 ? 0 : 0x41)));
    expect(cString(view, 0)).toBeUndefined();
    expect(cString(view, 1)?.value.length).toBe(4096);
  });

  it("reads back its own hex, of either case, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(hex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(unhex(hex(bytes))).toEqual(bytes);
        expect(unhex(hex(bytes).toUpperCase())).toEqual(bytes);
      }),
      { seed: 14, numRuns: 100 },
    );
    for (const bad of ["0", "0x", "zz", "00 11", "1é"]) expect(unhex(bad)).toBeUndefined();
  });

  it("calls printable what lies between space and tilde", () => {
    expect(isPrintableAscii(latin1Bytes(" ~az"))).toBe(true);
    for (const byte of [0, 0x1f, 0x7f, 0x80, 0xff]) expect(isPrintableAscii(Uint8Array.of(byte))).toBe(false);
  });
});
