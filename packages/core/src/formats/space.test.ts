import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { View } from "../bytes/index.ts";
import type { Region } from "./address-space.ts";
import { Space } from "./space.ts";

const SIZE = 256;
const protection = { executable: true, writable: false };
const region = fc
  .record({ rva: fc.nat(400), offset: fc.nat(SIZE - 1), size: fc.integer({ min: 1, max: 80 }) })
  .map(({ rva, offset, size }) => ({
    name: "r",
    rva,
    offset,
    size: Math.min(size, SIZE - offset),
    ...protection,
  }));

/** Regions as a table of bytes, the slow way: the one that starts first owns an address, headers what is left of the file. */
function naive(regions: readonly Region[], from: "rva" | "offset", to: "rva" | "offset", address: number) {
  const isHeaders = (one: Region): boolean => from === "offset" && one.rva === 0 && one.offset === 0;
  const owner = regions
    .toSorted((a, b) => Number(isHeaders(a)) - Number(isHeaders(b)) || a[from] - b[from])
    .find((one) => address >= one[from] && address < one[from] + one.size);
  return owner === undefined ? undefined : owner[to] + address - owner[from];
}

describe("Space", () => {
  it("gives an offset that headers and a section both hold to the section, an address to the headers", () => {
    const headers = { name: "headers", rva: 0, offset: 0, size: 0x80, ...protection };
    const code = { name: "UPX1", rva: 0x1000, offset: 0x40, size: 0x20, ...protection };
    const space = new Space(new View(new Uint8Array(SIZE)), "file", 0, [headers, code]);
    expect([0x3f, 0x40, 0x5f, 0x60, 0x80].map((offset) => space.rvaOfOffset(offset))).toEqual([
      0x3f,
      0x1000,
      0x101f,
      0x60,
      undefined,
    ]);
    expect(space.offsetOfRva(0x40)).toBe(0x40);
  });

  it("translates like a plain walk over its regions", () => {
    fc.assert(
      fc.property(fc.array(region, { maxLength: 6 }), (regions) => {
        const space = new Space(new View(new Uint8Array(SIZE)), "file", 0x1000, regions);
        const addresses = Array.from({ length: 500 }, (_, i) => i - 2);
        expect(addresses.map((rva) => space.offsetOfRva(rva))).toEqual(
          addresses.map((rva) => naive(regions, "rva", "offset", rva)),
        );
        expect(addresses.map((offset) => space.rvaOfOffset(offset))).toEqual(
          addresses.map((offset) => naive(regions, "offset", "rva", offset)),
        );
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("reads exactly the bytes that its translation leads to", () => {
    fc.assert(
      fc.property(fc.array(region, { maxLength: 6 }), fc.nat(500), fc.nat(40), (regions, rva, length) => {
        const space = new Space(new View(new Uint8Array(SIZE)), "file", 0, regions);
        const read = space.readRva(rva, length);
        if (read === undefined) return;
        expect(read.length).toBe(length);
        for (let i = 0; i < length; i++) expect(space.offsetOfRva(rva + i)).toBe(read.base + i);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
