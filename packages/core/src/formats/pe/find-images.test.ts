import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, View } from "../../bytes/index.ts";
import { findImages } from "./find-images.ts";
import { edited, HELLO32_PLACEMENT, laidOut } from "./fixtures/edit.ts";

const fixture = (name: string) => new View(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const hello32 = fixture("hello32.exe");
const mapped32 = laidOut(hello32, HELLO32_PLACEMENT, 0xb000);
const zeros = (size: number) => new Uint8Array(size);
const window = (...parts: readonly (View | Uint8Array)[]) =>
  new View(concatBytes(...parts.map((part) => (part instanceof View ? part.bytes : part))));

const HELLO = {
  lfanew: 0x80,
  machine: 0x14c,
  pe32Plus: false,
  sizeOfImage: 0xb000,
  erased: { mz: false, pe: false, dos: false },
};

const MZ = [0, 2, 0] as const;
const PE = [0x80, 4, 0] as const;
const DOS = Array.from({ length: 0x20 }, (_, i) => [4 * i, 4, 0] as const);

describe("findImages", () => {
  it("finds images of both widths at any offset, mapped or not, ascending", () => {
    const view = window(zeros(0x1003), hello32, zeros(0x2000), mapped32, fixture("lib64.dll"));
    const second = 0x1003 + hello32.length + 0x2000;
    expect(findImages(view)).toEqual([
      { ...HELLO, start: 0x1003 },
      { ...HELLO, start: second },
      expect.objectContaining({ start: second + 0xb000, machine: 0x8664, pe32Plus: true }),
    ]);
  });

  it("tells which of the marks are erased", () => {
    const erased = (...changes: (readonly [number, 1 | 2 | 4, number])[]) =>
      findImages(window(zeros(0x1000), edited(mapped32, ...changes)))[0];
    expect(erased(MZ)).toEqual({ ...HELLO, start: 0x1000, erased: { mz: true, pe: false, dos: false } });
    expect(erased(PE)).toEqual({ ...HELLO, start: 0x1000, erased: { mz: false, pe: true, dos: false } });
    expect(erased(MZ, PE)).toEqual({ ...HELLO, start: 0x1000, erased: { mz: true, pe: true, dos: false } });
    expect(erased(...DOS)).toEqual({ ...HELLO, start: 0x1000, erased: { mz: true, pe: false, dos: true } });
    expect(erased(...DOS, PE)).toEqual({
      ...HELLO,
      start: 0x1000,
      erased: { mz: true, pe: true, dos: true },
    });
  });

  it("takes the page of the address for the start where the DOS header is gone", () => {
    const view = window(zeros(0x234), edited(mapped32, ...DOS));
    expect(findImages(view, { address: 0x10dcc }).map((image) => image.start)).toEqual([0x234]);
  });

  it("finds an image whose section count is wiped while both marks stand", () => {
    expect(findImages(edited(mapped32, [0x86, 2, 0]))).toHaveLength(1);
    expect(findImages(edited(mapped32, [0x86, 2, 0], PE))).toHaveLength(0);
  });

  it("refuses headers that no loader can make anything of", () => {
    for (const change of [
      [0x80 + 56, 4, 0x1001],
      [0x80 + 60, 4, 0x2000],
      [0x80 + 80, 4, 0],
      [0x80 + 84, 4, 0xc000],
      [0x80 + 6, 2, 97],
      [0x178 + 40 + 12, 4, 0x7fffffff],
    ] as const)
      expect(findImages(edited(hello32, change)), change.join()).toHaveLength(0);
  });

  it("finds an image in one of two windows that share a page, wherever they part", () => {
    const view = window(zeros(0x1800), mapped32, zeros(0x1000));
    for (let part = 0x1000; part < 0x3000; part += 0x40) {
      const first = findImages(view.clip(0, part + 0x1000)).map((image) => image.start);
      const second = findImages(view.clip(part)).map((image) => part + image.start);
      expect(new Set([...first, ...second]), `${part}`).toContain(0x1800);
    }
  });

  it("looks in the part that is asked for", () => {
    const view = window(hello32, hello32);
    expect(findImages(view, { from: 0x200 }).map((image) => image.start)).toEqual([hello32.length]);
    expect(findImages(view, { to: 0x90 })).toEqual([]);
  });

  it("is quick with windows of nothing but magics and of nothing but headers", () => {
    const started = performance.now();
    findImages(new View(new Uint8Array(1 << 22).fill(0x0b)));
    const headers = edited(hello32, MZ, [0x3c, 4, 0]).clip(0x80, 0x88);
    const many = new Uint8Array(1 << 22);
    for (let at = 0; at + headers.length <= many.length; at += headers.length) many.set(headers.bytes, at);
    findImages(new View(many));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("ends on any bytes, with starts inside", () => {
    const header = [...hello32.bytes.subarray(0x80, 0x180)];
    const piece = fc.oneof(
      fc.constant(header),
      fc.constant([...hello32.bytes.subarray(0, 0x400)]),
      fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const view = new View(Uint8Array.from(pieces.flat()));
        for (const { start, lfanew } of findImages(view)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(start + lfanew).toBeLessThan(view.length);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
