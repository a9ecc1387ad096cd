/** pg-boss on the corpus' own database, whichever it is. */
import { sql } from "drizzle-orm";
import { type Db, fromDrizzle, fromPglite, PgBoss } from "pg-boss";
import type { Corpus } from "../store/corpus.ts";
import type { Database } from "../store/database.ts";

/** Beside the corpus' tables, never among them. */
const SCHEMA = "assay_jobs";

export const ANALYSE = "analyse";
/** Where pg-boss puts what it gives up; a worker moves it on to the list of dead letters. */
export const GIVEN_UP = "analyse-given-up";
export const RESCAN = "rescan";
export const CORRELATE = "correlate";

/**
 * A worker that is not heard from for so long has lost its jobs. The least that pg-boss allows: a job of a killed
 * worker runs again after this, the supervisor's interval and the first delay.
 */
export const HEARTBEAT_SECONDS = 10;
/** Lost jobs are looked for by one worker or another so often. */
export const SUPERVISE_SECONDS = 2;
/** A job is taken up at most once more than this. */
export const RETRIES = 4;
const RETRY_DELAY_SECONDS = 1;
const MAX_RETRY_DELAY_SECONDS = 60;
/** A worker's own deadline ends an analysis long before; this ends a worker that hangs and still beats. */
const EXPIRE_SECONDS = 3600;
/** The first correlation of a large corpus takes minutes. */
const CORRELATE_SECONDS = 900;
/** What waits longer than a year nobody waits for. */
const RETENTION_SECONDS = 365 * 24 * 3600;
/** Rows of finished jobs say nothing that the tasks do not say. */
const KEEP_FINISHED_SECONDS = 3600;
const INSTANCE_HEARTBEAT_SECONDS = 5;
/** Name of a worker among the instances that pg-boss lists. */
export const WORKER_NAME = "assay worker";

const NOBODY = "00000000-0000-0000-0000-000000000000";

export interface Boss {
  readonly pgBoss: PgBoss;
  close(): Promise<void>;
}

/** `worker`: it is counted. */
export async function openBoss(corpus: Corpus, role: "client" | "worker"): Promise<Boss> {
  const client = clientOf(corpus.db);
  const pgBoss = new PgBoss({
    db: "exec" in client ? fromPglite(client) : pooled(client),
    backend: "exec" in client ? "pglite" : "postgres",
    schema: SCHEMA,
    schedule: false,
    // A worker does it itself, first of all: pg-boss would wait, and a worker may not live long.
    supervise: false,
    monitorIntervalSeconds: SUPERVISE_SECONDS,
    registerInstance: role === "worker",
    instanceName: WORKER_NAME,
    instanceHeartbeatSeconds: INSTANCE_HEARTBEAT_SECONDS,
    openTelemetry: { enabled: false },
  });
  // Its timers run into a database that is away; the next turn of each tries again.
  pgBoss.on("error", () => undefined);
  await pgBoss.start();
  const own = { retentionSeconds: RETENTION_SECONDS, deleteAfterSeconds: KEEP_FINISHED_SECONDS };
  await pgBoss.createQueue(GIVEN_UP, own);
  const tough = {
    ...own,
    retryLimit: RETRIES,
    retryDelay: RETRY_DELAY_SECONDS,
    retryBackoff: true,
    retryDelayMax: MAX_RETRY_DELAY_SECONDS,
    expireInSeconds: EXPIRE_SECONDS,
    heartbeatSeconds: HEARTBEAT_SECONDS,
  };
  await pgBoss.createQueue(ANALYSE, { ...tough, deadLetter: GIVEN_UP });
  await pgBoss.createQueue(RESCAN, tough);
  // It has no heart to beat: whoever died with it is waited for, and what it did stands.
  await pgBoss.createQueue(CORRELATE, {
    ...own,
    policy: "stately",
    retryLimit: RETRIES,
    retryDelay: MAX_RETRY_DELAY_SECONDS,
    expireInSeconds: CORRELATE_SECONDS,
  });
  // It reads a queue's options when it first needs them, which must not be within a transaction: the embedded database
  // has one connection.
  for (const queue of [ANALYSE, GIVEN_UP, RESCAN, CORRELATE]) await pgBoss.touch(queue, NOBODY);
  return { pgBoss, close: () => pgBoss.stop({ graceful: false, close: false }) };
}

/** What a statement of pg-boss needs to be part of a transaction of ours. */
export function within(tx: Database): { readonly db: Db } {
  return {
    db: fromDrizzle(tx as Parameters<typeof fromDrizzle>[0], sql as Parameters<typeof fromDrizzle>[1]),
  };
}

/** pg-boss' own table, for what it offers to nobody. */
export const jobTable = sql`${sql.identifier(SCHEMA)}.job`;

/** As if it had never been taken up; pg-boss does this too, but offers it to nobody. */
export async function restore(tx: Database, queue: string, job: string): Promise<void> {
  await tx.execute(
    sql`update ${jobTable} set state = 'created', started_on = null, heartbeat_on = null
        where name = ${queue} and id = ${job}`,
  );
}

interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}
type Client = Parameters<typeof fromPglite>[0] | Queryable;

/** Drizzle's own driver. */
function clientOf(db: Database): Client {
  const { $client } = db as { readonly $client?: Client };
  if ($client === undefined) throw new TypeError("a database that is no driver's");
  return $client;
}

/** Statements of pg-boss may be several at once, for which a server answers with a list. */
function pooled(pool: Queryable): Db {
  return { executeSql: (text, values) => pool.query(text, values) };
}
