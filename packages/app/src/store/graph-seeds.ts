/** What a graph begins with, and what nodes say of themselves. */
import { defangIndicator } from "@assay/core/indicators/defang";
import { targetsOf } from "@assay/core/indicators/targets";
import type { IndicatorType } from "@assay/core/model/index";
import { tieWeight } from "@assay/core/relations/weight";
import { and, eq, gt, inArray, or, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Hub, Scope } from "./graph-hub.ts";
import type { GraphNode, NodeKind } from "./graph-model.ts";
import { type IndicatorRow, indicatorRows } from "./indicator-rows.ts";
import { indicatorKey } from "./keys.ts";
import { ask, integers } from "./rows.ts";
import {
  clusterNames,
  clusterParts,
  clusterSamples,
  clusters,
  configs,
  findings,
  samples,
} from "./schema.ts";

/** Seeds of one question: a hash may be one of several things, and so may a value. */
const MAX_SEEDS = 20;

export interface Seed {
  readonly node: GraphNode;
  /** Undefined for a sample. */
  readonly hub: Hub | undefined;
}

/** `sha256`, `sha1`, `md5` of a sample, a config's, a cluster's id, `family:…`, or any value that an indicator may be. */
export async function seedsOf(scope: Scope, text: string): Promise<Seed[]> {
  const { db } = scope;
  const value = text.trim();
  const cluster = await clusterSeed(db, value);
  if (cluster !== undefined) return [cluster];
  const family = /^family:(.+)$/is.exec(value)?.[1];
  if (family !== undefined) return familySeed(db, family.trim());
  const { indicators: keys, hash } = targetsOf(value);
  // A node's key means just that node, also where its value begins or ends with a blank.
  const [, type = "", exact = ""] = /^([a-z0-9_]+):(.+)$/s.exec(text) ?? [];
  const ids = [indicatorKey(type, exact), ...keys.map((key) => indicatorKey(key.type, key.value))];
  const rows = await indicatorRows(db, [...new Set(ids)]);
  const held = rows.filter((row) => row.samples > 0).map((row) => indicatorSeed(scope, row));
  const hashed = hash === undefined ? [] : await hashSeeds(db, hash);
  return [...hashed, ...held].slice(0, MAX_SEEDS);
}

const KIND_OF: Partial<Record<IndicatorType, NodeKind>> = {
  campaign_id: "campaign",
  certificate: "certificate",
};

export function kindOf(type: IndicatorType): NodeKind {
  return KIND_OF[type] ?? "indicator";
}

/** What sharing an indicator says: 0 when it may tie nothing. */
export function weightOf(
  { of, excluded }: Scope,
  { type, value, samples: n, linkable }: IndicatorRow,
): number {
  if (!linkable || excluded.covers(type, value) !== undefined) return 0;
  return tieWeight(type, Math.max(1, n), Math.max(1, of, n));
}

export function indicatorNode({ excluded }: Scope, row: IndicatorRow, depth: number): GraphNode {
  const { type, value, samples: n, linkable, firstSeen, lastSeen } = row;
  const by = excluded.covers(type, value);
  return {
    key: `${type}:${value}`,
    kind: kindOf(type),
    label: value,
    defanged: defangIndicator(type, value),
    ...{ depth, type, samples: n, linkable, firstSeen, lastSeen },
    ...(by === undefined ? {} : { excludedBy: by }),
  };
}

function indicatorSeed(scope: Scope, row: IndicatorRow): Seed {
  const node = indicatorNode(scope, row, 0);
  return { node, hub: indicatorHub(scope, row) };
}

export function indicatorHub(scope: Scope, row: IndicatorRow): Hub {
  const { id, type, value, samples: n } = row;
  return { kind: "indicator", key: `${type}:${value}`, id, samples: n, weight: weightOf(scope, row) };
}

export function sampleKey(sha256: string): string {
  return `sha256:${sha256}`;
}

function sampleSeed(sha256: string): Seed {
  return { node: { key: sampleKey(sha256), kind: "sample", label: sha256, depth: 0 }, hub: undefined };
}

