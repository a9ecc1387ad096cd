import { describe, expect, it } from "vitest";
import { trial } from "./reliability.ts";

describe("workers that are killed, cut off, and lose their database", () => {
  it("analyse every sample exactly once all the same", async ({ skip }) => {
    const outcome = await trial({
      ...{ carriers: 60, hosts: 3, namespaces: false },
      ...{ killEveryMs: 3000, maxKills: 3, cutMs: 12_000, crash: true },
    });
    if (outcome === undefined) return skip("no PostgreSQL for this machine");
    expect(outcome).toMatchObject({
      ...{ carriers: 60, right: 60, lost: 0, double: 0, dead: 0, wrong: [] },
      ...{ extraDoneEvents: 0, miscounted: 0, jobsLeft: 0, crashes: 1, cuts: 1, gracefulEnds: "3 of 3" },
    });
  }, 600_000);
});
