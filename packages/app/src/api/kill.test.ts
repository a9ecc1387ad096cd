import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { killRounds } from "./testing/kill-rounds.ts";

describe("an embedded server that is killed while it takes uploads", () => {
  it("loses nothing that it acknowledged, and analyses all of it in the end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "assay-kill-"));
    try {
      const numbers = await killRounds(folder, 2);
      expect(numbers.acknowledged).toBeGreaterThan(0);
      expect(numbers).toMatchObject({ lostBytes: 0, lostBatches: 0, notAnalysed: 0, damage: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 600_000);
});
