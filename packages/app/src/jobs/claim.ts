/** A worker's hold on jobs: taken, kept, given back, ended. Each is one transaction with what is told of it. */
import { and, asc, eq, inArray, min, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { ANALYSE, type Boss, restore, within } from "./boss.ts";
import { shortReason, type TaskRow, tellBatches } from "./events.ts";
import type { JobData } from "./submit.ts";
import { submissions, tasks } from "./tables.ts";
import { transact } from "./transaction.ts";

export interface Claim {
  /** Of the queue's job. */
  readonly id: string;
  /** Which try this is, from 0: a claim that lapsed is told by it from the one after. */
  readonly retryCount: number;
  readonly worker: string;
  readonly task: TaskRow;
  /** One of the file's names: the analysis may take words of it for passwords. */
  readonly name: string;
}

/** Up to `n` jobs, the most urgent first. */
export async function takeJobs(db: Database, boss: Boss, worker: string, n: number): Promise<Claim[]> {
  return transact(db, async (tx) => {
    const jobs = await boss.pgBoss.fetch<JobData>(ANALYSE, { batchSize: n, ...within(tx) });
    if (jobs.length === 0) return [];
    const ids = jobs.map(({ data }) => data.task);
    const rows = await tx
      .select()
      .from(tasks)
      .where(inArray(tasks.id, ids))
      .orderBy(asc(tasks.id))
      .for("update");
    const byJob = new Map(rows.map((row) => [row.job, row]));
    const called = await namesOf(tx, ids);
    const claims = jobs.flatMap(({ id, retryCount }) => {
      const task = byJob.get(id);
      return task === undefined ? [] : [{ id, retryCount, worker, task, name: called.get(task.id) ?? "" }];
    });
    // A task that has a newer job leaves this one nothing to do.
    const stale = jobs.filter(({ id }) => !byJob.has(id)).map(({ id }) => id);
    if (stale.length > 0) await boss.pgBoss.complete(ANALYSE, stale, null, within(tx));
    const at = new Date().toISOString();
    const taken = claims.map(({ task }) => task.id);
    if (taken.length > 0)
      await tx
        .update(tasks)
        .set({ state: "active", worker, changedAt: at, tries: sql`${tasks.tries} + 1` })
        .where(inArray(tasks.id, taken));
    await tellBatches(
      tx,
      taken.map((task) => ({ task, state: "active" })),
      at,
    );
    return claims;
  });
}

async function namesOf(tx: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx
    .select({ task: submissions.task, name: min(submissions.name) })
    .from(submissions)
    .where(inArray(submissions.task, [...ids]))
    .groupBy(submissions.task);
  return new Map(rows.map(({ task, name }) => [task, name ?? ""]));
}

/** Those that are still held. */
export async function keepJobs(boss: Boss, claims: readonly Claim[]): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const { settled } = (await boss.pgBoss.touch(ANALYSE, claims.map(attemptOf))) as { settled?: string[] };
  return new Set(settled);
}

function attemptOf({ id, retryCount }: Claim): { id: string; retryCount: number } {
  return { id, retryCount };
}

/** The job as it was before it was taken up: this try does not count. */
export async function handBack(db: Database, boss: Boss, claim: Claim): Promise<void> {
  await transact(db, async (tx) => {
    // Ours still, or another's by now? Kept by its lock until this transaction ends.
    const held = await boss.pgBoss.touch(ANALYSE, attemptOf(claim), within(tx));
    if (affected(held) === 0) return;
    await restore(tx, ANALYSE, claim.id);
    await queued(tx, claim, sql`${tasks.tries} - 1`, undefined);
  });
}

/** A try that did not work: again later, or never if it was the last. */
export async function failJob(db: Database, boss: Boss, claim: Claim, text: string): Promise<void> {
  const reason = shortReason(text);
  await transact(db, async (tx) => {
    const failed = await boss.pgBoss.fail(ANALYSE, attemptOf(claim), { message: reason }, within(tx));
    if (affected(failed) > 0) await queued(tx, claim, sql`${tasks.tries}`, reason);
  });
}

async function queued(
  tx: Database,
  { task }: Claim,
  tries: ReturnType<typeof sql>,
  reason: string | undefined,
) {
  const changedAt = new Date().toISOString();
  const why = reason === undefined ? {} : { stage: "queue", reason };
  await tx
    .update(tasks)
    .set({ state: "queued", changedAt, tries, ...why })
    .where(eq(tasks.id, task.id));
  await tellBatches(tx, [{ task: task.id, state: "queued", ...why }], changedAt);
}

/** What no other try would change. */
export async function giveUp(db: Database, boss: Boss, claim: Claim, text: string): Promise<void> {
  const why = { stage: "queue", reason: shortReason(text) };
  await transact(db, async (tx) => {
    if (!(await settle(tx, boss, claim))) return;
    const changedAt = new Date().toISOString();
    await tx
      .update(tasks)
      .set({ state: "dead", changedAt, ...why })
      .where(eq(tasks.id, claim.task.id));
    await tellBatches(tx, [{ task: claim.task.id, state: "dead", ...why }], changedAt);
  });
}

/**
 * Ends the job and locks its task. False when the claim has lapsed: what came of it is another's to say, and the caller's
 * transaction must not go on.
 */
export async function settle(tx: Database, boss: Boss, claim: Claim): Promise<boolean> {
  // The next try of a job that was given back has the same number, so the worker is asked for too.
  const held = await tx
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.id, claim.task.id), eq(tasks.job, claim.id), eq(tasks.worker, claim.worker)))
    .for("update");
  if (held.length === 0) return false;
  return affected(await boss.pgBoss.complete(ANALYSE, attemptOf(claim), null, within(tx))) > 0;
}

/** pg-boss' types leave out what its answers say. */
function affected(response: unknown): number {
  return (response as { readonly affected: number }).affected;
}
