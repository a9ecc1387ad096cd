import { latin1 } from "@assay/core/bytes/index";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../dotnet/bytes.ts";
import { buildPe, layoutPe, type PeOptions } from "../pe-writer.ts";
import { mapPe } from "./map-pe.ts";
import { processOf } from "./process.ts";
import { modulesOf, pageProtection } from "./regions.ts";

/** A program whose .data points at itself, once in 32 bits and once in 64, with the base relocations for both. */
function relocatable(is64: boolean): PeOptions {
  const base = is64 ? 0x1_4000_0000 : 0x40_0000;
  const data = new ByteWriter()
    .u64(BigInt(base + 0x2010))
    .u32(0x40_2020)
    .u32(7);
  const block = new ByteWriter().u32(0x2000).u32(16);
  block
    .u16(((is64 ? 10 : 3) << 12) | 0)
    .u16(0)
    .u16(is64 ? 0 : 0x3008)
    .u16(0);
  const sections = [
    { name: ".text", data: new Uint8Array(0x20).fill(0x90) },
    { name: ".data", data: data.toBytes(), virtualSize: 0x2345 },
    { name: ".reloc", data: block.toBytes() },
  ];
  const { rva } = layoutPe({ is64, sections }).section(".reloc");
  return { is64, sections, directories: { 5: { rva, size: 16 } } };
}

describe.each([false, true])("a program mapped at another base (PE32+ %s)", (is64) => {
  const options = relocatable(is64);
  const file = buildPe(options);
  const data = layoutPe(options).section(".data").rva;

  it("has its pointers and its ImageBase moved, and nothing else", () => {
    const base = is64 ? 0x7ff6_a000_0000n : 0x234_0000n;
    const here = mapPe(file);
    const there = mapPe(file, base);
    const view = new DataView(there.buffer);
    if (is64) expect(view.getBigUint64(data, true)).toBe(base + 0x2010n);
    else {
      expect(view.getUint32(data, true)).toBe(0x234_2010);
      expect(view.getUint32(data + 8, true)).toBe(0x234_2020);
    }
    const field = 0x80 + 24 + (is64 ? 24 : 28);
    expect(is64 ? view.getBigUint64(field, true) : BigInt(view.getUint32(field, true))).toBe(base);
    const moved = (at: number) => (at >= data && at < data + 12) || (at >= field && at < field + 8);
    expect([...there.keys()].filter((at) => there[at] !== here[at] && !moved(at))).toEqual([]);
  });

  it("stays as it is at its own base", () => {
    expect(mapPe(file, is64 ? 0x1_4000_0000n : 0x40_0000n)).toEqual(mapPe(file));
  });
});

describe("a program without relocations", () => {
  it("is laid out as it is, at any base", () => {
    const file = buildPe({ sections: [{ name: ".data", data: Uint8Array.of(1, 2, 3) }] });
    expect(mapPe(file, 0x1000_0000n)).toEqual(mapPe(file));
  });

  it("that is none is refused", () => {
    expect(() => mapPe(new Uint8Array(0x200))).toThrow(RangeError);
  });
});

describe("a process", () => {
  const file = buildPe(relocatable(false));
  const heap = new ByteWriter().ascii("C2 on the heap").toBytes();

  it("shows its program by sections, a stack and its heaps", () => {
    const regions = processOf(file, { base: 0x234_0000n, headers: "kept", heap: [heap] });
    expect(regions.map((r) => [r.address, r.bytes.length, r.protection, r.type])).toEqual([
      [0x234_0000n, 0x1000, "r--", "image"],
      [0x234_1000n, 0x1000, "r-x", "image"],
      [0x234_2000n, 0x3000, "rw-", "image"],
      [0x234_5000n, 0x1000, "r--", "image"],
      [0x236_0000n, 0x1_0000, "rw-", "private"],
      [0x237_0000n, 0x1000, "rw-", "private"],
    ]);
    expect(regions.at(-2)?.bytes.subarray(0, 0xf000)).toEqual(new Uint8Array(0xf000));
    expect(latin1(regions.at(-1)?.bytes.subarray(0, heap.length) ?? heap.subarray(1))).toBe("C2 on the heap");
    expect(modulesOf(regions)).toEqual([
      { name: "C:\\Users\\user\\carrier.exe", address: 0x234_0000n, size: 0x6000 },
    ]);
  });

  it("whose headers are wiped is private memory that no module names", () => {
    const regions = processOf(file, { base: 0x234_0000n, headers: "wiped" });
    expect(regions[0]).toEqual({
      address: 0x234_0000n,
      bytes: new Uint8Array(0x1000),
      protection: "rwx",
      type: "private",
    });
    expect(regions[1]?.bytes).toEqual(mapPe(file).slice(0x1000, 0x2000));
    expect(modulesOf(regions)).toEqual([]);
  });
});

describe("a protection that Windows does not have", () => {
  it("is refused", () => {
    expect(() => pageProtection({ protection: "-w-" })).toThrow(RangeError);
  });
});
