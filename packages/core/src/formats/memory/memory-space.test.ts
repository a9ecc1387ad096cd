import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../bytes/index.ts";
import { MAX_READ, MemorySpace } from "./memory-space.ts";
import type { MemoryImage, MemoryRegion } from "./model.ts";

const SOURCE = Uint8Array.from({ length: 256 }, (_, i) => i);

function imageOf(regions: readonly MemoryRegion[], bytes = SOURCE): MemoryImage {
  return { kind: "minidump", source: bytesSource(bytes), regions, modules: [], anomalies: [], missing: 0 };
}

/** Ascending and disjoint, with and without gaps, anywhere in the source; near 0 or near 2^64. */
const layout = fc
  .tuple(
    fc.constantFrom(0n, 0x7fff_ffff_fff0n, 0xffff_ffff_ffff_ff00n),
    fc.array(
      fc.record({ gap: fc.constantFrom(0, 0, 3), size: fc.integer({ min: 1, max: 9 }), offset: fc.nat(240) }),
      {
        maxLength: 10,
      },
    ),
  )
  .map(([base, parts]) => {
    let at = base;
    return parts.map(({ gap, size, offset }) => {
      const address = at + BigInt(gap);
      at = address + BigInt(size);
      return { address, size, offset };
    });
  });

/** The image as a table of bytes. */
function tableOf(regions: readonly MemoryRegion[]): Map<bigint, number> {
  const table = new Map<bigint, number>();
  for (const { address, size, offset } of regions)
    for (let i = 0; i < size; i++) table.set(address + BigInt(i), offset + i);
  return table;
}

describe("MemorySpace", () => {
  it("reads what a table of bytes holds, whole or clipped, with its places", () => {
    fc.assert(
      fc.property(layout, fc.nat(70), fc.nat(30), (regions, skip, length) => {
        const space = new MemorySpace(imageOf(regions));
        const table = tableOf(regions);
        const address = (regions[0]?.address ?? 0n) + BigInt(skip) - 2n;
        const expected: number[] = [];
        for (let i = 0; i < length; i++) {
          const offset = table.get(address + BigInt(i));
          if (offset === undefined) break;
          expected.push(offset);
        }
        const clipped = space.clip(address, length);
        expect([...clipped.bytes]).toEqual(expected);
        expect(
          clipped.spans.flatMap((s) => Array.from({ length: s.length }, (_, i) => s.offset + i)),
        ).toEqual(expected);
        const read = space.read(address, length);
        expect(read).toEqual(expected.length === length ? clipped : undefined);
        expect(space.regionAt(address)).toEqual(
          regions.find((r) => address >= r.address && address < r.address + BigInt(r.size)),
        );
      }),
      { seed: 44, numRuns: 2000 },
    );
  });

  it("gives runs that hold every region once and never touch each other", () => {
    fc.assert(
      fc.property(layout, (regions) => {
        const runs = [...new MemorySpace(imageOf(regions)).runs()];
        expect(runs.flatMap((run) => run.regions)).toEqual(regions);
        runs.forEach((run, i) => {
          expect(run.address).toBe(run.regions[0]?.address);
          expect(run.size).toBe(run.regions.reduce((sum, r) => sum + r.size, 0));
          const before = runs[i - 1];
          if (before !== undefined) expect(run.address).toBeGreaterThan(before.address + BigInt(before.size));
        });
      }),
      { seed: 45, numRuns: 500 },
    );
  });

  it("joins places that follow each other in the source", () => {
    const space = new MemorySpace(
      imageOf([
        { address: 16n, size: 4, offset: 8 },
        { address: 20n, size: 4, offset: 12 },
        { address: 24n, size: 4, offset: 100 },
      ]),
    );
    expect(space.read(18n, 8)?.spans).toEqual([
      { offset: 10, length: 6 },
      { offset: 100, length: 2 },
    ]);
  });

  it("gives copies", () => {
    const bytes = new Uint8Array(8);
    const read = new MemorySpace(imageOf([{ address: 0n, size: 8, offset: 0 }], bytes)).read(0n, 8);
    bytes.fill(1);
    expect(read?.bytes).toEqual(new Uint8Array(8));
  });

  it("gives nothing for lengths that make no sense, and allocates nothing for what is not there", () => {
    const space = new MemorySpace(imageOf([{ address: 0n, size: 8, offset: 0 }]));
    for (const length of [-1, Number.NaN, 9, MAX_READ + 1, 2 ** 60])
      expect(space.read(0n, length), `${length}`).toBeUndefined();
    expect(space.clip(0n, 2 ** 60).bytes).toHaveLength(8);
    expect(space.clip(0n, -1).bytes).toHaveLength(0);
    expect(space.read(-1n, 1)).toBeUndefined();
  });

  it("gives what the source gives when that is less than the image says", () => {
    const space = new MemorySpace(imageOf([{ address: 0n, size: 100, offset: 200 }]));
    expect(space.read(0n, 100)).toBeUndefined();
    expect(space.clip(0n, 100).bytes).toHaveLength(56);
  });

  it("finds its way among a million regions", () => {
    const regions = Array.from({ length: 1_000_000 }, (_, i) => ({
      address: BigInt(i) * 0x2000n,
      size: 0x1000,
      offset: 0,
    }));
    const space = new MemorySpace(imageOf(regions));
    const start = performance.now();
    const wrong = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 1_000_000).filter(
      (at) => space.regionAt(BigInt(at) * 0x2000n + 0xfffn) !== regions[at],
    );
    expect(wrong).toEqual([]);
    expect(performance.now() - start).toBeLessThan(3000);
    expect([...space.runs()]).toHaveLength(1_000_000);
  });
});
