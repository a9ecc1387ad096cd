/**
 * Communities: clusters, and samples that belong to none, that weaker ties draw together. Found by Louvain's method over
 * the region around what was touched: that, all of its communities, and two ties further. What lies at the rim is seen
 * with a part of its own ties only: it decides about the others, and stays where it is.
 */
import { clusterName } from "@assay/core/relations/clusters";
import { sql } from "drizzle-orm";
import {
  agesOf,
  clusterOfSamples,
  clustersByKey,
  countFamilies,
  familiesOf,
  giveIds,
  newKeys,
} from "./cluster-bind.ts";
import type { Database } from "./database.ts";
import { groupBy } from "./group.ts";
import { ask, insertRows, integers, uuids } from "./rows.ts";
import { clusterEdges, clusterParts, clusterSamples, clusters } from "./schema.ts";
import { decodeText } from "./text.ts";
import { lockClusters, type Scales, scales, type TieRow } from "./ties.ts";

/** Clusters and samples that one region begins with. */
const SEEDS = 500;
/** Ties from there to the rim. */
const REACH = 2;
/** Of a cluster with more samples, so many are looked at for weaker ties. */
const MAX_MEMBERS = 200;
/** Ties between two clusters that are told. */
const MAX_EDGES = 3;

/** Works off what was touched, until `deadline` (ms, as performance.now); returns how many clusters moved. */
export async function detectCommunities(db: Database, budget: number, deadline: number): Promise<number> {
  for (let moved = 0; ; ) {
    if (performance.now() > deadline) return moved;
    const seeds = await locked(db, takeSeeds);
    if (seeds.size === 0) return moved;
    // Looking and thinking take seconds: others store meanwhile.
    const region = await regionOf(db, seeds, budget, await scales(db));
    const found = await louvain(region);
    moved += await locked(db, (tx) => assign(tx, region, found));
  }
}

function locked<T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await lockClusters(tx);
    return work(tx);
  });
}

/** Clusters whose communities are to be worked out; none when nothing waits. */
async function takeSeeds(db: Database): Promise<Set<number>> {
  const waiting = await ask<{ sample: string }>(
    db,
    sql`with gone as (
        delete from assay.loose where sample in (select sample from assay.loose order by sample limit ${SEEDS})
        returning sample)
      select encode(sample, 'hex') as sample from gone`,
  );
  const touched = await ask<{ key: number }>(
    db,
    sql`update assay.clusters set touched = false
      where key in (select key from assay.clusters where touched order by key limit ${SEEDS}) returning key`,
  );
  const placed = await place(
    db,
    waiting.map(({ sample }) => sample),
    false,
  );
  return new Set([...placed.values(), ...touched.map(({ key }) => key)]);
}

/** The cluster of each sample; those that have none become one alone. Within the lock. */
async function place(
  db: Database,
  samples: readonly string[],
  touched: boolean,
): Promise<Map<string, number>> {
  const placed = await clusterOfSamples(db, samples);
  const alone = samples.filter((sample) => !placed.has(sample));
  if (alone.length === 0) return placed;
  const keys = await newKeys(db, alone.length);
  const ages = await agesOf(db, alone);
  const families = await familiesOf(db, alone);
  const rows = alone.flatMap((sample, i) => {
    const age = ages.get(sample);
    const key = keys[i] as number;
    if (age === undefined) return [];
    placed.set(sample, key);
    return [
      {
        ...{ key, id: "", founder: sample, founded: age.first, samples: 1, parts: 1 },
        ...{ firstSeen: age.first, lastSeen: age.last, community: null, touched },
      },
    ];
  });
  await giveIds(db, rows);
  await insertRows(db, clusters, rows);
  await insertRows(
    db,
    clusterParts,
    rows.map(({ key }) => ({ part: key, cluster: key })),
  );
  await insertRows(
    db,
    clusterSamples,
    rows.map(({ key, founder }) => ({ sample: founder, part: key })),
  );
  await countFamilies(
    db,
    families.map(({ sample, family }) => ({ cluster: placed.get(sample) as number, family, by: 1 })),
  );
  return placed;
}

interface Region {
  readonly clusters: ReadonlySet<number>;
  /** Those of them that are not at the rim. */
  readonly inner: ReadonlySet<number>;
  /** Weaker ties and the clusters that hold them. */
  readonly ties: ReadonlyMap<string, { readonly weight: number; readonly clusters: Set<number> }>;
}

