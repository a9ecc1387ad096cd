import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignedWords } from "./aligned.ts";

describe("alignedWords", () => {
  it("finds every aligned word and no other, however the bytes lie in memory", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: -3, max: 5 }),
        fc.array(fc.constantFrom(0x01, 0xff, 0x80), { maxLength: 60 }),
        (skip, phase, values) => {
          const bytes = Uint8Array.from([...new Array(skip).fill(7), ...values]).subarray(skip);
          const word = 0xff01_80ff;
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
          const expected: number[] = [];
          for (let at = 0; at + 4 <= bytes.length; at++)
            if ((at - phase) % 4 === 0 && view.getUint32(at, true) === word) expected.push(at);
          expect([...alignedWords(bytes, word, phase)]).toEqual(expected);
        },
      ),
      { seed: 5, numRuns: 2000 },
    );
  });
});
