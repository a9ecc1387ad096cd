/** How far a batch is, and how much waits altogether. */
import { and, asc, count, desc, eq, gt, inArray, lt, min, or, type SQL, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { type Boss, HEARTBEAT_SECONDS, WORKER_NAME } from "./boss.ts";
import { batches, submissions, tasks } from "./tables.ts";
import type { BatchRow, BatchStatus, Depth, Member, Page, State } from "./types.ts";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
const NONE: Readonly<Record<State, number>> = { queued: 0, active: 0, done: 0, failed: 0, dead: 0 };

export function pageSize(page: Page): number {
  return Math.min(page.limit ?? DEFAULT_PAGE, MAX_PAGE);
}

/** Undefined when there is no such batch. `state`: only members in it. */
export async function batchStatus(
  db: Database,
  id: string,
  page: Page & { readonly state?: State } = {},
): Promise<BatchStatus | undefined> {
  const [batch] = await db.select().from(batches).where(eq(batches.id, id));
  if (batch === undefined) return undefined;
  const counts = await db
    .select({ state: tasks.state, n: count() })
    .from(submissions)
    .innerJoin(tasks, eq(tasks.id, submissions.task))
    .where(eq(submissions.batch, id))
    .groupBy(tasks.state);
  const byState = { ...NONE, ...Object.fromEntries(counts.map(({ state, n }) => [state, n])) };
  const limit = pageSize(page);
  const members = await membersOf(
    db,
    and(
      eq(submissions.batch, id),
      gt(submissions.n, page.after ?? 0),
      page.state === undefined ? undefined : eq(tasks.state, page.state),
    ),
    limit,
  );
  const last = members.at(-1);
  return {
    ...{ id, kind: batch.kind, createdAt: batch.createdAt, total: batch.total, byState },
    ended: batch.complete && byState.queued + byState.active === 0,
    events: batch.events,
    samples: members,
    ...(members.length < limit || last === undefined ? {} : { next: last.n }),
  };
}

async function membersOf(db: Database, where: SQL | undefined, limit: number): Promise<Member[]> {
  const rows = await db
    .select({
      n: submissions.n,
      sha256: tasks.sha256,
      name: submissions.name,
      state: tasks.state,
      tries: tasks.tries,
      outcome: tasks.outcome,
      stage: tasks.stage,
      reason: tasks.reason,
    })
    .from(submissions)
    .innerJoin(tasks, eq(tasks.id, submissions.task))
    .where(where)
    .orderBy(asc(submissions.n))
    .limit(limit);
  return rows.map(({ outcome, stage, reason, ...row }) => ({ ...row, ...known({ outcome, stage, reason }) }));
}

/** Without what is null. */
export function known<K extends string>(
  row: Readonly<Record<K, string | null>>,
): Readonly<Partial<Record<K, string>>> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Partial<
    Record<K, string>
  >;
}

/** Newest first; `after`: the id of the last of the page before. */
export async function listBatches(
  db: Database,
  { limit = DEFAULT_PAGE, after }: { readonly limit?: number; readonly after?: string } = {},
): Promise<BatchRow[]> {
  const [last] = after === undefined ? [] : await db.select().from(batches).where(eq(batches.id, after));
  const behind =
    last === undefined
      ? undefined
      : or(
          lt(batches.createdAt, last.createdAt),
          and(eq(batches.createdAt, last.createdAt), gt(batches.id, last.id)),
        );
  return db
    .select({ id: batches.id, kind: batches.kind, createdAt: batches.createdAt, total: batches.total })
    .from(batches)
    .where(behind)
    .orderBy(desc(batches.createdAt), asc(batches.id))
    .limit(Math.min(limit, MAX_PAGE));
}

const OPEN = ["queued", "active", "dead"] as const;

export async function depth(db: Database, boss: Boss): Promise<Depth> {
  const rows = await db
    .select({ state: tasks.state, n: count(), oldest: min(tasks.queuedAt) })
    .from(tasks)
    .where(inArray(tasks.state, [...OPEN]))
    .groupBy(tasks.state);
  const of = (state: State) => rows.find((row) => row.state === state);
  const oldest = of("queued")?.oldest;
  const instances = await boss.pgBoss.getInstances();
  const lately = Date.now() - HEARTBEAT_SECONDS * 2000;
  return {
    queued: of("queued")?.n ?? 0,
    active: of("active")?.n ?? 0,
    dead: of("dead")?.n ?? 0,
    oldestSeconds: oldest == null ? 0 : Math.max(0, (Date.now() - Date.parse(oldest)) / 1000),
    workers: instances.filter(
      ({ name, stoppedOn, heartbeatOn }) =>
        name === WORKER_NAME && stoppedOn === null && heartbeatOn.getTime() > lately,
    ).length,
  };
}

/** How many wait, which is all that back-pressure asks. */
export async function waiting(db: Database): Promise<number> {
  const [row] = await db.select({ n: count() }).from(tasks).where(eq(tasks.state, sql`'queued'`));
  return row?.n ?? 0;
}

/** What a worker may still have to do: jobs that wait or are under way, and rescans that look for their samples. */
export async function openWork(db: Database): Promise<number> {
  const [open] = await db
    .select({ n: count() })
    .from(tasks)
    .where(inArray(tasks.state, ["queued", "active"]));
  const [growing] = await db.select({ n: count() }).from(batches).where(eq(batches.complete, false));
  return (open?.n ?? 0) + (growing?.n ?? 0);
}
