/** Brings a database to the present form: each migration once, in order, whole or not at all. */
import { sql } from "drizzle-orm";
import type { Database } from "../database.ts";
import { CorpusError } from "../errors.ts";
import { migrations } from "../schema.ts";
import { corpus } from "./0001-corpus.ts";
import { newest } from "./0002-newest.ts";
import { jobs } from "./0003-jobs.ts";
import { graph } from "./0004-graph.ts";
import { api } from "./0005-api.ts";
import { retention } from "./0006-blobs.ts";
import { said } from "./0007-said.ts";

/** In the order of their making; new ones go to the end. */
const ALL: readonly (readonly [id: string, statements: readonly string[]])[] = [
  ["0001-corpus", corpus],
  ["0002-newest", newest],
  ["0003-jobs", jobs],
  ["0004-graph", graph],
  ["0005-api", api],
  ["0006-blobs", retention],
  ["0007-said", said],
];

/** Any number that no other program locks by: "assay" in ASCII. */
const LOCK = 0x61737361;

/** Rejects with CorpusError for a database that a later version has changed. */
export async function migrate(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    // Two programs that begin at once: the second waits and finds all done.
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCK})`);
    await tx.execute(sql`create schema if not exists assay`);
    await tx.execute(
      sql`create table if not exists assay.migrations (id text primary key, applied_at timestamptz(3) not null)`,
    );
    const done = new Set((await tx.select({ id: migrations.id }).from(migrations)).map(({ id }) => id));
    for (const [id, statements] of ALL) if (!done.delete(id)) await apply(tx, id, statements);
    const [unknown] = done;
    if (unknown !== undefined)
      throw new CorpusError(`the corpus was made by a later version of assay (migration ${unknown})`);
  });
}

async function apply(tx: Database, id: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await tx.execute(sql.raw(statement));
  await tx.insert(migrations).values({ id, appliedAt: new Date().toISOString() });
}
