/** What the database knows of its tables' sizes, without which it reads whole tables where an index would do. */
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import * as schema from "./schema.ts";

/** Growth since the statistics were taken that makes them worth taking again. */
const GROWTH = 1.5;
/** Smaller tables are read as fast whole. */
const MIN_ROWS = 200;

/**
 * Takes statistics anew when the corpus has grown much. A server does so by itself, some minutes later; the embedded
 * database never would.
 */
export async function refreshStatistics(db: Database): Promise<void> {
  const [row] = await db
    .select({
      rows: sql<number>`count(*)`.mapWith(Number),
      // -1 when they were never taken.
      known: sql<number>`(select reltuples from pg_class where oid = 'assay.samples'::regclass)`.mapWith(
        Number,
      ),
    })
    .from(schema.samples);
  if (row === undefined || row.rows < MIN_ROWS || row.rows < row.known * GROWTH) return;
  const {
    samples,
    names,
    analyses,
    artifacts,
    configs,
    configFields,
    findings,
    indicators,
    holdings,
    blobs,
  } = schema;
  for (const table of [
    ...[samples, names, analyses, artifacts, configs],
    ...[configFields, findings, indicators, holdings, blobs],
  ])
    await db.execute(sql`analyze ${table}`);
}
