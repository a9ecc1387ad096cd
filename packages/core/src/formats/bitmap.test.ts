import { bmp, type Drawn, png } from "@assay/carriers/bitmap-writer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, View } from "../bytes/index.ts";
import { pixelBytes, readBitmap } from "./bitmap.ts";

/** Two columns, three rows; the last pixel is transparent black. */
const DRAWN: Drawn = {
  width: 2,
  height: 3,
  rgba: Uint8Array.from({ length: 24 }, (_, i) => (i < 20 ? 16 * (i >> 2) + (i & 3) + 1 : 0)),
};

describe("readBitmap", () => {
  it.each([
    ["BMP", bmp],
    ["PNG", png],
  ] as const)("reads the pixels of a %s", (_, write) => {
    const read = readBitmap(new View(write(DRAWN)));
    expect([read?.width, read?.height]).toEqual([2, 3]);
    expect(hex(read?.rgba ?? new Uint8Array())).toBe(hex(DRAWN.rgba));
  });

  it("undoes each of PNG's filters on larger rows", () => {
    const rgba = Uint8Array.from({ length: 4 * 40 * 20 }, (_, i) => (Math.imul(i, 2654435761) >>> 24) ^ i);
    const read = readBitmap(new View(png({ width: 40, height: 20, rgba })));
    expect(hex(read?.rgba ?? new Uint8Array())).toBe(hex(rgba));
  });

  it("gives nothing for what is cut off, and throws on no damage", () => {
    for (const whole of [bmp(DRAWN), png(DRAWN)]) {
      for (let end = 0; end < whole.length - 12; end++)
        expect(readBitmap(new View(whole.subarray(0, end)))?.width ?? 2).toBe(2);
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
          (changes) => {
            const bytes = Uint8Array.from(whole);
            for (const [at, value] of changes) bytes[at] = value;
            readBitmap(new View(bytes));
          },
        ),
        { seed: 2, numRuns: 300 },
      );
    }
  });
});

describe("pixelBytes", () => {
  it("collects in both orders, the channels named", () => {
    expect(hex(pixelBytes(DRAWN, "rows", "r", false))).toBe("011121314100");
    expect(hex(pixelBytes(DRAWN, "columns", "r", false))).toBe("012141113100");
    expect(hex(pixelBytes(DRAWN, "columns", "bgra", false)).slice(0, 16)).toBe("0302010423222124");
  });

  it("passes over transparent black where the loop does", () => {
    expect(hex(pixelBytes(DRAWN, "columns", "r", true))).toBe("0121411131");
  });
});
