/** The clusters of the whole corpus, as they were worked out. */
import type { Cluster, IndicatorType } from "@assay/core/model/index";
import { sql } from "drizzle-orm";
import { bringUpToDate } from "./correlate.ts";
import type { Database } from "./database.ts";
import { ask } from "./rows.ts";
import { decodeText } from "./text.ts";
import { scales } from "./ties.ts";

/** A cluster as a list tells it. */
export interface ClusterOverview extends Cluster {
  /** How many samples there are; `samples` has some of them. */
  readonly size: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Clusters that weaker ties draw together have the same. */
  readonly community?: string;
}

export interface ClusterOptions {
  /** Clusters told, largest first. */
  readonly limit: number;
  /** Larger ones that are passed over. */
  readonly offset: number;
  /** Samples and ties told of each. */
  readonly members: number;
}

/** Ties of one cluster that are weighed; the strongest of these are told. */
const MAX_TIES = 2000;

/** Largest first; what was stored before clusters were kept is worked out when they are first asked for. */
export async function clusters(
  db: Database,
  { limit, offset, members }: Partial<ClusterOptions> = {},
): Promise<ClusterOverview[]> {
  await bringUpToDate(db);
  const rows = await ask<{
    key: number;
    id: string;
    size: number;
    first: string;
    last: string;
    community: string | null;
  }>(
    db,
    sql`select key, id, samples as size, first_seen::text as first, last_seen::text as last, community
      from assay.clusters where samples > 1 order by samples desc, key limit ${limit ?? 1000} offset ${offset ?? 0}`,
  );
  const { weigh } = await scales(db);
  const all: ClusterOverview[] = [];
  for (const { key, id, size, first, last, community } of rows)
    all.push({
      ...{ id, size, samples: await samplesOf(db, key, members ?? 1000) },
      families: await familiesOf(db, key),
      shared: (await tiesOf(db, key, weigh)).slice(0, members ?? 1000),
      firstSeen: new Date(first).toISOString(),
      lastSeen: new Date(last).toISOString(),
      ...(community === null ? {} : { community }),
    });
  return all;
}

async function samplesOf(db: Database, key: number, limit: number): Promise<string[]> {
  const rows = await ask<{ sample: string }>(
    db,
    sql`select encode(m.sample, 'hex') as sample from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part where p.cluster = ${key}
      order by m.sample limit ${limit}`,
  );
  return rows.map(({ sample }) => sample);
}

async function familiesOf(db: Database, key: number): Promise<string[]> {
  const rows = await ask<{ family: string }>(
    db,
    sql`select family from assay.cluster_families where cluster = ${key} and samples > 0 order by family`,
  );
  return rows.map(({ family }) => decodeText(family));
}

type Weigh = Awaited<ReturnType<typeof scales>>["weigh"];

/** Strongest first. */
export async function tiesOf(db: Database, key: number, weigh: Weigh): Promise<string[]> {
  const rows = await ask<{
    id: string;
    type: IndicatorType;
    value: string;
    samples: number;
    linkable: boolean;
  }>(
    db,
    sql`select i.id::text, i.type, i.value, i.samples, i.linkable from assay.cluster_ties t
      join assay.cluster_parts p on p.part = t.part join assay.indicators i on i.id = t.indicator
      where p.cluster = ${key} limit ${MAX_TIES}`,
  );
  return rows
    .map((row) => weigh({ ...row, value: decodeText(row.value) }, true))
    .sort(
      (a, b) =>
        b.weight - a.weight ||
        b.samples - a.samples ||
        (`${a.type}:${a.value}` < `${b.type}:${b.value}` ? -1 : 1),
    )
    .map(({ type, value }) => `${type}:${value}`);
}