async function hashSeeds(
  db: Database,
  { kind, value }: { readonly kind: "md5" | "sha1" | "sha256"; readonly value: string },
): Promise<Seed[]> {
  const own = await db
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(eq(samples[kind], value))
    .limit(MAX_SEEDS);
  const found = own.map(({ sha256 }) => sampleSeed(sha256));
  if (kind !== "sha256") return found;
  const [config] = await db.select({ id: configs.id }).from(configs).where(eq(configs.id, value));
  return config === undefined ? found : [...found, configSeed(config.id)];
}

function configSeed(id: string): Seed {
  const key = `config:${id}`;
  return { node: { key, kind: "config", label: id, depth: 0 }, hub: { kind: "config", key, id, weight: 1 } };
}

async function familySeed(db: Database, name: string): Promise<Seed[]> {
  const [row] = await db
    .select({ family: findings.family })
    .from(findings)
    .where(or(eq(findings.family, name), eq(findings.family, name.toLowerCase())))
    .limit(1);
  if (row === undefined) return [];
  const key = `family:${row.family}`;
  return [
    {
      node: { key, kind: "family", label: row.family, depth: 0 },
      hub: { kind: "family", key, id: row.family, weight: 0 },
    },
  ];
}

export interface ClusterRow {
  readonly key: number;
  readonly id: string;
  readonly samples: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly community: string | null;
}

const CLUSTER = {
  key: clusters.key,
  id: clusters.id,
  samples: clusters.samples,
  firstSeen: clusters.firstSeen,
  lastSeen: clusters.lastSeen,
  community: clusters.community,
};

/** By its id, or by that of one that became part of it. */
export async function clusterById(db: Database, id: string): Promise<ClusterRow | undefined> {
  const [own] = await db.select(CLUSTER).from(clusters).where(eq(clusters.id, id));
  if (own !== undefined) return own;
  const [former] = await db
    .select(CLUSTER)
    .from(clusterNames)
    .innerJoin(clusters, eq(clusters.key, clusterNames.cluster))
    .where(eq(clusterNames.id, id));
  return former;
}

export async function partsOf(db: Database, cluster: number): Promise<number[]> {
  const rows = await db
    .select({ part: clusterParts.part })
    .from(clusterParts)
    .where(eq(clusterParts.cluster, cluster));
  return rows.map(({ part }) => part);
}

/** Ties of one cluster that are weighed. */
const MAX_TIES = 1000;

/** What ties a cluster, those first that tie the most of it. */
export async function tiesOfCluster(
  db: Database,
  parts: readonly number[],
  limit: number,
): Promise<IndicatorRow[]> {
  const rows = await ask<{ id: string }>(
    db,
    sql`select i.id::text from (
        select indicator from assay.cluster_ties where part = any(${integers(parts)}) limit ${MAX_TIES}
      ) t join assay.indicators i on i.id = t.indicator order by i.samples desc, i.id limit ${limit}`,
  );
  return indicatorRows(
    db,
    rows.map(({ id }) => id),
  );
}

/** Only clusters of two or more: one alone is none to show. */
export async function clustersOfSamples(
  db: Database,
  hashes: readonly string[],
): Promise<(ClusterRow & { readonly sample: string })[]> {
  return db
    .select({ sample: clusterSamples.sample, ...CLUSTER })
    .from(clusterSamples)
    .innerJoin(clusterParts, eq(clusterParts.part, clusterSamples.part))
    .innerJoin(clusters, eq(clusters.key, clusterParts.cluster))
    .where(and(inArray(clusterSamples.sample, [...hashes]), gt(clusters.samples, 1)));
}

export function clusterNode(row: ClusterRow, depth: number): GraphNode {
  const { id, samples: n, firstSeen, lastSeen, community } = row;
  return {
    ...{ key: id, kind: "cluster", label: id, depth, samples: n, firstSeen, lastSeen },
    ...(community === null ? {} : { community }),
  };
}

async function clusterSeed(db: Database, id: string): Promise<Seed | undefined> {
  const row = /^cluster-[0-9a-f]{12}$/.test(id) ? await clusterById(db, id) : undefined;
  if (row === undefined) return undefined;
  const parts = await partsOf(db, row.key);
  return {
    node: clusterNode(row, 0),
    hub: { kind: "cluster", key: row.id, parts, samples: row.samples, weight: 1 },
  };
}
