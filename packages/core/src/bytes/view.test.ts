import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cursor } from "./cursor.ts";
import { attempt, ParseError } from "./result.ts";
import { View } from "./view.ts";

const content = fc.uint8Array({ maxLength: 40 });
const offset = fc.integer({ min: -5, max: 45 });

describe("View", () => {
  it("reads what Node's Buffer reads, and undefined wherever that would throw", () => {
    const methods = [
      ["u8", "readUInt8"],
      ["u16", "readUInt16LE"],
      ["u16be", "readUInt16BE"],
      ["u32", "readUInt32LE"],
      ["u32be", "readUInt32BE"],
      ["i32", "readInt32LE"],
      ["u64", "readBigUInt64LE"],
      ["i64", "readBigInt64LE"],
      ["f64", "readDoubleLE"],
    ] as const;
    fc.assert(
      fc.property(content, offset, fc.nat({ max: 8 }), (bytes, at, skip) => {
        // A view that does not start where its buffer does.
        const view = new View(bytes.subarray(Math.min(skip, bytes.length)));
        const buffer = Buffer.from(view.bytes);
        for (const [ours, theirs] of methods) {
          const oracle = attemptOrUndefined(() => buffer[theirs](at));
          expect(view[ours](at)).toEqual(oracle);
        }
      }),
      { seed: 15, numRuns: 500 },
    );
  });

  it("gives a part only when all of it lies inside, or clips to what does", () => {
    fc.assert(
      fc.property(content, offset, fc.integer({ min: -3, max: 50 }), (bytes, at, length) => {
        const view = new View(bytes, 2, 1000);
        const inside = at >= 0 && length >= 0 && at + length <= bytes.length;
        const part = view.sub(at, length);
        expect(part !== undefined).toBe(inside);
        const clipped = view.clip(at, length);
        const start = Math.min(Math.max(at, 0), bytes.length);
        const end = Math.max(start, Math.min(at + length, bytes.length));
        expect(clipped.bytes).toEqual(bytes.slice(start, end));
        expect(clipped.base).toBe(1000 + start);
        if (part !== undefined) expect(part.span()).toEqual({ artifact: 2, offset: 1000 + at, length });
      }),
      { seed: 16, numRuns: 500 },
    );
  });

  it("keeps places right through views of views", () => {
    const view = new View(
      Uint8Array.from({ length: 100 }, (_, i) => i),
      7,
      0x400,
    );
    const inner = view.sub(10, 50)?.sub(5, 20);
    expect(inner?.u8(0)).toBe(15);
    expect(inner?.span(1, 4)).toEqual({ artifact: 7, offset: 0x400 + 16, length: 4 });
  });
});

describe("Cursor", () => {
  it("reads forward", () => {
    const cursor = new Cursor(
      new View(Uint8Array.of(1, 2, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0, 0, 0, 0, 5, 6)),
    );
    expect([cursor.u8("a"), cursor.u16("b"), cursor.u32("c"), cursor.i32("d"), cursor.u64("e")]).toEqual([
      1,
      2,
      3,
      -1,
      9n,
    ]);
    expect([...cursor.take(1, "f").bytes]).toEqual([5]);
    expect(cursor.remaining).toBe(1);
    cursor.skip(1, "g");
    expect(cursor.remaining).toBe(0);
  });

  it("stops a read past the end with the field's name and place, and stays where it was", () => {
    const view = new View(Uint8Array.of(1, 2, 3), 4, 10);
    const result = attempt(() => {
      const cursor = new Cursor(view, 1);
      return cursor.u32("SizeOfImage");
    });
    expect(result).toEqual({
      ok: false,
      error: { code: "truncated", field: "SizeOfImage", at: { artifact: 4, offset: 11, length: 0 } },
    });
    const cursor = new Cursor(view, 1);
    expect(() => cursor.take(3, "x")).toThrow(ParseError);
    expect(() => cursor.take(-1, "x")).toThrow(ParseError);
    expect(cursor.offset).toBe(1);
  });

  it("stops wherever it is put outside its bytes, also far away", () => {
    for (const at of [-1, 4, 2 ** 31, 2 ** 52]) {
      const cursor = new Cursor(new View(Uint8Array.of(1, 2, 3)), at);
      expect(() => cursor.u8("x")).toThrow(ParseError);
      expect(cursor.remaining).toBe(at < 0 ? 3 - at : 0);
    }
  });

  it("rejects a value at the place where it was read", () => {
    const cursor = new Cursor(new View(Uint8Array.of(0x4d, 0x5b), 0, 0));
    cursor.u16("e_magic");
    expect(attempt(() => cursor.reject("e_magic", 2))).toEqual({
      ok: false,
      error: { code: "bad-value", field: "e_magic", at: { artifact: 0, offset: 0, length: 2 } },
    });
  });

  it("lets bugs pass through attempt", () => {
    expect(() =>
      attempt(() => {
        throw new TypeError("a bug");
      }),
    ).toThrow(TypeError);
  });
});

function attemptOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
