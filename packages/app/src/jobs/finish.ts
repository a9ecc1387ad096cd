/** The end of a job: its result, what follows from it and that it is done, in one transaction. */
import type { Sample } from "@assay/core/model/index";
import { asc, eq } from "drizzle-orm";
import type { Corpus } from "../store/corpus.ts";
import type { Database } from "../store/database.ts";
import { analysisKey } from "../store/facts.ts";
import { putBatch } from "../store/put.ts";
import { blobs, samples } from "../store/schema.ts";
import { touchWatches } from "../store/watch.ts";
import type { Boss } from "./boss.ts";
import { type Claim, settle } from "./claim.ts";
import { type Engine, putEngine, thisRun } from "./engine.ts";
import { shortReason, tellBatches } from "./events.ts";
import { PRIORITIES } from "./submit.ts";
import { submissions, tasks } from "./tables.ts";
import { transact } from "./transaction.ts";

/** A file that was sent under more names than this keeps the first. */
const MAX_NAMES = 64;

/** False when the claim had lapsed: nothing was written. */
export async function finish(
  { db }: Corpus,
  boss: Boss,
  engine: Engine,
  claim: Claim,
  result: Sample,
): Promise<boolean> {
  const { id, sha256, size, priority } = claim.task;
  const run = thisRun(engine);
  return transact(db, async (tx) => {
    if (!(await settle(tx, boss, claim))) return false;
    await putEngine(tx, engine);
    const sample = { ...result, sha256, names: await namesOf(tx, id) };
    const at = new Date().toISOString();
    const seenAt = priority === PRIORITIES.rescan ? await lastSeen(tx, sha256) : undefined;
    const seen = { sample, firstAt: at, lastAt: at, ...(seenAt === undefined ? {} : { seenAt }) };
    await tx.insert(blobs).values({ sha256, size, storedAt: at }).onConflictDoNothing();
    await touchWatches(tx, await putBatch(tx, run, [seen]), at);
    const { outcome } = sample;
    const [first] = outcome === "config" ? [] : sample.reasons;
    const end = {
      state: outcome === "failed" ? ("failed" as const) : ("done" as const),
      outcome,
      stage: first?.stage ?? null,
      reason: first === undefined ? null : shortReason(first.text),
    };
    await tx
      .update(tasks)
      // Whoever asked for it may be of another release than who did it.
      .set({ ...end, engine: engine.id, changedAt: at, analysis: analysisKey(sample, run.engine) })
      .where(eq(tasks.id, id));
    await tellBatches(tx, [{ task: id, ...end }], at);
    return true;
  });
}

async function namesOf(tx: Database, task: string): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ name: submissions.name })
    .from(submissions)
    .where(eq(submissions.task, task))
    .orderBy(asc(submissions.name))
    .limit(MAX_NAMES);
  return rows.map(({ name }) => name);
}

async function lastSeen(tx: Database, sha256: string): Promise<string | undefined> {
  const [row] = await tx.select({ at: samples.lastSeen }).from(samples).where(eq(samples.sha256, sha256));
  return row?.at;
}
