import { ByteWriter } from "@assay/carriers/dotnet/bytes";
import { type DumpRegion, writeElfCore } from "@assay/carriers/dumps/index";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../bytes/index.ts";
import { readElfCore } from "./elf-core.ts";
import type { MemoryImage } from "./model.ts";

const page = (fill: number, pages = 1): Uint8Array => new Uint8Array(0x1000 * pages).fill(fill);

const REGIONS: readonly DumpRegion[] = [
  { address: 0x40_0000n, bytes: page(1), protection: "r--", type: "image", module: "/usr/bin/prog" },
  { address: 0x40_1000n, bytes: page(2), protection: "r-x", type: "image", module: "/usr/bin/prog" },
  { address: 0x60_0000n, bytes: page(3, 2), protection: "rw-", type: "private" },
  { address: 0x70_0000n, bytes: page(4), protection: "r--", type: "mapped", module: "/usr/share/é.dat" },
  { address: 0x7fff_0000n, bytes: page(5), protection: "rwx", type: "private" },
];

function imageOf(file: Uint8Array): MemoryImage {
  const image = readElfCore(bytesSource(file));
  if (!image.ok) throw new Error(`${image.error.code} ${image.error.field}`);
  return image.value;
}

describe.each([8, 4] as const)("an ELF core with pointers of %i bytes", (pointerSize) => {
  const is64 = pointerSize === 8;
  const file = writeElfCore(REGIONS, { pointerSize, pid: 4711, name: "a-rather-long-name" });
  const changed = (edit: (view: DataView) => void) => {
    const copy = file.slice();
    edit(new DataView(copy.buffer));
    return copy;
  };
  const segmentAt = (index: number) => (is64 ? 64 + 56 * index : 52 + 32 * index);
  const noteAt = segmentAt(REGIONS.length + 1);

  it("gives every segment with its protection, type and file, and reads back its bytes", () => {
    const image = imageOf(file);
    const names = ["/usr/bin/prog", "/usr/bin/prog", undefined, "/usr/share/\u00e9.dat", undefined];
    expect(image.regions.map((r) => [r.address, r.size, r.protection, r.type, r.module])).toEqual(
      REGIONS.map((r, i) => [r.address, r.bytes.length, r.protection, r.type, names[i]]),
    );
    for (const [i, { offset, size }] of image.regions.entries())
      expect(image.source.read(offset, size)).toEqual(REGIONS[i]?.bytes);
    expect(image).toMatchObject({ kind: "elf-core", pointerSize, anomalies: [], missing: 0 });
    expect(image.modules).toEqual([
      { name: "/usr/bin/prog", address: 0x40_0000n, size: 0x2000 },
      { name: "/usr/share/\u00e9.dat", address: 0x70_0000n, size: 0x1000 },
    ]);
  });

  it("says whose it is, by NT_PRPSINFO or by NT_PRSTATUS", () => {
    expect(imageOf(file).process).toEqual({ name: "a-rather-long-n", pid: 4711 });
    expect(imageOf(writeElfCore(REGIONS, { pointerSize, pid: 12 })).process).toEqual({ pid: 12 });
    expect(imageOf(writeElfCore(REGIONS, { pointerSize })).process).toBeUndefined();
  });

  it("without NT_FILE does not guess at types", () => {
    const image = imageOf(writeElfCore(REGIONS, { pointerSize, files: false }));
    expect(image.regions.map((r) => r.type ?? r.module)).toEqual(REGIONS.map(() => undefined));
    expect(image.modules).toEqual([]);
  });

  it("knows a program whose code is left out by its mappings side by side", () => {
    const regions = REGIONS.map((r) => (r.protection === "r-x" ? { ...r, protection: "r--" } : r));
    const types = imageOf(writeElfCore(regions, { pointerSize })).regions.map((r) => r.type);
    expect(types).toEqual(["image", "image", "private", "mapped", "private"]);
  });

  it("that leaves pages out on purpose misses nothing; one that is cut does", () => {
    const image = imageOf(changed((v) => v.setUint32(segmentAt(1) + (is64 ? 32 : 16), 0, true)));
    expect(image.regions).toHaveLength(REGIONS.length - 1);
    expect(image.missing).toBe(0);
    const cut = imageOf(file.subarray(0, file.length - 0x800));
    expect(cut.regions.at(-1)).toMatchObject({ address: 0x7fff_0000n, size: 0x800 });
    expect(cut.missing).toBe(0x800);
  });

  it("may keep its count of segments in a section header", () => {
    const extended = changed((v) => {
      v.setUint16(is64 ? 56 : 44, 0xffff, true);
      if (is64) v.setBigUint64(40, BigInt(file.length - 64), true);
      else v.setUint32(32, file.length - 64, true);
      v.setUint32(file.length - 64 + (is64 ? 44 : 28), REGIONS.length + 1, true);
    });
    expect(imageOf(extended).regions).toHaveLength(REGIONS.length);
    const lost = imageOf(changed((v) => v.setUint16(is64 ? 56 : 44, 0xffff, true)));
    expect(lost.anomalies.join()).toContain("section header that is not there");
  });

  it("is refused when it is no core, big-endian, or has no segments in the file", () => {
    const bad: readonly [string, Uint8Array][] = [
      ["EI_MAG", new Uint8Array(0)],
      ["EI_MAG", file.subarray(0, 3)],
      ["EI_CLASS", changed((v) => v.setUint8(4, 3))],
      ["EI_DATA", changed((v) => v.setUint8(5, 2))],
      ["e_type", changed((v) => v.setUint16(16, 2, true))],
      ["e_phoff", file.subarray(0, 40)],
      ["e_phoff", changed((v) => v.setUint32(is64 ? 32 : 28, 0xffff_fff0, true))],
      ["e_phoff", changed((v) => v.setUint16(is64 ? 54 : 42, 1, true))],
    ];
    for (const [field, bytes] of bad)
      expect(readElfCore(bytesSource(bytes)), field).toMatchObject({ ok: false, error: { field } });
  });

  it("with notes that run off or count too much keeps its memory", () => {
    const runsOff = imageOf(changed((v) => v.setUint32(noteAt + 4, 0xffff_fff0, true)));
    expect(runsOff.regions).toHaveLength(REGIONS.length);
    expect(runsOff.anomalies).toEqual(["a note runs past the end of its segment"]);
    const filesAt = (() => {
      const view = new DataView(file.buffer);
      for (let at = noteAt; ; at += 4) if (view.getUint32(at, true) === 0x46494c45) return at + 4 + 8;
    })();
    const start = performance.now();
    const counts = imageOf(changed((v) => v.setUint32(filesAt, 0xffff_ffff, true)));
    expect(performance.now() - start).toBeLessThan(3000);
    expect(counts.anomalies[0]).toContain("NT_FILE counts 4294967295 mappings");
    expect(counts.modules).toEqual([]);
  });

  it("with any bytes changed or cut off is refused or keeps the rules, and never throws", () => {
    const heads = noteAt + 1200;
    const edit = fc.tuple(fc.nat(heads), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(
        fc.array(edit, { maxLength: 8 }),
        fc.nat(file.length),
        fc.boolean(),
        (edits, length, cut) => {
          const copy = file.slice(0, cut ? length : file.length);
          for (const [at, value] of edits) if (at > 17 && at < copy.length) copy[at] = value;
          const image = readElfCore(bytesSource(copy));
          if (!image.ok) return;
          let end = 0n;
          for (const { address, size, offset } of image.value.regions) {
            expect(size).toBeGreaterThan(0);
            expect(address).toBeGreaterThanOrEqual(end);
            end = address + BigInt(size);
            expect(offset + size).toBeLessThanOrEqual(copy.length);
          }
          expect(end).toBeLessThanOrEqual(1n << 64n);
        },
      ),
      { seed: 46, numRuns: 1000 },
    );
  });
});

describe("NT_FILE", () => {
  it("with a hundred thousand mappings is read in time", () => {
    const regions = Array.from({ length: 60_000 }, (_, i) => ({
      address: BigInt(i) * 0x2000n,
      bytes: new Uint8Array(1),
      module: `/usr/lib/lib${i}.so`,
    }));
    const file = writeElfCore(regions);
    const start = performance.now();
    const image = imageOf(file);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(image.modules).toHaveLength(60_000);
    expect(image.regions[59_999]).toMatchObject({ module: "/usr/lib/lib59999.so" });
  });

  it("of another owner is none", () => {
    const file = writeElfCore(REGIONS);
    const at = 64 + 56 * (REGIONS.length + 1) + 12;
    file.set(new ByteWriter().ascii("LINX").toBytes(), at);
    expect(imageOf(file).modules).toEqual([]);
  });
});
