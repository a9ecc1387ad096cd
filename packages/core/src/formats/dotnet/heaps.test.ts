import { describe, expect, it } from "vitest";
import { unhex, View } from "../../bytes/index.ts";
import { compressed, readBlob, readGuid, StringsHeap, UserStringsHeap } from "./heaps.ts";

const view = (hex: string): View => new View(unhex(hex.replaceAll(" ", "")) ?? new Uint8Array());
const texts = (hex: string): [number, string][] =>
  new UserStringsHeap(view(hex)).all().map((s) => [s.offset, s.text.value]);

describe("compressed integers", () => {
  it("are those of the examples in ECMA-335 II.23.2", () => {
    const examples: [string, number][] = [
      ["03", 0x03],
      ["7f", 0x7f],
      ["8080", 0x80],
      ["ae57", 0x2e57],
      ["bfff", 0x3fff],
      ["c0004000", 0x4000],
      ["dfffffff", 0x1fffffff],
    ];
    for (const [bytes, value] of examples)
      expect(compressed(view(bytes), 0)).toEqual({ value, size: bytes.length / 2 });
    for (const bytes of ["", "80", "c00000", "e0000000", "ff"])
      expect(compressed(view(bytes), 0)).toBeUndefined();
  });
});

describe("#US", () => {
  it("is walked entry by entry, padding left out", () => {
    expect(texts("00 01 00 05 6100 6200 00 00 00")).toEqual([
      [1, ""],
      [3, "ab"],
    ]);
  });

  it("is walked on behind junk, with the next that has an entry's shape", () => {
    // ff: no length. 61: would leave the heap. 02 00 00: an even length, so no entry out here.
    expect(texts("00 05 6100 6200 00 ff 61 02 0000 05 6300 6400 01")).toEqual([
      [1, "ab"],
      [12, "cd"],
    ]);
  });

  it("gives an entry by its offset only when it lies inside", () => {
    const heap = new UserStringsHeap(view("00 05 6100 6200 00 7f 61"));
    expect(heap.get(1)?.text).toEqual({ value: "ab", at: [{ artifact: 0, offset: 2, length: 4 }] });
    expect(heap.get(7)).toBeUndefined();
    expect(heap.get(100)).toBeUndefined();
    expect(new UserStringsHeap(undefined).all()).toEqual([]);
  });
});

describe("the other heaps", () => {
  it("give names up to the NUL or the end, and bytes as they are where they are no UTF-8", () => {
    const heap = new StringsHeap(view("00 c3a9 00 ff41 00 4142"));
    expect([0, 1, 2, 4, 7, 99].map((i) => heap.get(i))).toEqual(["", "é", "©", "ÿA", "AB", undefined]);
  });

  it("give blobs that lie inside, and GUIDs by number", () => {
    expect(readBlob(view("00 02 aabb 05 cc"), 1)?.bytes).toEqual(Uint8Array.of(0xaa, 0xbb));
    expect(readBlob(view("00 02 aabb 05 cc"), 4)).toBeUndefined();
    const guid = view("7c68c738 40ef 5b4e 9448 7e46e40aeb2d");
    expect(readGuid(guid, 1)).toBe("38c7687c-ef40-4e5b-9448-7e46e40aeb2d");
    expect(readGuid(guid, 0)).toBeUndefined();
    expect(readGuid(guid, 2)).toBeUndefined();
  });
});
