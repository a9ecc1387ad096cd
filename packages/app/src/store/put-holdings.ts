/** What files hold now and held before: indicators with their counts, holdings, and what that does to the clusters. */
import { eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import { type HoldChange, joinClusters } from "./cluster-join.ts";
import type { Database } from "./database.ts";
import type { IndicatorFacts } from "./facts.ts";
import { insertAll, insertRows, recordset, rowsFor } from "./rows.ts";
import { analyses, holdings, indicators, samples, totals } from "./schema.ts";
import { type Entry, sightings } from "./seen.ts";
import type { Standing } from "./standings.ts";

/** An indicator that a file holds now and did not before. */
export interface NewHolding {
  readonly sample: string;
  readonly indicator: string;
}

/** Rows of `totals`. */
const PARTS = 16;

/** Writes what changed; gives what is held anew. */
export async function putHoldings(
  db: Database,
  standings: ReadonlyMap<string, Standing>,
  batch: readonly Entry[],
): Promise<NewHolding[]> {
  const changed = [...standings].filter(([, standing]) => standing.changed);
  const gained: NewHolding[] = [];
  const change = new Map<string, number>();
  let total = 0;
  for (const [sample, { before, holds }] of changed) {
    const old = new Set(before.map(({ indicator }) => indicator));
    const now = new Set(holds.map(({ indicator }) => indicator));
    for (const id of now)
      if (!old.has(id)) {
        gained.push({ sample, indicator: id });
        change.set(id, (change.get(id) ?? 0) + 1);
      }
    for (const id of old) if (!now.has(id)) change.set(id, (change.get(id) ?? 0) - 1);
    total += Number(now.size > 0) - Number(old.size > 0);
  }
  await putIndicators(db, change, batch);
  if (changed.length === 0) return gained;
  await replaceHoldings(db, changed, total);
  await joinClusters(db, changed.map(holdChange));
  return gained;
}

function holdChange([sample, { isNew, before, holds }]: [string, Standing]): HoldChange {
  return {
    sample,
    isNew,
    before: new Set(before.map(({ indicator }) => indicator)),
    now: new Set(holds.map(({ indicator }) => indicator)),
    familiesBefore: new Set(before.map(({ family }) => family)),
    familiesNow: new Set(holds.map(({ family }) => family)),
  };
}

/** Counts, and when each was seen, of all that the batch holds or held. */
async function putIndicators(
  db: Database,
  change: ReadonlyMap<string, number>,
  batch: readonly Entry[],
): Promise<void> {
  const rows = new Map<string, IndicatorFacts & { samples: number; firstSeen: string; lastSeen: string }>();
  for (const { facts, ...seen } of batch)
    for (const [id, one] of facts.indicators) {
      const { firstAt, lastAt } = sightings(seen);
      const known = rows.get(id);
      rows.set(id, {
        ...one,
        linkable: one.linkable && known?.linkable !== false,
        samples: change.get(id) ?? 0,
        firstSeen: known !== undefined && known.firstSeen < firstAt ? known.firstSeen : firstAt,
        lastSeen: known !== undefined && known.lastSeen > lastAt ? known.lastSeen : lastAt,
      });
    }
  const sorted = [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  await insertRows(
    db,
    indicators,
    sorted,
    sql`on conflict (id) do update set
      linkable = excluded.linkable and ${indicators.linkable},
      samples = excluded.samples + ${indicators.samples},
      first_seen = least(excluded.first_seen, ${indicators.firstSeen}),
      last_seen = greatest(excluded.last_seen, ${indicators.lastSeen})`,
  );
  const gone = [...change].filter(([id]) => !rows.has(id)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [id, by] of gone)
    await db
      .update(indicators)
      .set({ samples: sql`${indicators.samples} + ${by}` })
      .where(eq(indicators.id, id));
}

/** What the files hold now, and which results they go by. `total`: by how many those that hold anything are more now. */
async function replaceHoldings(
  db: Database,
  changed: readonly [string, Standing][],
  total: number,
): Promise<void> {
  const had = changed.filter(([, { before }]) => before.length > 0).map(([sample]) => sample);
  if (had.length > 0) await db.delete(holdings).where(inArray(holdings.sample, had));
  const rows = changed.flatMap(([sample, { holds, seen }]) =>
    holds.map((hold) => ({ ...hold, sample, seen })),
  );
  const part = Number.parseInt(changed[0]?.[0].slice(0, 2) ?? "0", 16) % PARTS;
  await insertAll(
    db,
    [
      rowsFor(holdings, rows),
      rowsFor(
        totals,
        total === 0 ? [] : [{ part, samples: total }],
        sql`on conflict (part) do update set samples = ${totals.samples} + excluded.samples`,
      ),
    ],
    [pointAtResults(changed)],
  );
}

function pointAtResults(changed: readonly [string, Standing][]): SQL {
  const { sha256, analysis } = getTableColumns(samples);
  const rows = changed.map(([hash, standing]) => ({ sha256: hash, analysis: standing.analysis }));
  return sql`update ${samples} set analysis = r.analysis, outcome = case
          when ${samples.sha256} = a.sample then a.outcome
          else ${samples.outcome} end
        from ${recordset(Object.entries({ sha256, analysis }), rows)}
        join ${analyses} a on a.id = r.analysis
        where ${samples.sha256} = r.sha256`;
}
