/** What storing results leaves to be worked off: one such job at a time, and at most one that waits. */
import type { Corpus } from "../store/corpus.ts";
import { correlate } from "../store/correlate.ts";
import { refreshStatistics } from "../store/statistics.ts";
import { type Boss, CORRELATE } from "./boss.ts";

/** Results that come meanwhile are worked off together (s). */
const GATHER_SECONDS = 5;

/** Asks for it, unless somebody has. */
export async function wantCorrelation(boss: Boss): Promise<void> {
  await boss.pgBoss.insert(CORRELATE, [{ startAfter: GATHER_SECONDS }]);
}

/** Does it if it is due and nobody else is at it. */
export async function correlateIfDue({ db }: Corpus, boss: Boss): Promise<void> {
  const [job] = await boss.pgBoss.fetch(CORRELATE);
  if (job === undefined) return;
  const { id, retryCount } = job;
  try {
    await correlate(db);
    await refreshStatistics(db);
  } catch (error) {
    await boss.pgBoss.fail(CORRELATE, { id, retryCount }, null);
    throw error;
  }
  await boss.pgBoss.complete(CORRELATE, { id, retryCount });
}