/** What weaker ties lead to from the seeds and their communities; after `budget` clusters no further. */
async function regionOf(
  db: Database,
  seeds: ReadonlySet<number>,
  budget: number,
  { weigh }: Scales,
): Promise<Region> {
  const reached = new Set<number>();
  const ties = new Map<string, { weight: number; clusters: Set<number> }>();
  const inner = new Set<number>();
  let frontier = [...seeds, ...(await sameCommunity(db, [...seeds])).filter((key) => !seeds.has(key))];
  for (let step = 0; step < REACH && frontier.length > 0 && reached.size <= budget; step++) {
    for (const key of frontier) {
      reached.add(key);
      inner.add(key);
    }
    const next = new Set<number>();
    const held = await weaklyHeld(db, frontier);
    const fresh = held.filter(({ id }) => !ties.has(id));
    const weak = fresh.flatMap((row) => {
      const { strength, weight } = weigh(row, row.cluster !== null);
      return strength === "weak" ? [{ id: row.id, weight }] : [];
    });
    for (const { id, weight } of weak) ties.set(id, { weight, clusters: new Set() });
    const holders = await ask<{ indicator: string; sample: string }>(
      db,
      sql`select distinct indicator::text, encode(sample, 'hex') as sample from assay.holdings
        where indicator = any(${uuids(weak.map(({ id }) => id))})`,
    );
    const all = [...new Set(holders.map(({ sample }) => sample))];
    const placed = await clusterOfSamples(db, all);
    const alone = all.filter((sample) => !placed.has(sample));
    if (alone.length > 0)
      for (const [sample, key] of await locked(db, (tx) => place(tx, alone, false))) placed.set(sample, key);
    for (const { indicator, sample } of holders) {
      const key = placed.get(sample);
      if (key === undefined) continue;
      ties.get(indicator)?.clusters.add(key);
      next.add(key);
    }
    frontier = [...next].filter((key) => !reached.has(key)).slice(0, Math.max(0, budget - reached.size));
  }
  for (const key of frontier) reached.add(key);
  return { clusters: reached, inner, ties };
}

async function sameCommunity(db: Database, keys: readonly number[]): Promise<number[]> {
  const rows = await ask<{ key: number }>(
    db,
    sql`select key from assay.clusters where community in (
      select community from assay.clusters where key = any(${integers(keys)}) and community is not null)`,
  );
  return rows.map(({ key }) => key);
}

/** Shared indicators of the clusters' samples that bind none of them. */
async function weaklyHeld(db: Database, keys: readonly number[]): Promise<TieRow[]> {
  const rows = await ask<TieRow>(
    db,
    sql`select distinct i.id::text, i.type, i.value, i.samples, i.linkable, null::integer as cluster
      from unnest(${integers(keys)}) as c (key)
      cross join lateral (
        select m.sample from assay.cluster_parts p join assay.cluster_samples m on m.part = p.part
        where p.cluster = c.key limit ${MAX_MEMBERS}
      ) m
      join assay.holdings h on h.sample = m.sample
      join assay.indicators i on i.id = h.indicator
      where i.samples > 1 and i.linkable
        and not exists (select from assay.cluster_ties t where t.indicator = i.id)`,
  );
  return rows.map((row) => ({ ...row, value: decodeText(row.value) }));
}

/** Gives the groups of a region their names; returns how many clusters moved. */
async function assign(db: Database, region: Region, groups: readonly number[][]): Promise<number> {
  // Some may have become part of others meanwhile: those are touched, and come again.
  const known = await clustersByKey(db, [...region.clusters]);
  const found = groups.map((keys) => keys.filter((key) => known.has(key))).filter((keys) => keys.length > 1);
  const former = new Map([...known.values()].map(({ key, community }) => [key, community]));
  const names = nameCommunities(found, known);
  const now = new Map<number, string | null>([...region.clusters].map((key) => [key, null]));
  for (const [i, group] of found.entries()) for (const key of group) now.set(key, names[i] as string);
  const changed = [...now].filter(
    ([key, name]) =>
      known.has(key) && former.get(key) !== name && (region.inner.has(key) || former.get(key) === null),
  );
  for (const [name, group] of groupBy(changed, ([, community]) => community))
    await db.execute(
      sql`update assay.clusters set community = ${name} where key = any(${integers(group.map(([key]) => key))})`,
    );
  await putEdges(db, region, known);
  return changed.length;
}

