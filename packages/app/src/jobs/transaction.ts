/** Transactions that may wait for each other. */
import { setTimeout as sleep } from "node:timers/promises";
import { CorpusError, inWords } from "../store/corpus.ts";
import type { Database } from "../store/database.ts";

/** Two that took rows in another order, one of which the database ended. */
const COLLISIONS: ReadonlySet<unknown> = new Set(["40P01", "40001"]);
const TRIES = 6;
const PAUSE_MS = 20;

/**
 * Runs `work` as one transaction, again when it met another. All that write here take rows in one order, so that it seldom
 * does: jobs of the queue, tasks by key, files and indicators (store/put.ts), batches by key.
 */
export async function transact<T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await db.transaction(work);
    } catch (error) {
      if (left <= 1 || !COLLISIONS.has(sqlStateOf(error))) throw error;
      await sleep(PAUSE_MS * (1 + Math.random()));
    }
  }
}

/** The database's code of what went wrong; undefined for what it did not say. */
function sqlStateOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}

/** What drivers say of a connection that broke, where they give no code. */
const BROKEN =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** The database does not answer now and may later; what was under way may have happened or not. */
export function isAway(error: unknown): boolean {
  if (inWords(error) instanceof CorpusError) return true;
  for (let at = error; at instanceof Error; at = at.cause) if (BROKEN.test(at.message)) return true;
  // 08: the connection; 25P03: the server thought that we were gone.
  return /^(?:08...|25P03)$/.test(sqlStateOf(error) ?? "");
}

/** For a log or a reason; without the statement, which may hold whole samples. */
export function textOf(error: unknown): string {
  const plain = inWords(error);
  let at = plain;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}
