import { HeapWriter } from "@assay/carriers/heap-writer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf16le, utf16leBytes, View } from "../../bytes/index.ts";
import { clrStringAround, clrStringAt, clrStrings, clrText } from "./clr-strings.ts";

const TEXTS = ["a", "Client.exe", "127.0.0.1", "Пример", "x".repeat(5000)];

function heapOf(pointerSize: 4 | 8) {
  const heap = new HeapWriter({ pointerSize }).clrObjects(30);
  const offsets = TEXTS.map((text) => heap.clrObjects(3).clrString(text));
  return { view: new View(heap.clrObjects(30).bytes()), offsets };
}

/** vtable, lock, length, characters, as Mono has them. */
function monoString(text: string, pointerSize: 4 | 8): Uint8Array {
  const table = pointerSize === 4 ? [0x10, 0x2a, 0x08, 0x09] : [0x10, 0x2a, 0x08, 0x09, 0x79, 0x55, 0, 0];
  return concatBytes(Uint8Array.from(table), new Uint8Array(pointerSize), clrText(text));
}

describe.each([4, 8] as const)("strings of a heap with pointers of %i bytes", (pointerSize) => {
  const { view, offsets } = heapOf(pointerSize);

  it("are read where they stand, all of one type", () => {
    const strings = offsets.map((offset) => clrStringAt(view, offset));
    expect(strings.map((string) => string?.value)).toEqual(TEXTS);
    expect(new Set(strings.map((string) => string?.type)).size).toBe(1);
  });

  it("are listed in order, whatever the walk starts on", () => {
    for (const start of [0, 1, 2, 3, 8]) {
      const found = [...clrStrings(view, start, view.length, (offsets[0] as number) & 3)];
      const type = clrStringAt(view, offsets[0] as number)?.type;
      expect(found.filter((string) => string.type === type).map(({ offset }) => offset)).toEqual(offsets);
    }
  });

  it("are found from any of their characters", () => {
    for (const [i, text] of TEXTS.entries())
      for (const char of [0, text.length >> 1, text.length - 1])
        expect(clrStringAround(view, (offsets[i] as number) + 2 * char)?.value).toBe(text);
    expect(clrStringAround(view, (offsets[1] as number) + 2 * "Client.exe".length)).toBeUndefined();
  });

  it("are read of Mono's heap too", () => {
    const bytes = monoString("Client.exe", pointerSize);
    expect(clrStringAt(new View(concatBytes(new Uint8Array(8), bytes)), 8 + 2 * pointerSize + 4)?.value).toBe(
      "Client.exe",
    );
  });
});

describe("what is no string object", () => {
  it("is text without a length, a type or an end", () => {
    const text = utf16leBytes("Client.exe\0");
    const object = concatBytes(Uint8Array.of(0, 0, 0, 0, 0x14, 0xd4, 0x2b, 0x6f), clrText("Client.exe"));
    const at = 12;
    expect(clrStringAt(new View(object), at)?.value).toBe("Client.exe");
    expect(clrStringAt(new View(text), 0)).toBeUndefined();
    for (const [offset, value] of [
      [4, 0x15],
      [8, 11],
      [8, 9],
      [8, 0],
      [at + 4, 7],
      [object.length - 2, 0x21],
    ] as const) {
      const changed = Uint8Array.from(object);
      changed[offset] = value;
      expect([offset, clrStringAt(new View(changed), at)]).toEqual([offset, undefined]);
    }
    expect(clrStringAt(new View(object.subarray(0, -1)), at)).toBeUndefined();
    expect(clrStringAt(new View(object.subarray(8)), 4)).toBeUndefined();
  });
});

describe("any bytes", () => {
  it("give strings that read as they say, in order and apart", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc.constant(new Uint8Array(6)),
      fc
        .string({ maxLength: 6 })
        .map((text) => (new HeapWriter().clrString(text) >= 0 ? clrText(text) : new Uint8Array(0))),
      fc.constant(Uint8Array.of(0, 0, 0, 0, 0x10, 0x20, 0x30, 0x40)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.nat(3), (pieces, phase) => {
        const view = new View(concatBytes(...pieces));
        let end = 0;
        for (const { value, offset, at } of clrStrings(view, 0, view.length, phase)) {
          expect(offset & 3).toBe(phase);
          expect(offset).toBeGreaterThanOrEqual(end);
          expect(utf16le(view.bytes.subarray(offset, offset + 2 * value.length))).toBe(value);
          expect(at).toEqual([view.span(offset, 2 * value.length)]);
          end = offset + 2 * value.length;
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