/** Groups of two clusters or more. */
async function louvain({ clusters: keys, ties }: Region): Promise<number[][]> {
  const [{ UndirectedGraph }, { default: detect }] = await Promise.all([
    import("graphology"),
    import("graphology-communities-louvain"),
  ]);
  const graph = new UndirectedGraph();
  // The order of nodes decides between equals.
  for (const key of [...keys].sort((a, b) => a - b)) graph.addNode(`c${key}`);
  for (const [id, { weight, clusters: held }] of [...ties].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (held.size < 2) continue;
    // Samples that share something meet in its node, so that a thousand of them are not half a million pairs.
    graph.addNode(`t${id}`);
    for (const key of held) graph.mergeEdge(`c${key}`, `t${id}`, { weight });
  }
  if (graph.size === 0) return [];
  const of = detect(graph, { getEdgeWeight: "weight", randomWalk: false });
  const groups = groupBy(
    [...keys].sort((a, b) => a - b),
    (key) => of[`c${key}`],
  );
  return [...groups.values()].filter((group) => group.length > 1);
}

type Known = Awaited<ReturnType<typeof clustersByKey>>;

/**
 * The name of a former community goes to the group that has most of its samples, and each group takes one name; a new one
 * is called after its oldest cluster.
 */
function nameCommunities(groups: readonly number[][], known: Known): string[] {
  const overlaps: { readonly group: number; readonly name: string; readonly samples: number }[] = [];
  for (const [group, keys] of groups.entries()) {
    const counts = new Map<string, number>();
    for (const key of keys) {
      const row = known.get(key);
      if (row?.community != null) counts.set(row.community, (counts.get(row.community) ?? 0) + row.samples);
    }
    for (const [name, samples] of counts) overlaps.push({ group, name, samples });
  }
  overlaps.sort((a, b) => b.samples - a.samples || (a.name < b.name ? -1 : 1) || a.group - b.group);
  const names = new Map<number, string>();
  const taken = new Set<string>();
  for (const { group, name } of overlaps)
    if (!names.has(group) && !taken.has(name)) {
      names.set(group, name);
      taken.add(name);
    }
  return groups.map((keys, group) => {
    const kept = names.get(group);
    if (kept !== undefined) return kept;
    const rows = keys.flatMap((key) => known.get(key) ?? []);
    const [oldest] = rows.sort((a, b) => (`${a.founded} ${a.id}` < `${b.founded} ${b.id}` ? -1 : 1));
    for (let round = 0; ; round++) {
      const name = clusterName(oldest?.founder ?? "", round).replace("cluster-", "community-");
      if (taken.has(name) || overlaps.some((one) => one.name === name)) continue;
      taken.add(name);
      return name;
    }
  });
}

/** The strongest ties between clusters: each joins its largest cluster with the others. */
async function putEdges(db: Database, { inner, ties }: Region, known: Known): Promise<void> {
  const keys = integers([...inner]);
  await db.execute(sql`delete from assay.cluster_edges where a = any(${keys}) and b = any(${keys})`);
  const byEnds = new Map<string, (typeof clusterEdges.$inferInsert)[]>();
  for (const [indicator, { weight, clusters: held }] of ties) {
    const size = (key: number) => known.get(key)?.samples ?? 0;
    const [hub, ...others] = [...held]
      .filter((key) => known.has(key))
      .sort((a, b) => size(b) - size(a) || a - b);
    for (const other of others) {
      const [a, b] = [Math.min(hub as number, other), Math.max(hub as number, other)];
      const ends = `${a} ${b}`;
      byEnds.set(ends, [...(byEnds.get(ends) ?? []), { a, b, indicator, weight }]);
    }
  }
  const strongest = (rows: (typeof clusterEdges.$inferInsert)[]) =>
    rows.sort((x, y) => y.weight - x.weight || (x.indicator < y.indicator ? -1 : 1)).slice(0, MAX_EDGES);
  await insertRows(db, clusterEdges, [...byEnds.values()].flatMap(strongest));
}
