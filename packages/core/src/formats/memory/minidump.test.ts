import { ByteWriter } from "@assay/carriers/dotnet/bytes";
import { type DumpRegion, writeMinidump } from "@assay/carriers/dumps/index";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../bytes/index.ts";
import { readMinidump } from "./minidump.ts";
import type { MemoryImage } from "./model.ts";

const page = (fill: number, pages = 1): Uint8Array => new Uint8Array(0x1000 * pages).fill(fill);

function imageOf(file: Uint8Array): MemoryImage {
  const image = readMinidump(bytesSource(file));
  if (!image.ok) throw new Error(`${image.error.code} ${image.error.field}`);
  return image.value;
}

/** First byte of each region, to tell which listing it came from. */
const fills = (image: MemoryImage) => image.regions.map((r) => image.source.read(r.offset, 1)[0]);
const ranges = (image: MemoryImage) => image.regions.map((r) => [r.address, r.size]);

const PROCESS: readonly DumpRegion[] = [
  { address: 0x40_0000n, bytes: page(1), protection: "r--", type: "image", module: "C:\\a\\RegAsm.exe" },
  { address: 0x40_1000n, bytes: page(2, 2), protection: "r-x", type: "image", module: "C:\\a\\RegAsm.exe" },
  { address: 0x7ff6_a000_0000n, bytes: page(3), protection: "rwx", type: "private" },
  { address: 0xffff_ffff_ffff_f000n, bytes: page(4), protection: "---", type: "mapped" },
];

describe("a minidump with full memory", () => {
  const image = imageOf(writeMinidump(PROCESS, { pid: 4711 }));

  it("gives every region with its protection, type and module, and reads back its bytes", () => {
    expect(image.regions.map(({ offset, ...region }) => region)).toEqual(
      PROCESS.map(({ bytes, ...region }) => ({ ...region, size: bytes.length })),
    );
    for (const [i, { offset, size }] of image.regions.entries())
      expect(image.source.read(offset, size)).toEqual(PROCESS[i]?.bytes);
  });

  it("says whose memory it is", () => {
    expect(image.process).toEqual({ name: "RegAsm.exe", pid: 4711 });
    expect(image.pointerSize).toBe(8);
    expect(image.modules).toEqual([{ name: "C:\\a\\RegAsm.exe", address: 0x40_0000n, size: 0x3000 }]);
    expect(image.anomalies).toEqual([]);
    expect(image.missing).toBe(0);
  });

  it("of a 32-bit process has pointers of four bytes, and no pid when none is written", () => {
    const small = imageOf(writeMinidump(PROCESS, { pointerSize: 4 }));
    expect(small.pointerSize).toBe(4);
    expect(small.process).toEqual({ name: "RegAsm.exe" });
  });

  it("lists memory in any order", () => {
    expect(ranges(imageOf(writeMinidump(PROCESS.toReversed())))).toEqual(ranges(image));
  });
});

describe("a minidump with MemoryList", () => {
  it("reads as one with Memory64List", () => {
    const image = imageOf(writeMinidump(PROCESS, { list: "memory" }));
    expect(ranges(image)).toEqual(ranges(imageOf(writeMinidump(PROCESS))));
    expect(fills(image)).toEqual([1, 2, 3, 4]);
  });

  it("takes stacks that only the threads list, and those in both once and in silence", () => {
    const stacks = [
      { address: 0x40_1000n, size: 0x2000, rva: 64 },
      { address: 0x9000_0000n, size: 16, rva: 64 },
      { address: 0xa000_0000n, size: 16, rva: 0 },
    ];
    const image = imageOf(writeMinidump(PROCESS, { list: "memory", stacks }));
    expect(ranges(image)).toContainEqual([0x9000_0000n, 16]);
    expect(image.regions).toHaveLength(PROCESS.length + 1);
    expect(fills(image).slice(0, 2)).toEqual([1, 2]);
    expect(image.anomalies).toEqual([]);
  });
});

