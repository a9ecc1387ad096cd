/** From files that are stored to jobs: one for each file, engine and way to open it, however often it is asked for. */
import { and, asc, count, eq, inArray, isNotNull, max, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { keyOf, valueKey } from "../store/keys.ts";
import { insertRows } from "../store/rows.ts";
import { names, samples } from "../store/schema.ts";
import { ANALYSE, type Boss, within } from "./boss.ts";
import { type Engine, putEngine } from "./engine.ts";
import { type Change, type TaskRow, tellBatches } from "./events.ts";
import { batches, submissions, tasks } from "./tables.ts";
import { transact } from "./transaction.ts";
import type { Accepted, How, Priority, Submission } from "./types.ts";

/** A rescan waits for whatever somebody waits for. */
export const PRIORITIES: Readonly<Record<Priority | "rescan", number>> = { analyst: 20, feed: 10, rescan: 0 };

/** A submission, and the result that stood when a rescan asked for another. */
export interface Wish extends Omit<Submission, "priority"> {
  readonly priority: number;
  readonly before?: string;
}

export interface Target {
  readonly id: string;
  readonly kind: "upload" | "rescan";
}

/** What a job of the queue says; all else stands in its task. */
export interface JobData {
  readonly task: string;
}

export function taskKey(sha256: string, engine: string, how: How): string {
  return keyOf("task", sha256, engine, JSON.stringify([how.passwords ?? [], how.memory, how.base]));
}

export function howOf({ passwords, memory, base }: How): How {
  return {
    ...(passwords === undefined || passwords.length === 0 ? {} : { passwords }),
    ...(memory === undefined ? {} : { memory }),
    ...(base === undefined ? {} : { base }),
  };
}

/** All or nothing; the answers stand in the order of the wishes. */
export async function putWishes(
  db: Database,
  boss: Boss,
  engine: Engine,
  target: Target,
  wishes: readonly Wish[],
): Promise<Accepted[]> {
  const all = wishes.map((wish) => tasked(wish, engine));
  const { accepted, hurried } = await transact(db, (tx) => write(tx, boss, engine, target, all));
  // Not within the transaction: a claim takes a job and then its task, so nobody takes them the other way round.
  for (const [job, priority] of hurried)
    await boss.pgBoss.update({ name: ANALYSE, options: { id: job, priority } });
  return accepted;
}

type Task = Wish & { readonly how: How; readonly task: string };

function tasked(wish: Wish, engine: Engine): Task {
  const how = howOf(wish);
  return { ...wish, how, task: taskKey(wish.sha256, engine.id, how) };
}

/** As `putWishes`, within a transaction; nothing is hurried. */
export async function putWishesIn(
  tx: Database,
  boss: Boss,
  engine: Engine,
  target: Target,
  wishes: readonly Wish[],
): Promise<void> {
  if (wishes.length > 0)
    await write(
      tx,
      boss,
      engine,
      target,
      wishes.map((wish) => tasked(wish, engine)),
    );
}

async function write(tx: Database, boss: Boss, engine: Engine, target: Target, all: readonly Task[]) {
  const at = new Date().toISOString();
  await putEngine(tx, engine);
  const wanted = new Map<string, Task>();
  for (const wish of all) {
    const known = wanted.get(wish.task);
    if (known === undefined || known.priority < wish.priority) wanted.set(wish.task, wish);
  }
  const before = await tasksBefore(tx, engine, wanted, at);
  const standing = await standingOf(tx, [...before.values()]);
  const again: Task[] = [];
  const hurried = new Map<string, number>();
  const answers = new Map<string, Omit<Accepted, "sha256">>();
  for (const [id, wish] of wanted) {
    const row = before.get(id) as TaskRow;
    const isSame = target.kind === "upload" || row.engine === engine.id;
    if (row.state === "done" && isSame && standing.has(row.analysis ?? ""))
      answers.set(id, { state: "known" });
    else if (row.job !== null && (row.state === "queued" || row.state === "active")) {
      answers.set(id, { state: "queued", job: row.job });
      if (wish.priority > row.priority) hurried.set(row.job, wish.priority);
    } else again.push(wish);
  }
  const changes = await enqueue(tx, boss, again, at);
  for (const { task, job } of changes) answers.set(task, { state: "queued", job });
  if (hurried.size > 0)
    for (const [job, priority] of hurried) await tx.update(tasks).set({ priority }).where(eq(tasks.job, job));
  await putNames(tx, all);
  await putMembers(tx, target, all, at);
  // Batches that had given up on it, or had seen it end, hear that it is on its way again.
  await tellBatches(
    tx,
    changes.filter(({ task }) => before.get(task)?.tries !== 0 || before.get(task)?.job !== null),
    at,
  );
  const accepted = all.map(({ sha256, task }): Accepted => {
    const { state, job } = answers.get(task) as Omit<Accepted, "sha256">;
    return { sha256, ...(job === undefined ? {} : { job }), state };
  });
  return { accepted, hurried };
}

/** The tasks as they were, new ones made; all locked. */
async function tasksBefore(
  tx: Database,
  engine: Engine,
  wanted: ReadonlyMap<string, Task>,
  at: string,
): Promise<Map<string, TaskRow>> {
  const ids = [...wanted.keys()].sort();
  await insertRows(
    tx,
    tasks,
    ids.map((id) => {
      const { sha256, size, how, priority } = wanted.get(id) as Task;
      return {
        ...{ id, sha256, engine: engine.id, size, options: JSON.stringify(how), priority },
        ...{ state: "queued" as const, tries: 0, queuedAt: at, changedAt: at },
      };
    }),
  );
  const rows = await tx
    .select()
    .from(tasks)
    .where(inArray(tasks.id, ids))
    .orderBy(asc(tasks.id))
    .for("update");
  return new Map(rows.map((row) => [row.id, row]));
}

/** Of the results that these tasks had: those of files that the corpus still knows. */
async function standingOf(tx: Database, rows: readonly TaskRow[]): Promise<ReadonlySet<string>> {
  const done = rows.filter(({ state }) => state === "done");
  if (done.length === 0) return new Set();
  const known = await tx
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(
      and(
        isNotNull(samples.analysis),
        inArray(
          samples.sha256,
          done.map(({ sha256 }) => sha256),
        ),
      ),
    );
  const hashes = new Set(known.map(({ sha256 }) => sha256));
  return new Set(done.flatMap(({ sha256, analysis }) => (hashes.has(sha256) && analysis ? [analysis] : [])));
}

/** New jobs for these tasks, whatever became of those that they had. */
export async function enqueue(
  tx: Database,
  boss: Boss,
  wanted: readonly { readonly task: string; readonly priority: number }[],
  at: string,
): Promise<(Change & { readonly job: string })[]> {
  if (wanted.length === 0) return [];
  const changes = wanted.map(({ task, priority }) => ({
    ...{ task, priority, state: "queued" as const },
    job: crypto.randomUUID(),
  }));
  await boss.pgBoss.insert(
    ANALYSE,
    changes.map(({ task, job, priority }) => ({ id: job, data: { task } satisfies JobData, priority })),
    within(tx),
  );
  await tx.execute(
    sql`update ${tasks} set state = 'queued', job = r.job, priority = r.priority, tries = 0, worker = null,
          queued_at = ${at}, changed_at = ${at}, outcome = null, analysis = null, stage = null, reason = null
        from json_to_recordset(${JSON.stringify(changes)}::json) as r (task uuid, job uuid, priority integer)
        where ${tasks.id} = r.task`,
  );
  return changes;
}

/** Of files whose result is there; the others' come with theirs. */
async function putNames(tx: Database, all: readonly Task[]): Promise<void> {
  const known = await tx
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(
      inArray(
        samples.sha256,
        all.map(({ sha256 }) => sha256),
      ),
    );
  const hashes = new Set(known.map(({ sha256 }) => sha256));
  await insertRows(
    tx,
    names,
    all
      .filter(({ sha256 }) => hashes.has(sha256))
      .map(({ sha256, name }) => ({ sample: sha256, key: valueKey(name), name })),
  );
}

async function putMembers(tx: Database, target: Target, all: readonly Task[], at: string): Promise<void> {
  await tx
    .insert(batches)
    .values({ ...target, createdAt: at, complete: target.kind === "upload", total: 0, events: 0 })
    .onConflictDoNothing();
  await tx.select({ id: batches.id }).from(batches).where(eq(batches.id, target.id)).for("update");
  const [top] = await tx
    .select({ n: max(submissions.n) })
    .from(submissions)
    .where(eq(submissions.batch, target.id));
  const first = (top?.n ?? 0) + 1;
  await insertRows(
    tx,
    submissions,
    all.map(({ task, name, before }, i) => ({
      ...{ batch: target.id, n: first + i, task, nameKey: valueKey(name), name },
      before: before ?? null,
    })),
  );
  const [total] = await tx.select({ n: count() }).from(submissions).where(eq(submissions.batch, target.id));
  await tx
    .update(batches)
    .set({ total: total?.n ?? 0 })
    .where(eq(batches.id, target.id));
}
