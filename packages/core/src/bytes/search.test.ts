import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, findAll, indexesOf, indexOf, matchesAt, pattern } from "./search.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** Few different bytes, so that hits, near hits and overlaps are common. */
const few = (max: number) =>
  fc.array(fc.constantFrom(0x00, 0x0f, 0xf0, 0x8b), { maxLength: max }).map((b) => Uint8Array.from(b));
const bound = fc.integer({ min: -3, max: 40 });

/** Bit by bit from the pattern's text. */
function naive(bytes: Uint8Array, text: string, start: number, end: number): number[] {
  const tokens = text.split(" ");
  const hits: number[] = [];
  for (let at = Math.max(0, start); at + tokens.length <= Math.min(end, bytes.length); at++) {
    const stands = tokens.every((token, i) => {
      const digits = (bytes[at + i] as number).toString(16).padStart(2, "0");
      return [...token.toLowerCase()].every((c, n) => c === "?" || c === digits[n]);
    });
    if (stands) hits.push(at);
  }
  return hits;
}

describe("findAll", () => {
  it("finds what a naive matcher finds, overlaps too, within any bounds", () => {
    const token = fc.constantFrom("??", "00", "0F", "f0", "8b", "0?", "?0", "F?", "?b");
    const exact = fc.constantFrom("00", "0f", "8B");
    fc.assert(
      fc.property(
        few(40),
        fc.array(token, { maxLength: 3 }),
        exact,
        fc.array(token, { maxLength: 3 }),
        bound,
        bound,
        (bytes, a, b, c, start, end) => {
          const text = [...a, b, ...c].join(" ");
          const p = pattern(text);
          const expected = naive(bytes, text, start, end);
          expect([...findAll(bytes, p, start, end)]).toEqual(expected);
          for (const at of expected) expect(matchesAt(bytes, p, at)).toBe(true);
        },
      ),
      { seed: 17, numRuns: 2000 },
    );
  });

  it("runs its search on a rare byte when the pattern has one", () => {
    expect(pattern("8B 0D ?? 7C").anchor).toBe(1);
    expect(pattern("8B 00").anchor).toBe(0);
    expect(pattern("?? 00 72").anchor).toBe(2);
  });

  it("refuses patterns that are malformed or that nothing anchors", () => {
    for (const bad of ["", "8", "8BB", "GG", "??", "8? ?? ?B"])
      expect(() => pattern(bad), bad).toThrow(RangeError);
  });

  it("matches at no offset outside", () => {
    const p = pattern("41 42");
    for (const at of [-1, 1, 2, 99]) expect(matchesAt(latin1Bytes("AB"), p, at)).toBe(false);
  });
});

describe("indexOf and indexesOf", () => {
  it("find what String.indexOf finds", () => {
    fc.assert(
      fc.property(few(40), few(4), bound, bound, (bytes, needle, start, end) => {
        const text = latin1(bytes.subarray(0, Math.max(0, Math.min(end, bytes.length))));
        const expected = needle.length === 0 ? -1 : text.indexOf(latin1(needle), Math.max(0, start));
        expect(indexOf(bytes, needle, start, end)).toBe(expected);
        const all: number[] = [];
        for (let at = expected; at >= 0; at = text.indexOf(latin1(needle), at + 1)) all.push(at);
        expect([...indexesOf(bytes, needle, start, end)]).toEqual(all);
      }),
      { seed: 18, numRuns: 2000 },
    );
  });
});

describe("indexOf in much", () => {
  it("finds what String.indexOf finds, whichever byte of the needle it is driven by", () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => (i * i) >> 7);
    const text = latin1(bytes);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 19_990 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 20_100 }),
        (at, length, start, end) => {
          const needle = bytes.slice(at, at + length);
          const expected = text.slice(0, end).indexOf(latin1(needle), start);
          expect(indexOf(bytes, needle, start, end)).toBe(expected);
        },
      ),
      { seed: 21, numRuns: 500 },
    );
  });
});

describe("equalBytes and concatBytes", () => {
  it("compare and join", () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
    expect([...concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))]).toEqual([1, 2, 3]);
    expect(concatBytes().length).toBe(0);
  });
});
