import {
  type DumpRegion,
  writeCapeDump,
  writeElfCore,
  writeLime,
  writeMinidump,
} from "@assay/carriers/dumps/index";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../bytes/index.ts";
import { readLime } from "./lime.ts";
import { memoryKindOf, openMemory } from "./open-memory.ts";

const page = (fill: number, pages = 1): Uint8Array => new Uint8Array(0x1000 * pages).fill(fill);
const REGIONS: readonly DumpRegion[] = [
  { address: 0x1000n, bytes: page(1) },
  { address: 0x1_0000_0000n, bytes: page(2, 2) },
];
const FILES = {
  minidump: writeMinidump(REGIONS),
  "elf-core": writeElfCore(REGIONS),
  lime: writeLime(REGIONS),
  "cape-dump": writeCapeDump(REGIONS),
} as const;

describe("openMemory", () => {
  it("knows every kind that has a header by its content, and reads it", () => {
    for (const [kind, file] of Object.entries(FILES)) {
      const image = openMemory(bytesSource(file));
      expect(image, kind).toMatchObject({ ok: true, value: { kind, anomalies: [], missing: 0 } });
      if (image.ok)
        expect(image.value.regions.map((r) => [r.address, r.size])).toEqual([
          [0x1000n, 0x1000],
          [0x1_0000_0000n, 0x2000],
        ]);
    }
  });

  it("takes nothing else for a memory image, programs and shared libraries neither", () => {
    const library = FILES["elf-core"].slice();
    library[16] = 3;
    for (const bytes of [
      new Uint8Array(0),
      page(0),
      page(0x4d),
      library,
      Uint8Array.from([0x4d, 0x5a, 0x90, 0]),
    ]) {
      expect(memoryKindOf(bytesSource(bytes))).toBeUndefined();
      expect(openMemory(bytesSource(bytes))).toEqual({
        ok: false,
        error: { code: "bad-magic", field: "memory image" },
      });
    }
  });

  it("takes bytes for a region or for RAM when it is told to, its base given or in its name", () => {
    const source = bytesSource(page(9));
    const open = (hint: Parameters<typeof openMemory>[1]) => {
      const image = openMemory(source, hint);
      return image.ok ? image.value : undefined;
    };
    expect(open({ base: 0x7ff6_a000_0000n })).toMatchObject({
      kind: "region",
      regions: [{ address: 0x7ff6_a000_0000n, size: 0x1000, offset: 0 }],
      anomalies: [],
    });
    expect(open({ kind: "region", name: "a/0x400000.bin" })?.regions[0]?.address).toBe(0x40_0000n);
    expect(open({ kind: "region", name: "a/b.bin" })).toMatchObject({
      regions: [{ address: 0n, size: 0x1000, offset: 0 }],
      anomalies: ["no base address is known: addresses count from 0"],
    });
    expect(open({ kind: "raw" })).toMatchObject({ kind: "raw", regions: [{ address: 0n, size: 0x1000 }] });
    expect(open({ name: "0x400000.bin" })).toBeUndefined();
  });

  it("cuts a region that would pass the last address, and refuses a base that is none", () => {
    const source = bytesSource(page(9, 2));
    expect(openMemory(source, { base: 0xffff_ffff_ffff_f000n })).toMatchObject({
      ok: true,
      value: { regions: [{ address: 0xffff_ffff_ffff_f000n, size: 0x1000 }] },
    });
    for (const base of [-1n, 1n << 64n])
      expect(openMemory(source, { base })).toMatchObject({ ok: false, error: { field: "base" } });
  });

  it("reads a dump as what the hint says, and fails when it is not that", () => {
    expect(openMemory(bytesSource(FILES.minidump), { kind: "region", base: 0x1000n })).toMatchObject({
      ok: true,
      value: { kind: "region" },
    });
    expect(openMemory(bytesSource(FILES.minidump), { base: 0x1000n })).toMatchObject({
      ok: true,
      value: { kind: "minidump" },
    });
    expect(openMemory(bytesSource(FILES.minidump), { kind: "lime" }).ok).toBe(false);
  });

  it("takes the pid of a CAPE dump from its name", () => {
    const processOf = (name: string) => {
      const image = openMemory(bytesSource(FILES["cape-dump"]), { name });
      return image.ok ? image.value.process : undefined;
    };
    expect(processOf("analyses/12/memory/4711.dmp")).toEqual({ pid: 4711 });
    expect(processOf("4711.dmp")).toEqual({ pid: 4711 });
    expect(processOf("memory.dmp")).toBeUndefined();
  });
});

describe("a LiME image", () => {
  const file = FILES.lime;

  it("that is cut, or goes on with something else, says what it lacks", () => {
    const cut = readLime(bytesSource(file.subarray(0, file.length - 0x1800)));
    expect(cut).toMatchObject({ ok: true, value: { missing: 0x1800 } });
    const copy = file.slice();
    copy[32 + 0x1000] = 0;
    expect(readLime(bytesSource(copy))).toMatchObject({
      ok: true,
      value: {
        regions: [{ address: 0x1000n }],
        anomalies: [`no range header at offset ${32 + 0x1000}: ${32 + 0x2000} bytes are not read`],
      },
    });
  });

  it("of a version that is unknown, or that ends before it begins, is refused or empty", () => {
    const version = file.slice();
    version[4] = 2;
    expect(readLime(bytesSource(version))).toMatchObject({ ok: false, error: { field: "version" } });
    expect(readLime(bytesSource(file.subarray(0, 20))).ok).toBe(false);
    const backwards = file.slice();
    backwards.fill(0, 16, 24);
    expect(readLime(bytesSource(backwards))).toMatchObject({ ok: true, value: { regions: [] } });
  });

  it("with a range up to 2^64 ends at once", () => {
    const copy = file.slice();
    copy.fill(0xff, 16, 24);
    expect(readLime(bytesSource(copy))).toMatchObject({
      ok: true,
      value: { regions: [{ address: 0x1000n, size: file.length - 32 }], missing: Number.MAX_SAFE_INTEGER },
    });
  });

  it("with any bytes changed or cut off is refused or keeps the rules, and never throws", () => {
    const heads = fc.constantFrom(0, 32 + 0x1000).chain((at) => fc.nat(31).map((n) => at + n));
    const edit = fc.tuple(heads, fc.constantFrom(0, 1, 0x10, 0x80, 0xff));
    fc.assert(
      fc.property(
        fc.array(edit, { maxLength: 6 }),
        fc.nat(file.length),
        fc.boolean(),
        (edits, length, cut) => {
          const copy = file.slice(0, cut ? length : file.length);
          for (const [at, value] of edits) if (at > 7 && at < copy.length) copy[at] = value;
          const image = readLime(bytesSource(copy));
          if (!image.ok) return;
          let end = 0n;
          for (const { address, size, offset } of image.value.regions) {
            expect(address).toBeGreaterThanOrEqual(end);
            end = address + BigInt(size);
            expect(offset + size).toBeLessThanOrEqual(copy.length);
          }
          expect(end).toBeLessThanOrEqual(1n << 64n);
        },
      ),
      { seed: 47, numRuns: 800 },
    );
  });
});
