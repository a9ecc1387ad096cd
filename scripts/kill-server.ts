/** Kills an embedded server N times (default 50) while it takes uploads: npx tsx scripts/kill-server.ts [N] */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killRounds } from "../packages/app/src/api/testing/kill-rounds.ts";

const rounds = Number(process.argv[2] ?? 50);
const folder = mkdtempSync(join(tmpdir(), "assay-kill-"));
try {
  const numbers = await killRounds(folder, rounds, console.error);
  console.log(JSON.stringify(numbers, null, 2));
  const { lostBytes, lostBatches, notAnalysed, damage } = numbers;
  process.exitCode = lostBytes + lostBatches + notAnalysed + damage === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
