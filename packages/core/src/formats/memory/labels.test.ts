import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutByLabels, labelsOf, withModules } from "./labels.ts";
import type { Draft } from "./listing.ts";

const SPACE = 60;

/** Ascending and disjoint. */
const regions = fc
  .array(fc.record({ gap: fc.nat(4), size: fc.integer({ min: 1, max: 9 }) }), { maxLength: 8 })
  .map((parts) => {
    let at = 0;
    return parts.map(({ gap, size }): Draft => {
      const address = at + gap;
      at = address + size;
      return { address: BigInt(address), size, offset: 1000 + 3 * address };
    });
  });

/** In any order, over each other. */
const labels = fc.array(
  fc.record({ address: fc.nat(SPACE).map(BigInt), size: fc.nat(20), name: fc.constantFrom("a", "b", "c") }),
  { maxLength: 8 },
);

describe("cutByLabels", () => {
  it("gives every byte of every region once, in order, with the first label that holds it", () => {
    fc.assert(
      fc.property(regions, labels, (list, marks) => {
        const got: [bigint, number, string | undefined][] = [];
        cutByLabels(list, labelsOf(marks), ({ address, size, offset }, label) => {
          expect(size).toBeGreaterThan(0);
          for (let i = 0; i < size; i++) got.push([address + BigInt(i), offset + i, label?.name]);
        });
        const expected = list.flatMap(({ address, size, offset }) =>
          Array.from({ length: size }, (_, i) => {
            const at = address + BigInt(i);
            const mark = marks.find((m) => m.address <= at && at < m.address + BigInt(m.size));
            return [at, offset + i, mark?.name];
          }),
        );
        expect(got).toEqual(expected);
      }),
      { seed: 48, numRuns: 1500 },
    );
  });
});

describe("withModules", () => {
  const module = { name: "RegAsm.exe", address: 0x40_0000n, size: 0x3000 };
  const region = (type: Draft["type"]): Draft => ({ address: 0x40_0000n, size: 0x1000, offset: 0, type });

  it("names images and what is of no known type, and not the memory that replaced an image", () => {
    const names = (["image", undefined, "private", "mapped"] as const).map(
      (type) => withModules([region(type)], [module])[0]?.module,
    );
    expect(names).toEqual(["RegAsm.exe", "RegAsm.exe", undefined, undefined]);
  });

  it("takes no module of size zero, nor one that wraps, for more than it is", () => {
    const last = { address: 0xffff_ffff_ffff_f000n, size: 0x1000, offset: 0 };
    expect(withModules([last], [{ ...module, size: 0 }])[0]?.module).toBeUndefined();
    const wrapping = { name: "x", address: 0xffff_ffff_ffff_f800n, size: 0xffff_ffff };
    expect(withModules([last], [wrapping]).map((r) => [r.size, r.module])).toEqual([
      [0x800, undefined],
      [0x800, "x"],
    ]);
  });
});