describe("protections", () => {
  const whole = { address: 0x10_0000n, bytes: page(7, 4) };
  const infos = (...list: readonly (readonly [number, number, number, number, number?])[]) => {
    const out = new ByteWriter().u32(16).u32(48).u64(BigInt(list.length));
    for (const [address, size, protect, type, state = 0x1000] of list) {
      out.u64(BigInt(address)).u64(BigInt(address)).u32(0).u32(0).u64(BigInt(size));
      out.u32(state).u32(protect).u32(type).u32(0);
    }
    return imageOf(
      writeMinidump([whole], { memoryInfo: false, streams: [{ type: 16, data: out.toBytes() }] }),
    ).regions.map((r) => [Number(r.address), r.size, r.protection, r.type]);
  };

  it("split a range that several have", () => {
    expect(
      infos(
        [0x10_0000, 0x1000, 0x04, 0x20000],
        [0x10_1000, 0x2000, 0x40, 0x20000],
        [0x10_3000, 0x1000, 0x20, 0x40000],
      ),
    ).toEqual([
      [0x10_0000, 0x1000, "rw-", "private"],
      [0x10_1000, 0x2000, "rwx", "private"],
      [0x10_3000, 0x1000, "r-x", "mapped"],
    ]);
  });

  it("are unknown where none is listed, and where the state is not committed", () => {
    expect(infos([0x10_1000, 0x1000, 0x02, 0x20000], [0x10_2000, 0x1000, 0, 0x20000, 0x2000])).toEqual([
      [0x10_0000, 0x1000, undefined, undefined],
      [0x10_1000, 0x1000, "r--", "private"],
      [0x10_2000, 0x2000, undefined, undefined],
    ]);
  });

  it("of guard pages and no access allow nothing", () => {
    expect(infos([0x10_0000, 0x2000, 0x104, 0x20000], [0x10_2000, 0x2000, 0x01, 0x20000])).toEqual([
      [0x10_0000, 0x2000, "---", "private"],
      [0x10_2000, 0x2000, "---", "private"],
    ]);
  });

  it("with PAGE_NOCACHE or a copy on write read as what they allow", () => {
    expect(infos([0x10_0000, 0x2000, 0x208, 0x20000], [0x10_2000, 0x2000, 0x80, 0x1000000])).toEqual([
      [0x10_0000, 0x2000, "rw-", "private"],
      [0x10_2000, 0x2000, "rwx", "image"],
    ]);
  });

  it("over 2^64 end there", () => {
    const out = new ByteWriter().u32(16).u32(48).u64(1n);
    out
      .u64(0x10_2000n)
      .u64(0n)
      .u32(0)
      .u32(0)
      .u64(0xffff_ffff_ffff_ffffn)
      .u32(0x1000)
      .u32(4)
      .u32(0x20000)
      .u32(0);
    const image = imageOf(
      writeMinidump([whole], { memoryInfo: false, streams: [{ type: 16, data: out.toBytes() }] }),
    );
    expect(image.regions.map((r) => r.protection)).toEqual([undefined, "rw-"]);
  });

  it("join pages that are listed one by one", () => {
    const pages = Array.from({ length: 8 }, (_, i) => ({
      address: 0x1000n * BigInt(16 + i),
      bytes: page(i),
    }));
    const out = new ByteWriter().u32(16).u32(48).u64(1n);
    out.u64(0x1_0000n).u64(0x1_0000n).u32(4).u32(0).u64(0x8000n).u32(0x1000).u32(4).u32(0x20000).u32(0);
    const file = writeMinidump(pages, { memoryInfo: false, streams: [{ type: 16, data: out.toBytes() }] });
    expect(ranges(imageOf(file))).toEqual([[0x1_0000n, 0x8000]]);
  });
});

