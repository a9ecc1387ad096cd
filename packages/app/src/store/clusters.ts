/** The clusters of the whole corpus. */
import type { Cluster, IndicatorType } from "@assay/core/model/index";
import { correlate, type SharedIndicator } from "@assay/core/relations/correlate";
import { and, eq, gt, inArray } from "drizzle-orm";
import type { Database } from "./database.ts";
import { exclusionList } from "./exclusions.ts";
import { groupBy } from "./group.ts";
import { corpusSize } from "./pivot.ts";
import { holdings, indicators, samples } from "./schema.ts";

/** Largest first. */
export async function clusters(db: Database): Promise<Cluster[]> {
  const rows = await db
    .selectDistinct({
      id: indicators.id,
      type: indicators.type,
      value: indicators.value,
      sample: holdings.sample,
      family: holdings.family,
    })
    .from(indicators)
    .innerJoin(holdings, eq(holdings.indicator, indicators.id))
    .where(and(gt(indicators.samples, 1), eq(indicators.linkable, true)));
  const shared = [...groupBy(rows, ({ id }) => id).values()].map((group): SharedIndicator => {
    const [{ type, value }] = group as [(typeof rows)[number]];
    const holders = [...new Set(group.map(({ sample }) => sample))].sort();
    return { type: type as IndicatorType, value, linkable: true, holders };
  });
  const families = new Map<string, Set<string>>();
  for (const { sample, family } of rows)
    families.set(sample, (families.get(sample) ?? new Set()).add(family));
  const excluded = await exclusionList(db);
  return correlate(shared, {
    total: await corpusSize(db),
    families,
    firstSeen: await firstSeen(db, [...families.keys()]),
    excluded: (type, value) => excluded.covers(type, value) !== undefined,
  });
}

/** Samples asked for at once. */
const ROWS = 10_000;

async function firstSeen(db: Database, hashes: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let at = 0; at < hashes.length; at += ROWS) {
    const rows = await db
      .select({ sha256: samples.sha256, firstSeen: samples.firstSeen })
      .from(samples)
      .where(inArray(samples.sha256, hashes.slice(at, at + ROWS)));
    for (const row of rows) found.set(row.sha256, row.firstSeen);
  }
  return found;
}
