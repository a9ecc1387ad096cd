import { describe, expect, it } from "vitest";
import { buildPe, layoutPe, mapPe, type PeOptions } from "./pe-writer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const u16 = (file: Uint8Array, at: number) => new DataView(file.buffer).getUint16(at, true);
const u32 = (file: Uint8Array, at: number) => new DataView(file.buffer).getUint32(at, true);

const OPTIONS: PeOptions = {
  sections: [
    { name: ".text", data: bytes("code") },
    { name: ".rdata", data: bytes("read only") },
    { name: ".data", data: bytes("written"), virtualSize: 0x2345 },
  ],
  imports: { "KERNEL32.dll": ["ExitProcess", "Sleep"], "USER32.dll": ["MessageBoxA"] },
  resources: [
    { type: 10, name: "SETTINGS", data: bytes("settings") },
    { type: 10, name: 7, language: 0x419, data: bytes("seven") },
    { type: 10, name: "ALPHA", data: bytes("alpha") },
    { type: "MINE", name: 1, data: bytes("mine") },
  ],
  overlay: bytes("overlay"),
  timeDateStamp: 0x5f5e1000,
  subsystem: 3,
};

describe.each([false, true])("a written PE (64 bits: %s)", (is64) => {
  const options = { ...OPTIONS, is64 };
  const file = buildPe(options);
  const layout = layoutPe(options);

  it("says the same bytes for the same options", () => {
    expect(buildPe(options)).toEqual(file);
  });

  it("keeps the loader's rules on alignment and order", () => {
    expect(u16(file, 0x80 + 4)).toBe(is64 ? 0x8664 : 0x14c);
    expect(u16(file, 0x80 + 24)).toBe(is64 ? 0x20b : 0x10b);
    expect(u32(file, 0x80 + 24 + 56)).toBe(layout.sizeOfImage);
    let nextRva = 0x1000;
    let nextOffset = u32(file, 0x80 + 24 + 60);
    for (const section of layout.sections) {
      expect(section.rva).toBe(nextRva);
      expect(section.fileOffset).toBe(nextOffset);
      expect(section.va).toBe(layout.imageBase + section.rva);
      nextRva = Math.ceil((section.rva + section.virtualSize) / 0x1000) * 0x1000;
      nextOffset = section.fileOffset + section.rawSize;
      expect(nextOffset % 0x200).toBe(0);
    }
    expect(layout.sizeOfImage).toBe(nextRva);
    expect(new TextDecoder().decode(file.subarray(nextOffset))).toBe("overlay");
  });

  it("enters behind the given code, at a stub that returns", () => {
    const text = layout.section(".text");
    expect(u32(file, 0x80 + 24 + 16)).toBe(layout.entryPointRva);
    const entry = text.fileOffset + layout.entryPointRva - text.rva;
    expect([...file.subarray(entry, entry + 3)]).toEqual([0x33, 0xc0, 0xc3]);
    expect(new TextDecoder().decode(file.subarray(text.fileOffset, text.fileOffset + 4))).toBe("code");
  });

  it("maps every section to its RVA and leaves the overlay out", () => {
    const image = mapPe(file);
    expect(image.length).toBe(layout.sizeOfImage);
    for (const { name, data } of options.sections ?? []) {
      const { rva } = layout.section(name);
      expect([...image.subarray(rva, rva + data.length)]).toEqual([...data]);
    }
  });

  it("sorts the resource tree: names before numbers, each ascending", () => {
    const start = layout.section(".rsrc").fileOffset;
    const image = mapPe(file);
    const keys = (at: number) => {
      const count = u16(file, at + 12) + u16(file, at + 14);
      return Array.from({ length: count }, (_, i) => {
        const id = u32(file, at + 16 + i * 8);
        const child = start + (u32(file, at + 20 + i * 8) & 0x7fffffff);
        if (id < 0x80000000) return { key: id as number | string, child };
        const name = start + (id & 0x7fffffff);
        const text = Array.from({ length: u16(file, name) }, (_, n) => u16(file, name + 2 + n * 2));
        return { key: String.fromCharCode(...text), child };
      });
    };
    const found: unknown[] = [];
    for (const type of keys(start))
      for (const name of keys(type.child))
        for (const language of keys(name.child)) {
          const rva = u32(file, language.child);
          const data = image.subarray(rva, rva + u32(file, language.child + 4));
          found.push([type.key, name.key, language.key, new TextDecoder().decode(data)]);
        }
    expect(found).toEqual([
      ["MINE", 1, 0x409, "mine"],
      [10, "ALPHA", 0x409, "alpha"],
      [10, "SETTINGS", 0x409, "settings"],
      [10, 7, 0x419, "seven"],
    ]);
  });
});

describe("the options", () => {
  it("get a .text of their own when none is given", () => {
    const layout = layoutPe({ sections: [{ name: ".rdata", data: bytes("x") }] });
    expect(layout.sections.map((s) => s.name)).toEqual([".text", ".rdata"]);
    expect(layout.entryPointRva).toBe(layout.section(".text").rva);
  });

  it("make a library of it, whose entry says yes", () => {
    for (const is64 of [false, true]) {
      const file = buildPe({ dll: true, is64 });
      expect(u16(file, 0x80 + 22) & 0x2000).toBe(0x2000);
      const { entryPointRva } = layoutPe({ dll: true, is64 });
      expect([...mapPe(file).subarray(entryPointRva, entryPointRva + 6)]).toEqual([
        0xb8,
        1,
        0,
        0,
        0,
        is64 ? 0xc3 : 0xc2,
      ]);
    }
  });

  it("set data directories", () => {
    const file = buildPe({ directories: { 14: { rva: 0x1234, size: 72 } } });
    expect([u32(file, 0x80 + 24 + 96 + 14 * 8), u32(file, 0x80 + 24 + 96 + 14 * 8 + 4)]).toEqual([
      0x1234, 72,
    ]);
  });

  it("do not move anything when only the content of the data changes", () => {
    const layout = (byte: number) =>
      layoutPe({ sections: [{ name: ".rdata", data: new Uint8Array(999).fill(byte) }] });
    expect(layout(1).sections.map((s) => [s.va, s.fileOffset])).toEqual(
      layout(2).sections.map((s) => [s.va, s.fileOffset]),
    );
  });

  it("cannot name a section longer than the header has room for", () => {
    expect(() => buildPe({ sections: [{ name: ".too-long-a-name", data: bytes("x") }] })).toThrow(RangeError);
  });

  it("cannot hold two resources of one type, name and language", () => {
    const twin = { type: 10, name: 1, data: bytes("x") };
    expect(() => buildPe({ resources: [twin, twin] })).toThrow(RangeError);
  });
});
