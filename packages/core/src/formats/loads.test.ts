import { describe, expect, it } from "vitest";
import { LOAD_STEP, possibleLoads } from "./loads.ts";

function loads(length: number, vas: readonly number[]): number[] {
  const { first, last } = possibleLoads(length, vas);
  const all: number[] = [];
  for (let load = first; load >= last; load -= LOAD_STEP) all.push(load);
  return all;
}

describe("possibleLoads", () => {
  it("gives every place, in steps of a sector, under which all addresses lie inside", () => {
    const vas = [0x401234, 0x402010];
    const all = loads(0x1800, vas);
    expect(all[0]).toBe(0x401200);
    for (let load = 0x400000; load <= 0x403000; load += LOAD_STEP) {
      const isInside = vas.every((va) => va >= load && va - load < 0x1800);
      expect(all.includes(load), load.toString(16)).toBe(isInside);
    }
  });

  it("gives none when the addresses are farther apart than the bytes are long", () => {
    expect(loads(0x1000, [0x401000, 0x402000])).toEqual([]);
    expect(loads(0, [0x401000])).toEqual([]);
  });

  it("gives no more than 16 MB of places", () => {
    expect(loads(2 ** 30, [0x7000_0000])).toHaveLength(0x8000);
  });
});