describe("hostile minidumps", () => {
  const file = writeMinidump(PROCESS, { pid: 1 });
  const changed = (edit: (view: DataView) => void) => {
    const copy = file.slice();
    edit(new DataView(copy.buffer));
    return copy;
  };
  /** File offset of a stream. */
  const streamAt = (type: number) => {
    const view = new DataView(file.buffer);
    for (let at = 32; ; at += 12) if (view.getUint32(at, true) === type) return view.getUint32(at + 8, true);
  };

  it("are refused without magic or directory", () => {
    for (const bad of [new Uint8Array(0), file.subarray(0, 3), file.subarray(0, 20), page(0x4d)])
      expect(readMinidump(bytesSource(bad)).ok).toBe(false);
    for (const rva of [file.length, 0xffff_ffff])
      expect(readMinidump(bytesSource(changed((v) => v.setUint32(12, rva, true))))).toMatchObject({
        ok: false,
        error: { code: "truncated", field: "StreamDirectoryRva" },
      });
  });

  it("with counts of 2^32-1 and 2^64-1 give what is there, at once, and say so", () => {
    const start = performance.now();
    const many = changed((v) => {
      v.setUint32(8, 0xffff_ffff, true);
      v.setBigUint64(streamAt(9), 0xffff_ffff_ffff_ffffn, true);
      v.setBigUint64(streamAt(16) + 8, 0xffff_ffff_ffff_ffffn, true);
      v.setUint32(streamAt(4), 0xffff_ffff, true);
    });
    const image = imageOf(many);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(image.regions).toHaveLength(PROCESS.length);
    expect(image.anomalies.filter((a) => a.includes("counts"))).toHaveLength(4);
  });

  it("with sizes beyond the file give what is there and count the rest as missing", () => {
    const image = imageOf(changed((v) => v.setBigUint64(streamAt(9) + 16 + 3 * 16 + 8, 0x2800n, true)));
    expect(image.regions.at(-1)).toMatchObject({ address: 0xffff_ffff_ffff_f000n, size: 0x1000 });
    expect(image.missing).toBe(0x1800);
    const endless = imageOf(changed((v) => v.setBigUint64(streamAt(9) + 24, 0xffff_ffff_ffff_ffffn, true)));
    expect(endless.missing).toBe(Number.MAX_SAFE_INTEGER);
    expect(endless.anomalies.join()).toContain("not wholly in the file");
  });

  it("truncated anywhere give a prefix of the memory", () => {
    const memoryAt = file.length - 5 * 0x1000;
    for (const cut of [0x1000, 0x1800, 0x4fff, 0x5000]) {
      const image = imageOf(file.subarray(0, file.length - cut));
      expect(image.missing).toBe(cut);
      expect(image.regions.reduce((sum, r) => sum + r.size, 0)).toBe(0x5000 - cut);
    }
    for (let length = 44; length < memoryAt; length += 7) readMinidump(bytesSource(file.subarray(0, length)));
  });

  it("with a base outside hold no memory", () => {
    for (const base of [BigInt(file.length), 0xffff_ffff_ffff_ffffn]) {
      const image = imageOf(changed((v) => v.setBigUint64(streamAt(9) + 8, base, true)));
      expect(image.regions).toEqual([]);
      expect(image.missing).toBe(0x5000);
      expect(image.anomalies).toContain("holds no memory");
    }
  });

  it("with streams that overlap or come twice say so", () => {
    expect(imageOf(changed((v) => v.setUint32(40, streamAt(16) + 8, true))).anomalies).toContain(
      "streams overlap",
    );
    expect(imageOf(changed((v) => v.setUint32(32, 9, true))).anomalies).toContain("stream 9 is listed again");
  });

  it("with names that run off keep the module without its name", () => {
    for (const rva of [file.length - 2, 0xffff_fff0, streamAt(9) + 16]) {
      const image = imageOf(changed((v) => v.setUint32(streamAt(4) + 4 + 20, rva, true)));
      expect(image.modules).toMatchObject([{ name: "", address: 0x40_0000n }]);
      expect(image.anomalies.join()).toContain("names of 1 modules");
    }
  });

  it("with ranges past 2^64 are cut there", () => {
    const image = imageOf(writeMinidump([{ address: 0xffff_ffff_ffff_f000n, bytes: page(1, 3) }]));
    expect(ranges(image)).toEqual([[0xffff_ffff_ffff_f000n, 0x1000]]);
    expect(image.anomalies).toEqual(["1 range lies beyond the last address, cut there"]);
  });

  it("that say the same bytes of the file over and over do not grow", () => {
    const list = new ByteWriter().u32(1000);
    for (let i = 0; i < 1000; i++)
      list
        .u64(0x1_0000n * BigInt(i))
        .u32(0x8000)
        .u32(64);
    const image = imageOf(
      writeMinidump([{ address: 0x1000n, bytes: page(1, 8) }], {
        streams: [{ type: 5, data: list.toBytes() }],
      }),
    );
    expect(image.regions.reduce((sum, r) => sum + r.size, 0)).toBeLessThanOrEqual(image.source.size);
    expect(image.anomalies.join()).toContain("share bytes");
  });
});

describe("any minidump", () => {
  const some = fc.array(
    fc.record({
      address: fc.nat(40).map((n) => BigInt(n * 4)),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }),
      protection: fc.constantFrom("r--", "rw-", "rwx"),
    }),
    { maxLength: 12 },
  );

  it("has ascending disjoint regions in which the first listing of an address stands", () => {
    fc.assert(
      fc.property(some, fc.boolean(), (regions, full) => {
        const image = imageOf(writeMinidump(regions, { list: full ? "memory64" : "memory" }));
        const expected = new Map<bigint, [number, string]>();
        for (const { address, bytes, protection } of regions)
          bytes.forEach((byte, i) => {
            const at = address + BigInt(i);
            if (!expected.has(at)) expected.set(at, [byte, protection]);
          });
        const got = new Map<bigint, [number, string]>();
        let end = -1n;
        for (const region of image.regions) {
          expect(region.address).toBeGreaterThanOrEqual(end);
          end = region.address + BigInt(region.size);
          const bytes = image.source.read(region.offset, region.size);
          bytes.forEach((byte, i) => {
            got.set(region.address + BigInt(i), [byte, region.protection ?? ""]);
          });
        }
        expect(got).toEqual(expected);
      }),
      { seed: 41, numRuns: 400 },
    );
  });

  it("with any bytes changed or cut off is refused or keeps the rules, and never throws", () => {
    const file = writeMinidump(
      PROCESS.map((r) => ({ ...r, bytes: r.bytes.subarray(0, 64) })),
      { pid: 7, stacks: [{ address: 0x123n, size: 32, rva: 64 }] },
    );
    const edit = fc.tuple(fc.nat(file.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), fc.nat(file.length), (edits, length) => {
        const copy = file.slice(0, Math.max(40, length));
        for (const [at, value] of edits) if (at >= 4 && at < copy.length) copy[at] = value;
        const image = readMinidump(bytesSource(copy));
        if (!image.ok) return;
        let end = 0n;
        for (const { address, size, offset } of image.value.regions) {
          expect(size).toBeGreaterThan(0);
          expect(address).toBeGreaterThanOrEqual(end);
          end = address + BigInt(size);
          expect(end).toBeLessThanOrEqual(1n << 64n);
          expect(offset + size).toBeLessThanOrEqual(copy.length);
        }
        expect(image.value.missing).toBeGreaterThanOrEqual(0);
      }),
      { seed: 42, numRuns: 1500 },
    );
  });
});
