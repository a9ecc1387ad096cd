/**
 * Flags indicators of the corpus that differ by a slip of the hand, each new one against all that are there. Everything
 * that a slip could have made of it is looked up by key, so that no index of all spellings has to be kept.
 */
import {
  type NearDuplicate,
  nearDuplicates as pairsOf,
  slipsOf,
} from "@assay/core/indicators/near-duplicates";
import type { IndicatorType } from "@assay/core/model/index";
import { inArray, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { indicatorKey } from "./keys.ts";
import { ask, insertRows, uuids } from "./rows.ts";
import { nearDuplicates } from "./schema.ts";
import { decodeText } from "./text.ts";

/** Indicators of one transaction; each has some hundred spellings. */
const PAGE = 50;
/** One with more partners than this is of a generated series, and its flags are not told. */
const MAX_PARTNERS = 4;

/** Looks at what nobody looked at yet, until `deadline` (ms, as performance.now); returns how many pairs were found. */
export async function matchNear(db: Database, deadline: number): Promise<number> {
  for (let found = 0; ; ) {
    if (performance.now() > deadline) return found;
    const step = await db.transaction(nextPage);
    if (step === undefined) return found;
    found += step;
  }
}

interface Row {
  readonly id: string;
  readonly type: IndicatorType;
  readonly value: string;
}

/** Undefined when nothing waits. */
async function nextPage(db: Database): Promise<number | undefined> {
  // Two that work at once take different ones.
  const taken = await ask<Row>(
    db,
    sql`with taken as (
        delete from assay.unmatched where indicator in (
          select indicator from assay.unmatched order by indicator limit ${PAGE} for update skip locked)
        returning indicator)
      select i.id::text, i.type, i.value from taken join assay.indicators i on i.id = taken.indicator
      where i.linkable and i.samples > 0`,
  );
  if (taken.length === 0) {
    const [rest] = await ask<{ n: number }>(
      db,
      sql`select count(*)::integer as n from (select from assay.unmatched limit 1 for update skip locked) u`,
    );
    return (rest?.n ?? 0) > 0 ? 0 : undefined;
  }
  const fresh = taken.map((row) => ({ ...row, value: decodeText(row.value) }));
  const spellings = new Map<string, string>();
  for (const { type, value } of fresh)
    for (const slip of slipsOf(value)) spellings.set(indicatorKey(type, slip), slip);
  const there = await ask<{ id: string }>(
    db,
    sql`select id::text from assay.indicators
      where id = any(${uuids([...spellings.keys()])}) and linkable and samples > 0`,
  );
  const pairs: NearDuplicate[] = [];
  const near = new Set(there.map(({ id }) => spellings.get(id) as string));
  for (const { value } of fresh) {
    const around = [...slipsOf(value)].filter((slip) => near.has(slip));
    for (const other of around) pairs.push(...pairsOf([value, other]));
  }
  const typeOf = (value: string) => (/^\d+\.\d+\.\d+\.\d+$/.test(value) ? "ipv4" : "domain");
  const rows = new Map(
    pairs.map(({ a, b, why }) => {
      const [x, y] = [indicatorKey(typeOf(a), a), indicatorKey(typeOf(b), b)];
      return [`${x} ${y}`, { a: x, b: y, why }];
    }),
  );
  const counts = await partnersOf(db, [...new Set([...rows.values()].flatMap(({ a, b }) => [a, b]))]);
  // One more than MAX_PARTNERS says that it is a series; a series of thousands is not kept pair by pair.
  const kept = [...rows.values()].filter(({ a, b }) => {
    const full = [a, b].some((id) => (counts.get(id) ?? 0) > MAX_PARTNERS);
    for (const id of [a, b]) counts.set(id, (counts.get(id) ?? 0) + 1);
    return !full;
  });
  await insertRows(db, nearDuplicates, kept);
  return kept.length;
}

/** With how many others each of these was paired. */
async function partnersOf(db: Database, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await ask<{ id: string; n: number }>(
    db,
    sql`select i.id::text, (
        (select count(*) from assay.near_duplicates where a = i.id)
        + (select count(*) from assay.near_duplicates where b = i.id)
      )::integer as n from unnest(${uuids(ids)}) as i (id)`,
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
}

/** The pairs that any of these indicators is half of, but for series. */
export async function nearPairs(
  db: Database,
  ids: readonly string[],
  limit: number,
): Promise<{ a: string; b: string; why: string }[]> {
  if (ids.length === 0) return [];
  const pairs = await db
    .select()
    .from(nearDuplicates)
    .where(or(inArray(nearDuplicates.a, [...ids]), inArray(nearDuplicates.b, [...ids])))
    .limit(limit);
  const counts = await partnersOf(db, [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]);
  return pairs.filter(({ a, b }) => [a, b].every((id) => (counts.get(id) ?? 0) <= MAX_PARTNERS));
}
