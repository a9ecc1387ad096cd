import { type DumpRegion, writeCapeDump } from "@assay/carriers/dumps/index";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../bytes/index.ts";
import { isCapeDump, readCapeDump } from "./cape-dump.ts";
import type { MemoryImage } from "./model.ts";

const page = (fill: number, pages = 1): Uint8Array => new Uint8Array(0x1000 * pages).fill(fill);

const REGIONS: readonly DumpRegion[] = [
  { address: 0x1_0000n, bytes: page(1), protection: "rw-", type: "private" },
  { address: 0x40_0000n, bytes: page(2), protection: "r--", type: "image" },
  { address: 0x40_1000n, bytes: page(3, 3), protection: "r-x", type: "image" },
  { address: 0x7ff6_a000_0000n, bytes: page(4), protection: "rwx", type: "mapped" },
  { address: 0xffff_ffff_ffff_f000n, bytes: page(5), protection: "---", type: "private" },
];
const FILE = writeCapeDump(REGIONS);

function imageOf(file: Uint8Array): MemoryImage {
  const image = readCapeDump(bytesSource(file));
  if (!image.ok) throw new Error(image.error.field);
  return image.value;
}

describe("a CAPE dump", () => {
  it("gives every record as a region and reads back its bytes", () => {
    const image = imageOf(FILE);
    expect(image.regions.map(({ offset, ...region }) => region)).toEqual(
      REGIONS.map(({ bytes, ...region }) => ({ ...region, size: bytes.length })),
    );
    for (const [i, { offset, size }] of image.regions.entries())
      expect(image.source.read(offset, size)).toEqual(REGIONS[i]?.bytes);
    expect(image).toMatchObject({ kind: "cape-dump", anomalies: [], missing: 0 });
  });

  it("keeps the first listing of an address", () => {
    const image = imageOf(
      writeCapeDump([
        { address: 0x2000n, bytes: page(1, 2) },
        { address: 0x1000n, bytes: page(2, 4) },
      ]),
    );
    expect(image.regions.map((r) => [r.address, r.size, image.source.read(r.offset, 1)[0]])).toEqual([
      [0x1000n, 0x1000, 2],
      [0x2000n, 0x2000, 1],
      [0x4000n, 0x1000, 2],
    ]);
    expect(image.anomalies).toEqual(["1 range lies over others; the first listing stands"]);
  });

  it("cut within its last record says how much is missing", () => {
    for (const cut of [1, 0x800, 0x1000]) {
      const image = imageOf(FILE.subarray(0, FILE.length - cut));
      expect(image.missing).toBe(cut);
      expect(image.anomalies).toHaveLength(1);
    }
  });

  it("with a record that is none stops there and says so", () => {
    const copy = FILE.slice();
    copy[24 + 0x1000 + 12] = 0x77;
    const image = imageOf(copy);
    expect(image.regions).toHaveLength(1);
    expect(image.anomalies).toEqual([
      `no record at offset ${24 + 0x1000}: ${FILE.length - 24 - 0x1000} bytes are not read`,
    ]);
  });

  it("goes on behind a record without protection, but does not start with one", () => {
    const copy = FILE.slice();
    copy[24 + 0x1000 + 20] = 0;
    expect(imageOf(copy).regions.map((r) => r.protection)).toEqual(["rw-", undefined, "r-x", "rwx", "---"]);
    copy[20] = 0;
    expect(isCapeDump(bytesSource(copy))).toBe(false);
  });

  it("with a size of nearly 4 GiB ends at once", () => {
    const copy = FILE.slice();
    new DataView(copy.buffer).setUint32(8, 0xffff_f000, true);
    const image = imageOf(copy);
    expect(image.regions).toHaveLength(1);
    expect(image.missing).toBe(0xffff_f000 - (FILE.length - 24));
  });

  it("with any bytes changed or cut off is refused or keeps the rules, and never throws", () => {
    const edit = fc.tuple(fc.nat(FILE.length - 1), fc.constantFrom(0, 1, 0x10, 0x80, 0xff));
    const heads = fc.constantFrom(0, 24 + 0x1000, 48 + 0x2000).chain((at) =>
      fc.tuple(
        fc.nat(23).map((n) => at + n),
        fc.constantFrom(0, 1, 0x10, 0x80, 0xff),
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(edit, heads), { maxLength: 6 }), fc.nat(FILE.length), (edits, length) => {
        const copy = FILE.slice(0, length);
        for (const [at, value] of edits) if (at < length) copy[at] = value;
        isCapeDump(bytesSource(copy));
        const image = readCapeDump(bytesSource(copy));
        if (!image.ok) return;
        let end = 0n;
        for (const { address, size, offset } of image.value.regions) {
          expect(address).toBeGreaterThanOrEqual(end);
          end = address + BigInt(size);
          expect(offset + size).toBeLessThanOrEqual(length);
        }
        expect(end).toBeLessThanOrEqual(1n << 64n);
      }),
      { seed: 43, numRuns: 1000 },
    );
  });
});

describe("a file counts as a CAPE dump", () => {
  const is = (file: Uint8Array) => isCapeDump(bytesSource(file));

  it("by records that chain, few or many, and cut ones too", () => {
    expect(is(FILE)).toBe(true);
    expect(is(FILE.subarray(0, 24 + 0x1000))).toBe(true);
    expect(is(FILE.subarray(0, 24 + 0x1000 + 10))).toBe(true);
    expect(is(FILE.subarray(0, 500))).toBe(true);
  });

  it("not by anything else", () => {
    const changed = (at: number, value: number) => {
      const copy = FILE.slice();
      copy[at] = value;
      return copy;
    };
    expect(is(new Uint8Array(0))).toBe(false);
    expect(is(page(0))).toBe(false);
    expect(is(FILE.subarray(0, 23))).toBe(false);
    for (const at of [0, 8, 12, 15, 16, 19, 20, 23]) expect(is(changed(at, 0x83)), `byte ${at}`).toBe(false);
    expect(is(changed(24 + 0x1000 + 2, 0)), "addresses that do not ascend").toBe(false);
    expect(is(changed(24 + 0x1000 + 21, 0xff)), "guarded, with what Windows 10 added").toBe(true);
  });
});
