/** What happens in a batch, as it happens; who comes late or comes again gets what he missed. */
import { setTimeout as sleep } from "node:timers/promises";
import { and, asc, eq, gt, min } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { batchStatus, known } from "./status.ts";
import { batchEvents, submissions, tasks } from "./tables.ts";
import type { BatchEvent } from "./types.ts";

const PAGE = 500;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 1000;

/** Events after number `since`, until all members have ended or `signal` is aborted. */
export async function* watchBatch(
  db: Database,
  batch: string,
  since = 0,
  signal?: AbortSignal,
): AsyncGenerator<BatchEvent> {
  let pause = MIN_PAUSE_MS;
  for (let last = since; signal?.aborted !== true; ) {
    // Asked before the events are: what ended has told all by then.
    const status = await batchStatus(db, batch, { limit: 1 });
    if (status === undefined) return;
    const events = await eventsAfter(db, batch, last);
    yield* events;
    last = events.at(-1)?.id ?? last;
    if (events.length === PAGE) continue;
    if (status.ended && last >= status.events) return;
    pause = events.length > 0 ? MIN_PAUSE_MS : Math.min(pause * 1.5, MAX_PAUSE_MS);
    await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function eventsAfter(db: Database, batch: string, last: number): Promise<BatchEvent[]> {
  const rows = await db
    .select({
      id: batchEvents.n,
      at: batchEvents.at,
      sha256: tasks.sha256,
      name: min(submissions.name),
      state: batchEvents.state,
      outcome: batchEvents.outcome,
      stage: batchEvents.stage,
      reason: batchEvents.reason,
    })
    .from(batchEvents)
    .innerJoin(tasks, eq(tasks.id, batchEvents.task))
    .innerJoin(
      submissions,
      and(eq(submissions.batch, batchEvents.batch), eq(submissions.task, batchEvents.task)),
    )
    .where(and(eq(batchEvents.batch, batch), gt(batchEvents.n, last)))
    .groupBy(batchEvents.batch, batchEvents.n, tasks.sha256)
    .orderBy(asc(batchEvents.n))
    .limit(PAGE);
  return rows.map(({ outcome, stage, reason, name, ...row }) => ({
    ...row,
    name: name ?? "",
    ...known({ outcome, stage, reason }),
  }));
}
