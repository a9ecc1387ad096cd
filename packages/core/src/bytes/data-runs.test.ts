import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dataRuns } from "./data-runs.ts";

const PAGE = 0x1000;

describe("dataRuns", () => {
  it("gives the runs of pages that hold anything", () => {
    const bytes = new Uint8Array(10 * PAGE + 5);
    bytes[2 * PAGE + 17] = 1;
    bytes[3 * PAGE + 4095] = 1;
    bytes[6 * PAGE] = 1;
    bytes[10 * PAGE + 4] = 1;
    expect([...dataRuns(bytes)]).toEqual([
      [2 * PAGE, 4 * PAGE],
      [6 * PAGE, 7 * PAGE],
      [10 * PAGE, 10 * PAGE + 5],
    ]);
  });

  it("leaves out nothing but zeros, however the bytes are aligned", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 7 }),
        fc.integer({ min: 0, max: 3 * PAGE }),
        fc.array(fc.integer({ min: 0, max: 3 * PAGE }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 9 }),
        (skip, size, places, from) => {
          const bytes = new Uint8Array(skip + size).subarray(skip);
          for (const place of places) if (place < size) bytes[place] = 1;
          const runs = [...dataRuns(bytes, from)];
          const covered = (at: number) => runs.some(([start, end]) => at >= start && at < end);
          for (const place of places) expect(covered(place)).toBe(place < size && place >= from);
          for (const [start, end] of runs) expect(bytes.subarray(start, end).includes(1)).toBe(true);
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });
});
