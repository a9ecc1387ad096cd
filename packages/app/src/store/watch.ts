/** Values that somebody waits for. */
import { parseUserList, type UserList } from "@assay/core/export/user-list";
import { targetsOf } from "@assay/core/indicators/targets";
import type { IndicatorType } from "@assay/core/model/index";
import { and, asc, countDistinct, desc, eq, gt, inArray, lt, or } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorKey, valueKey } from "./keys.ts";
import type { NewHolding } from "./put-holdings.ts";
import { indicators, watches, watchHits } from "./schema.ts";

export interface WatchHit {
  readonly watch: string;
  readonly sample: string;
  readonly type: string;
  readonly value: string;
}

/** Whether an indicator is what a watch waits for. */
type Matcher = (id: string, type: IndicatorType, value: string) => boolean;

/** Rows of one question. */
const ROWS = 5000;

/**
 * A watch is a value as `pivot` takes it; a domain stands for the names under it too, and a range for its addresses.
 * Undefined when it can match nothing.
 */
export function matcherOf(watch: string): Matcher | undefined {
  const keys = new Set(targetsOf(watch).indicators.map(({ type, value }) => indicatorKey(type, value)));
  const { list, bad } = parseUserList(watch);
  const network: UserList | undefined = bad.length === 0 && list.size === 1 ? list : undefined;
  if (keys.size === 0 && network === undefined) return undefined;
  return (id, type, value) => keys.has(id) || network?.covers(type, value) !== undefined;
}

/** Notes which of these new holdings somebody waits for. */
export async function touchWatches(
  db: Database,
  gained: readonly NewHolding[],
  at: string,
): Promise<WatchHit[]> {
  if (gained.length === 0) return [];
  const all = await db.select({ key: watches.key, value: watches.value }).from(watches);
  const matchers = all.flatMap(({ key, value }) => {
    const matches = matcherOf(value);
    return matches === undefined ? [] : [{ key, value, matches }];
  });
  if (matchers.length === 0) return [];
  const known = await indicatorsOf(db, [...new Set(gained.map(({ indicator }) => indicator))]);
  const rows: (typeof watchHits.$inferInsert)[] = [];
  const hits: WatchHit[] = [];
  for (const { sample, indicator } of gained) {
    const one = known.get(indicator);
    if (one === undefined) continue;
    for (const { key, value, matches } of matchers)
      if (matches(indicator, one.type, one.value)) {
        rows.push({ watch: key, sample, indicator, at });
        hits.push({ watch: value, sample, type: one.type, value: one.value });
      }
  }
  for (let i = 0; i < rows.length; i += ROWS)
    await db
      .insert(watchHits)
      .values(rows.slice(i, i + ROWS))
      .onConflictDoNothing();
  return hits;
}

async function indicatorsOf(
  db: Database,
  ids: readonly string[],
): Promise<Map<string, { readonly type: IndicatorType; readonly value: string }>> {
  const found = new Map<string, { readonly type: IndicatorType; readonly value: string }>();
  for (let at = 0; at < ids.length; at += ROWS) {
    const rows = await db
      .select({ id: indicators.id, type: indicators.type, value: indicators.value })
      .from(indicators)
      .where(inArray(indicators.id, ids.slice(at, at + ROWS)));
    for (const { id, type, value } of rows) found.set(id, { type: type as IndicatorType, value });
  }
  return found;
}

/** False when nothing can match it. */
export async function addWatch(db: Database, value: string, at: string): Promise<boolean> {
  const text = value.trim();
  if (matcherOf(text) === undefined) return false;
  await db
    .insert(watches)
    .values({ key: valueKey(text), value: text, addedAt: at })
    .onConflictDoNothing();
  return true;
}

/** False when there was no such watch. */
export async function removeWatch(db: Database, value: string): Promise<boolean> {
  const gone = await db
    .delete(watches)
    .where(eq(watches.key, valueKey(value.trim())))
    .returning({ key: watches.key });
  return gone.length > 0;
}

export interface HitRow extends Omit<WatchHit, "type"> {
  readonly type: IndicatorType;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Keys of the rows: with `at` and the sample, where a page ends. */
  readonly indicator: string;
  readonly key: string;
}

/** Where a page of hits ends. */
export type HitEnd = Pick<HitRow, "at" | "sample" | "indicator"> & { readonly watch: string };

/** Newest first; of one watch when `value` is given. */
export async function listHits(
  db: Database,
  value: string | undefined,
  limit: number,
  after: HitEnd | undefined,
): Promise<HitRow[]> {
  const { at, sample, indicator, watch } = watchHits;
  const rows = await db
    .select({
      watch: watches.value,
      key: watch,
      sample,
      indicator,
      at,
      type: indicators.type,
      value: indicators.value,
    })
    .from(watchHits)
    .innerJoin(watches, eq(watches.key, watch))
    .innerJoin(indicators, eq(indicators.id, indicator))
    .where(
      and(
        value === undefined ? undefined : eq(watch, valueKey(value.trim())),
        after === undefined
          ? undefined
          : or(
              lt(at, after.at),
              and(
                eq(at, after.at),
                or(
                  gt(sample, after.sample),
                  and(
                    eq(sample, after.sample),
                    or(
                      gt(indicator, after.indicator),
                      and(eq(indicator, after.indicator), gt(watch, after.watch)),
                    ),
                  ),
                ),
              ),
            ),
      ),
    )
    .orderBy(desc(at), asc(sample), asc(indicator), asc(watch))
    .limit(limit);
  return rows.map((row) => ({ ...row, type: row.type as IndicatorType }));
}

export interface WatchRow {
  readonly value: string;
  readonly addedAt: string;
  /** Samples that touched it since it was added. */
  readonly hits: number;
}

export async function listWatches(db: Database): Promise<WatchRow[]> {
  return db
    .select({ value: watches.value, addedAt: watches.addedAt, hits: countDistinct(watchHits.sample) })
    .from(watches)
    .leftJoin(watchHits, eq(watchHits.watch, watches.key))
    .groupBy(watches.key)
    .orderBy(asc(watches.value));
}
