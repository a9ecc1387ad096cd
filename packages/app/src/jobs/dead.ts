/** Dead letters: what was given up, with the reason, until somebody puts it back or throws it away. */
import { and, asc, eq, gt, inArray, or } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { groupBy } from "../store/group.ts";
import type { Boss } from "./boss.ts";
import { GIVEN_UP, within } from "./boss.ts";
import { tellBatches } from "./events.ts";
import { pageSize } from "./status.ts";
import { enqueue, type JobData } from "./submit.ts";
import { submissions, tasks } from "./tables.ts";
import { transact } from "./transaction.ts";
import type { DeadLetter } from "./types.ts";

/** Oldest first; `after`: the id of the last of the page before. */
export async function listDead(
  db: Database,
  { limit, after }: { readonly limit?: number; readonly after?: string } = {},
): Promise<DeadLetter[]> {
  const [last] = after === undefined ? [] : await db.select().from(tasks).where(eq(tasks.id, after));
  const behind =
    last === undefined
      ? undefined
      : or(
          gt(tasks.changedAt, last.changedAt),
          and(eq(tasks.changedAt, last.changedAt), gt(tasks.id, last.id)),
        );
  const rows = await db
    .select()
    .from(tasks)
    .where(and(eq(tasks.state, "dead"), behind))
    .orderBy(asc(tasks.changedAt), asc(tasks.id))
    .limit(pageSize(limit === undefined ? {} : { limit }));
  return withNames(db, rows);
}

export async function inspectDead(db: Database, id: string): Promise<DeadLetter | undefined> {
  const rows = await db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, id), eq(tasks.state, "dead")));
  const [letter] = await withNames(db, rows);
  return letter;
}

async function withNames(db: Database, rows: readonly (typeof tasks.$inferSelect)[]): Promise<DeadLetter[]> {
  if (rows.length === 0) return [];
  const called = await db
    .selectDistinct({ task: submissions.task, name: submissions.name })
    .from(submissions)
    .where(
      inArray(
        submissions.task,
        rows.map(({ id }) => id),
      ),
    )
    .orderBy(asc(submissions.name));
  const namesOf = groupBy(called, ({ task }) => task);
  return rows.map(({ id, sha256, size, tries, worker, queuedAt, changedAt, reason }) => ({
    ...{ id, sha256, size, tries, queuedAt, diedAt: changedAt, reason: reason ?? "" },
    ...(worker === null ? {} : { worker }),
    names: (namesOf.get(id) ?? []).map(({ name }) => name),
  }));
}

/** In the queue again, with all its tries. False when no such letter is dead. */
export async function putBack(db: Database, boss: Boss, id: string): Promise<boolean> {
  return transact(db, async (tx) => {
    const task = await lockDead(tx, id);
    if (task === undefined) return false;
    const at = new Date().toISOString();
    await tellBatches(tx, await enqueue(tx, boss, [{ task: id, priority: task.priority }], at), at);
    return true;
  });
}

/** Nobody is reminded of it any more; its batches call it failed. False when no such letter is dead. */
export async function discard(db: Database, id: string): Promise<boolean> {
  return transact(db, async (tx) => {
    const task = await lockDead(tx, id);
    if (task === undefined) return false;
    const changedAt = new Date().toISOString();
    await tx.update(tasks).set({ state: "failed", changedAt }).where(eq(tasks.id, id));
    const { stage, reason } = task;
    await tellBatches(tx, [{ task: id, state: "failed", stage, reason }], changedAt);
    return true;
  });
}

async function lockDead(tx: Database, id: string) {
  const [task] = await tx
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, id), eq(tasks.state, "dead")))
    .for("update");
  return task;
}

/** Jobs moved at once. */
const MOVED = 100;

/** Puts what pg-boss gave up on the list of dead letters; how many. */
export async function collectDead(db: Database, boss: Boss): Promise<number> {
  return transact(db, async (tx) => {
    const jobs = await boss.pgBoss.fetch<JobData>(GIVEN_UP, {
      batchSize: MOVED,
      includeMetadata: true,
      ...within(tx),
    });
    if (jobs.length === 0) return 0;
    await boss.pgBoss.complete(
      GIVEN_UP,
      jobs.map(({ id }) => id),
      null,
      within(tx),
    );
    const at = new Date().toISOString();
    const changes = [];
    for (const { data, sourceId, sourceOutput } of [...jobs].sort((a, b) =>
      a.data.task < b.data.task ? -1 : 1,
    )) {
      const reason = reasonOf(sourceOutput);
      const died = await tx
        .update(tasks)
        .set({ state: "dead", changedAt: at, stage: "queue", reason })
        // A task that has a newer job is not dead.
        .where(and(eq(tasks.id, data.task), eq(tasks.job, sourceId ?? "")))
        .returning({ task: tasks.id });
      for (const { task } of died) changes.push({ task, state: "dead" as const, stage: "queue", reason });
    }
    await tellBatches(tx, changes, at);
    return changes.length;
  });
}

/** Of what the last try left. */
function reasonOf(output: object | null): string {
  const { message, value } = (output ?? {}) as { message?: unknown; value?: { message?: unknown } };
  const text = message ?? value?.message;
  if (text === "job heartbeat timeout")
    return "every worker that took it up was not heard from again: killed, or cut off";
  return typeof text === "string" ? text : "given up without a reason";
}
