/** Says in every batch that has it what became of a task. */
import { asc, eq, inArray, sql } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { insertRows } from "../store/rows.ts";
import { batchEvents, batches, submissions, type tasks } from "./tables.ts";
import type { State } from "./types.ts";

export interface Change {
  readonly task: string;
  readonly state: State;
  readonly outcome?: string | null;
  readonly stage?: string | null;
  readonly reason?: string | null;
}

/** Longer reasons are cut: they are for people. */
const MAX_REASON = 1000;

export function shortReason(text: string): string {
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text;
}

/** The last statements of their transaction: batches stay locked until it ends, which keeps their numbers in order. */
export async function tellBatches(tx: Database, changes: readonly Change[], at: string): Promise<void> {
  if (changes.length === 0) return;
  const holding = await tx
    .selectDistinct({ batch: submissions.batch, task: submissions.task })
    .from(submissions)
    .where(
      inArray(
        submissions.task,
        changes.map(({ task }) => task),
      ),
    );
  if (holding.length === 0) return;
  const locked = await tx
    .select({ id: batches.id, events: batches.events })
    .from(batches)
    .where(inArray(batches.id, [...new Set(holding.map(({ batch }) => batch))]))
    .orderBy(asc(batches.id))
    .for("update");
  for (const { id, events } of locked) {
    const own = new Set(holding.filter(({ batch }) => batch === id).map(({ task }) => task));
    const rows = changes
      .filter(({ task }) => own.has(task))
      .map((change, i) => ({ ...change, batch: id, n: events + 1 + i, at }));
    await insertRows(tx, batchEvents, rows);
    await tx
      .update(batches)
      .set({ events: sql`${batches.events} + ${rows.length}` })
      .where(eq(batches.id, id));
  }
}

/** What a task's row says now. */
export type TaskRow = typeof tasks.$inferSelect;
