/**
 * Which samples' bytes may go. Results stay, whatever goes: findings, configs, indicators and clusters are as they were.
 *
 * The row that names a blob goes at once, the bytes after `graceMs`, at the next run: a writer that just saw that they
 * are there names them meanwhile, and then they stay.
 */
import { sql } from "drizzle-orm";
import type { Corpus } from "./corpus.ts";
import type { Database } from "./database.ts";
import { ask, digests } from "./rows.ts";

export interface Policy {
  /** Samples last seen longer ago may go (ms). */
  readonly keepMs?: number;
  /** When all blobs have more bytes than this, those go that were last seen first. */
  readonly maxBytes?: number;
  /** Only samples with these outcomes may go. Default: all. */
  readonly outcomes?: readonly string[];
  /** Between a blob's row and its bytes. */
  readonly graceMs: number;
}

export interface Dropped {
  readonly sha256: string;
  readonly size: number;
  readonly lastSeen: string;
  readonly why: "age" | "size";
}

export interface Retained {
  readonly dropped: readonly Dropped[];
  readonly droppedBytes: number;
  /** Blobs removed from the store: dropped by now, or by an earlier run. */
  readonly removed: number;
  readonly removedBytes: number;
  /** Dropped ones whose bytes go at a later run. */
  readonly waiting: number;
  /** Blobs that stay. */
  readonly kept: number;
  readonly keptBytes: number;
}

/** Blobs of one transaction. */
const PAGE = 500;

/** `dryRun`: only says what would go. */
export async function retain(
  corpus: Corpus,
  policy: Policy,
  now: Date,
  { dryRun = false } = {},
): Promise<Retained> {
  const { db } = corpus;
  const gone = await candidates(db, policy, now);
  if (!dryRun) for (let at = 0; at < gone.length; at += PAGE) await drop(db, gone.slice(at, at + PAGE), now);
  const removed = dryRun ? [] : await removeBytes(corpus, policy.graceMs, now);
  const [kept] = await ask<{ n: number; bytes: number }>(
    db,
    sql`select count(*)::integer as n, coalesce(sum(size), 0)::float8 as bytes from assay.blobs`,
  );
  const [waiting] = await ask<{ n: number }>(
    db,
    sql`select count(*)::integer as n from assay.dropped where removed_at is null`,
  );
  const droppedBytes = total(gone);
  return {
    ...{ dropped: gone, droppedBytes, removed: removed.length, removedBytes: total(removed) },
    waiting: waiting?.n ?? 0,
    kept: (kept?.n ?? 0) - (dryRun ? gone.length : 0),
    keptBytes: (kept?.bytes ?? 0) - (dryRun ? droppedBytes : 0),
  };
}

function total(rows: readonly { readonly size: number }[]): number {
  return rows.reduce((sum, { size }) => sum + size, 0);
}

/** Oldest first. What was not analysed yet is somebody's who waits for it. */
async function candidates(db: Database, policy: Policy, now: Date): Promise<Dropped[]> {
  const { keepMs, maxBytes, outcomes } = policy;
  const before = keepMs === undefined ? undefined : new Date(now.getTime() - keepMs).toISOString();
  const only =
    outcomes === undefined
      ? sql``
      : sql`and s.outcome = any(array(select json_array_elements_text(${JSON.stringify(outcomes)}::json)))`;
  const rows = await ask<{ sha256: string; size: number; seen: string; old: boolean }>(
    db,
    sql`with may as (
        select b.sha256, b.size, s.last_seen,
          coalesce(s.last_seen < ${before ?? null}::timestamptz, false) as old
        from assay.blobs b join assay.samples s on s.sha256 = b.sha256
        where s.analysis is not null ${only}
      ), running as (
        select *, coalesce(sum(size) over (order by old desc, last_seen, sha256 rows between unbounded preceding
          and 1 preceding), 0) as freed from may
      )
      select encode(sha256, 'hex') as sha256, size::float8 as size, last_seen::text as seen, old from running where old or freed < coalesce((select sum(size) from assay.blobs) - ${maxBytes ?? null}::float8, 0)
      order by last_seen, sha256`,
  );
  return rows.map(({ sha256, size, seen, old }) => ({
    ...{ sha256, size, lastSeen: new Date(seen).toISOString() },
    why: old ? "age" : "size",
  }));
}

async function drop(db: Database, page: readonly Dropped[], now: Date): Promise<void> {
  const rows = JSON.stringify(page.map(({ sha256, why }) => ({ sha256, why })));
  await db.execute(
    sql`with gone as (
        delete from assay.blobs where sha256 = any(${digests(page.map(({ sha256 }) => sha256))})
        returning sha256, size
      )
      insert into assay.dropped (sha256, size, dropped_at, removed_at, why)
      select g.sha256, g.size, ${now.toISOString()}::timestamptz, null, r.why
      from gone g join json_to_recordset(${rows}::json) as r (sha256 text, why text)
        on decode(r.sha256, 'hex') = g.sha256
      on conflict (sha256) do update
        set size = excluded.size, dropped_at = excluded.dropped_at, removed_at = null, why = excluded.why`,
  );
}

/** The bytes of what was dropped long enough ago and is not kept again. */
async function removeBytes(
  { db, blobs: store }: Corpus,
  graceMs: number,
  now: Date,
): Promise<{ readonly size: number }[]> {
  await db.execute(sql`delete from assay.dropped d using assay.blobs b where b.sha256 = d.sha256`);
  if (store === undefined) return [];
  const removed: { size: number }[] = [];
  const until = new Date(now.getTime() - graceMs).toISOString();
  for (;;) {
    const page = await ask<{ sha256: string; size: number }>(
      db,
      sql`select encode(sha256, 'hex') as sha256, size::float8 as size from assay.dropped
        where removed_at is null and dropped_at <= ${until}::timestamptz order by sha256 limit ${PAGE}`,
    );
    if (page.length === 0) return removed;
    for (const { sha256 } of page) await store.remove(sha256);
    await db.execute(
      sql`update assay.dropped set removed_at = ${now.toISOString()}::timestamptz
        where sha256 = any(${digests(page.map(({ sha256 }) => sha256))})`,
    );
    removed.push(...page);
  }
}
