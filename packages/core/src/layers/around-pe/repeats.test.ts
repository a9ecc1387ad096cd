import { junk } from "@assay/carriers/wrap";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../bytes/index.ts";
import { findRepeats, MIN_REPEAT } from "./repeats.ts";

const block = (size: number): Uint8Array => junk("block", size);

describe("findRepeats", () => {
  it.each([1, 3, 7, 64, 4096, 100_003])(
    "finds a period of %i wherever it starts and ends in memory",
    (period) => {
      const one = block(period);
      for (const shift of [0, 1, 2, 3]) {
        const run = new Uint8Array(MIN_REPEAT + 500_000 + shift).map((_, i) => one[i % period] ?? 0);
        const bytes = concatBytes(new Uint8Array(shift).fill(0xee), run, block(50_000).reverse()).subarray(
          shift,
        );
        const [found, ...more] = findRepeats(bytes, 0, bytes.length);
        expect(more).toEqual([]);
        expect(found).toMatchObject({ start: 0, period });
        expect(Math.abs((found?.end ?? 0) - run.length)).toBeLessThan(8);
      }
    },
  );

  it("takes a run that ends close behind its last probe", () => {
    for (let cut = 0; cut < 70; cut++) {
      const bytes = new Uint8Array(MIN_REPEAT / 2 + 40 + cut);
      expect(findRepeats(bytes, 0, bytes.length)).toEqual([]);
    }
  });
});
