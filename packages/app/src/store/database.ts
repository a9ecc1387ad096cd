/** The database of a corpus: PGlite in a folder, or a PostgreSQL server. What is built on it cannot tell which. */
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** Of either driver, and a transaction of either. */
export type Database = Pick<
  PgDatabase<PgQueryResultHKT>,
  | "select"
  | "selectDistinct"
  | "selectDistinctOn"
  | "insert"
  | "update"
  | "delete"
  | "execute"
  | "transaction"
  | "with"
  | "$with"
>;

export interface Connection {
  readonly db: Database;
  close(): Promise<void>;
}

/** The embedded database in `folder`, which must be locked by the caller: PGlite itself lets two processes in. */
export async function openEmbedded(folder: string): Promise<Connection> {
  const [{ PGlite }, { drizzle }] = await Promise.all([
    import("@electric-sql/pglite"),
    import("drizzle-orm/pglite"),
  ]);
  const client = await PGlite.create(folder);
  return { db: drizzle(client), close: () => client.close() };
}

/** Connections that one process holds to a server. */
const MAX_CONNECTIONS = 4;

/**
 * A program that is cut off within a transaction holds what it locked; the server ends it after this (ms). None waits so
 * long between two statements.
 */
const MAX_IDLE_IN_TRANSACTION_MS = 15_000;
/** How long to wait for a server that does not answer at all (ms). */
const CONNECT_MS = 10_000;

export async function openServer(url: string): Promise<Connection> {
  const [{ Pool }, { drizzle }] = await Promise.all([import("pg"), import("drizzle-orm/node-postgres")]);
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: MAX_IDLE_IN_TRANSACTION_MS,
  });
  // A connection that breaks is replaced, whether it is idle or in use; queries tell their own errors.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return { db: drizzle(pool), close: () => pool.end() };
}
