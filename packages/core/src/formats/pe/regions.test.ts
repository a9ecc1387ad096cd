import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { View } from "../../bytes/index.ts";
import { edited } from "./fixtures/edit.ts";
import { parsePe } from "./parse-pe.ts";
import { peSpace } from "./regions.ts";

const fixture = (name: string) => new View(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const hello32 = fixture("hello32.exe");
const OPTIONAL = 0x98;
const TEXT = 0x178;
const RELOC = TEXT + 7 * 40;

function space(view: View, layout: "file" | "mapped" = "file", base?: number) {
  const parsed = parsePe(view, layout);
  if (!parsed.ok) throw new Error(parsed.error.field);
  return peSpace(view, parsed.value, layout, base);
}

describe("peSpace of a file", () => {
  it("maps headers and sections as objdump -h has them", () => {
    const regions = space(hello32).regions.map(({ name, rva, offset, size }) => [name, rva, offset, size]);
    expect(regions).toEqual([
      ["headers", 0, 0, 0x400],
      [".text", 0x1000, 0x400, 0x200],
      [".data", 0x2000, 0x600, 0x200],
      [".rdata", 0x3000, 0x800, 0x200],
      [".buildid", 0x4000, 0xa00, 0x200],
      [".idata", 0x8000, 0xc00, 0x200],
      [".rsrc", 0x9000, 0xe00, 0x400],
      [".reloc", 0xa000, 0x1200, 0x200],
    ]);
  });

  it("says what may run and what may be written", () => {
    const regions = space(hello32).regions;
    expect(regions.filter((region) => region.executable).map((region) => region.name)).toEqual([".text"]);
    expect(regions.filter((region) => region.writable).map((region) => region.name)).toEqual([
      ".data",
      ".idata",
      ".rsrc",
    ]);
  });

  it("translates both ways, and not where no bytes are", () => {
    const it = space(hello32);
    expect(it.offsetOfRva(0)).toBe(0);
    expect(it.offsetOfRva(0x1010)).toBe(0x410);
    expect(it.offsetOfVa(0x401010)).toBe(0x410);
    expect(it.rvaOfOffset(0x410)).toBe(0x1010);
    expect(it.vaOfOffset(0x410)).toBe(0x401010);
    // Behind the raw data, in .bss, between regions, outside.
    for (const rva of [0x1200, 0x5000, 0x7fff, 0x400, 0xb000, -1, Number.NaN, 0xffffffff])
      expect(it.offsetOfRva(rva)).toBeUndefined();
    expect(it.offsetOfVa(0x3fffff)).toBeUndefined();
    expect(it.rvaOfOffset(0x1400)).toBeUndefined();
  });

  it("reads no further than a region", () => {
    const it = space(hello32);
    expect(it.readVa(0x4011f0, 16)?.span()).toEqual({ artifact: 0, offset: 0x5f0, length: 16 });
    expect(it.readVa(0x4011f0, 17)).toBeUndefined();
    expect(it.readRva(0x1000, -1)).toBeUndefined();
    expect(it.clipRva(0x11f0, 100)?.length).toBe(16);
  });

  it("rounds PointerToRawData down to a sector, as the loader reads", () => {
    expect(space(edited(hello32, [TEXT + 20, 4, 0x5ff])).offsetOfRva(0x1000)).toBe(0x400);
    expect(space(edited(hello32, [TEXT + 20, 4, 0x1])).offsetOfRva(0x1000)).toBe(0);
  });

  it("takes PointerToRawData as it stands below a FileAlignment of 0x200", () => {
    const view = edited(hello32, [OPTIONAL + 36, 4, 0x10], [TEXT + 20, 4, 0x410]);
    expect(space(view).offsetOfRva(0x1000)).toBe(0x410);
  });

  it("maps a section without PointerToRawData to nothing", () => {
    expect(space(edited(hello32, [TEXT + 20, 4, 0])).offsetOfRva(0x1000)).toBeUndefined();
  });

  it("takes SizeOfRawData for a VirtualSize of 0", () => {
    expect(space(edited(hello32, [TEXT + 8, 4, 0])).offsetOfRva(0x11ff)).toBe(0x5ff);
  });

  it("maps no more raw data than the section has room for", () => {
    const view = edited(hello32, [RELOC + 8, 4, 0x10], [RELOC + 16, 4, 0x3000]);
    const long = new View(new Uint8Array(0x8000));
    long.bytes.set(view.bytes);
    expect(space(long).offsetOfRva(0xafff)).toBe(0x21ff);
    expect(space(long).offsetOfRva(0xb000)).toBeUndefined();
    // Here the next section stands where raw data would go on.
    expect(space(edited(hello32, [TEXT + 8, 4, 0x3000], [TEXT + 16, 4, 0x1000])).offsetOfRva(0x2000)).toBe(
      0x600,
    );
  });

  it("keeps what a truncated file still has of a section", () => {
    const cut = space(hello32.clip(0, 0x480));
    expect(cut.regions.map((region) => region.name)).toEqual(["headers", ".text"]);
    expect(cut.offsetOfRva(0x107f)).toBe(0x47f);
    expect(cut.offsetOfRva(0x1080)).toBeUndefined();
  });

  it("gives an offset that two sections share to the first of them", () => {
    const shared = space(edited(hello32, [TEXT + 40 + 20, 4, 0x400]));
    expect(shared.offsetOfRva(0x2010)).toBe(0x410);
    expect(shared.rvaOfOffset(0x410)).toBe(0x1010);
  });

  it("maps headers up to the first section however large they say they are", () => {
    const it = space(edited(hello32, [OPTIONAL + 60, 4, 0xffffffff]));
    expect(it.regions[0]).toMatchObject({ name: "headers", size: 0x1000 });
    expect(it.offsetOfRva(0x1000)).toBe(0x400);
  });

  it("takes a low-alignment image for its own layout", () => {
    const low = space(fixture("low32.exe"));
    expect(low.regions.map(({ name, rva, offset, size }) => [name, rva, offset, size])).toEqual([
      ["headers", 0, 0, 0x280],
      [".text", 0x280, 0x280, 0x80],
      [".data", 0x300, 0x300, 0x20],
      [".rdata", 0x320, 0x320, 0x20],
      [".idata", 0x340, 0x340, 0xe0],
      [".rsrc", 0x420, 0x420, 0x2e0],
      [".reloc", 0x700, 0x700, 0x20],
    ]);
    for (const rva of [0, 0x290, 0x500, 0x71f]) expect(low.offsetOfRva(rva)).toBe(rva);
    expect(low.offsetOfRva(0x720)).toBeUndefined();
  });

  it("puts an image whose ImageBase no number holds where Windows would", () => {
    const high = edited(fixture("hello64.exe"), [OPTIONAL + 24, 4, 0], [OPTIONAL + 28, 4, 0xffff_8000]);
    expect(space(high).base).toBe(0x10000);
  });
});

describe("peSpace of a mapped image", () => {
  it("has offset = RVA everywhere, and the base it is told", () => {
    const view = new View(new Uint8Array(0xb000));
    view.bytes.set(hello32.bytes.subarray(0, 0x400));
    const it = space(view, "mapped", 0x7f0000);
    expect(it.offsetOfRva(0x5123)).toBe(0x5123);
    expect(it.vaOfOffset(0x5123)).toBe(0x7f5123);
    expect(it.readVa(0x7f0ff0, 0x20)?.length).toBe(0x20);
    expect(it.regions.find((region) => region.name === ".bss")).toMatchObject({
      offset: 0x5000,
      size: 0x3000,
    });
    expect(it.offsetOfRva(0xb000)).toBeUndefined();
  });

  it("counts everything behind headers without a section table as one region", () => {
    const view = new View(new Uint8Array(0xb000));
    view.bytes.set(hello32.bytes.subarray(0, 0x400));
    const it = space(edited(view, [0x86, 2, 0]), "mapped");
    expect(it.regions.map(({ name, rva, executable }) => [name, rva, executable])).toEqual([
      ["headers", 0, false],
      ["image", 0x400, true],
    ]);
  });
});
