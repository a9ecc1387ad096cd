/** The whole corpus at a level of detail: its communities, or its clusters, largest first, and what leads between them. */
import type { IndicatorType } from "@assay/core/model/index";
import { sql } from "drizzle-orm";
import { bringUpToDate } from "./correlate.ts";
import type { Database } from "./database.ts";
import type { FamilyCount, Graph, GraphEdge, GraphNode } from "./graph-model.ts";
import { groupBy } from "./group.ts";
import { ask, integers } from "./rows.ts";
import { decodeText } from "./text.ts";
import { stateOf } from "./ties.ts";

export interface OverviewOptions {
  /** `communities`: clusters that weaker ties draw together are one node. */
  readonly level: "communities" | "clusters";
  /** Nodes; the others are one group. */
  readonly limit: number;
}

export const MAX_OVERVIEW = 1000;
/** Key of the group of all that is not drawn. */
const REST = "group:rest";

interface Unit {
  readonly id: string;
  readonly community: string | null;
  readonly clusters: readonly number[];
  readonly samples: number;
  readonly first: string;
  readonly last: string;
}

export async function overview(db: Database, { level, limit }: OverviewOptions): Promise<Graph> {
  await bringUpToDate(db);
  const units = await unitsOf(db, level, Math.min(Math.max(1, limit), MAX_OVERVIEW));
  const { of } = await stateOf(db);
  const families = await familiesOf(db, units);
  const nodes = units.map((unit) => nodeOf(unit, families));
  const drawn = units.reduce((sum, { samples }) => sum + samples, 0);
  if (of > drawn)
    nodes.push({ key: REST, kind: "group", label: "all others", depth: 0, samples: of - drawn });
  return { seeds: [], nodes, edges: await edgesOf(db, units), of, leftOut: 0 };
}

/** A community with its clusters. */
export async function communityGraph(db: Database, id: string, limit: number): Promise<Graph | undefined> {
  const units = await ask<Unit>(
    db,
    sql`select id, community, json_build_array(key) as clusters, samples, first_seen::text as first,
        last_seen::text as last
      from assay.clusters where community = ${id} order by samples desc, key limit ${limit}`,
  );
  const [{ n, samples } = { n: 0, samples: 0 }] = await ask<{ n: number; samples: number }>(
    db,
    sql`select count(*)::integer as n, coalesce(sum(samples), 0)::integer as samples
      from assay.clusters where community = ${id}`,
  );
  if (n === 0) return undefined;
  const families = await familiesOf(db, units);
  const all = { key: id, kind: "community" as const, label: id, depth: 0, samples };
  const nodes = units.map((unit) => ({ ...nodeOf(unit, families), depth: 1 }));
  const drawn = units.reduce((sum, unit) => sum + unit.samples, 0);
  const rest: GraphNode[] =
    drawn < samples
      ? [{ key: `group:${id}`, kind: "group", label: id, depth: 1, of: id, samples: samples - drawn }]
      : [];
  const edges: GraphEdge[] = [
    ...units.map((unit): GraphEdge => ({ from: unit.id, to: id, kind: "member", weight: 1 })),
    ...rest.map(({ key }): GraphEdge => ({ from: id, to: key, kind: "more", weight: 1 })),
    ...(await edgesOf(db, units)),
  ];
  return {
    seeds: [id],
    nodes: [all, ...nodes, ...rest],
    edges,
    of: (await stateOf(db)).of,
    leftOut: n - units.length,
  };
}

function nodeOf(unit: Unit, families: ReadonlyMap<string, FamilyCount[]>): GraphNode {
  return {
    key: unit.id,
    kind: unit.id.startsWith("community-") ? "community" : "cluster",
    label: unit.id,
    depth: 0,
    samples: unit.samples,
    families: families.get(unit.id) ?? [],
    firstSeen: new Date(unit.first).toISOString(),
    lastSeen: new Date(unit.last).toISOString(),
    ...(unit.community === null || unit.community === unit.id ? {} : { community: unit.community }),
  };
}

async function unitsOf(db: Database, level: OverviewOptions["level"], limit: number): Promise<Unit[]> {
  if (level === "clusters")
    return ask(
      db,
      sql`select id, community, json_build_array(key) as clusters, samples, first_seen::text as first,
          last_seen::text as last
        from assay.clusters where samples > 1 order by samples desc, key limit ${limit}`,
    );
  return ask(
    db,
    sql`select coalesce(community, id) as id, min(community) as community, json_agg(key order by key) as clusters,
        sum(samples)::integer as samples, min(first_seen)::text as first, max(last_seen)::text as last
      from assay.clusters where samples > 1 or community is not null
      group by coalesce(community, id) order by sum(samples) desc, 1 limit ${limit}`,
  );
}

async function familiesOf(db: Database, units: readonly Unit[]): Promise<Map<string, FamilyCount[]>> {
  const unitOf = unitByCluster(units);
  const rows = await ask<{ cluster: number; family: string; samples: number }>(
    db,
    sql`select cluster, family, samples from assay.cluster_families
      where cluster = any(${integers([...unitOf.keys()])}) and samples > 0`,
  );
  const counts = new Map<string, Map<string, number>>();
  for (const { cluster, family, samples } of rows) {
    const unit = unitOf.get(cluster) as string;
    const count = counts.get(unit) ?? new Map<string, number>();
    counts.set(unit, count.set(decodeText(family), (count.get(decodeText(family)) ?? 0) + samples));
  }
  return new Map(
    [...counts].map(([unit, count]) => [
      unit,
      [...count]
        .map(([family, samples]) => ({ family, samples }))
        .sort((a, b) => b.samples - a.samples || (a.family < b.family ? -1 : 1)),
    ]),
  );
}

function unitByCluster(units: readonly Unit[]): Map<number, string> {
  return new Map(units.flatMap(({ id, clusters }) => clusters.map((key) => [key, id] as const)));
}

/** Weaker ties between what is drawn, the strongest of each pair told. */
async function edgesOf(db: Database, units: readonly Unit[]): Promise<GraphEdge[]> {
  const unitOf = unitByCluster(units);
  const keys = integers([...unitOf.keys()]);
  const rows = await ask<{ a: number; b: number; weight: number; type: IndicatorType; value: string }>(
    db,
    sql`select e.a, e.b, e.weight::float8 as weight, i.type, i.value
      from unnest(${keys}) as a (key) join assay.cluster_edges e on e.a = a.key
      join unnest(${keys}) as b (key) on b.key = e.b
      join assay.indicators i on i.id = e.indicator`,
  );
  const between = rows.flatMap(({ a, b, weight, type, value }) => {
    const [x, y] = [unitOf.get(a) as string, unitOf.get(b) as string].sort() as [string, string];
    return x === y ? [] : [{ x, y, weight, why: `${type}:${decodeText(value)}` }];
  });
  return [...groupBy(between, ({ x, y }) => `${x} ${y}`).values()].map((ties) => {
    const [best] = ties.sort((p, q) => q.weight - p.weight || (p.why < q.why ? -1 : 1)) as [
      (typeof between)[number],
    ];
    const weight = Math.round(best.weight * 1000) / 1000;
    return { from: best.x, to: best.y, kind: "leads-to", weight, why: best.why, count: ties.length };
  });
}
