/** All clusters anew, from what the corpus holds. Names stay with their founders. */
import { sql } from "drizzle-orm";
import { compare, giveIds } from "./cluster-bind.ts";
import { components, membersOf } from "./components.ts";
import type { Database } from "./database.ts";
import { ask, insertRows } from "./rows.ts";
import { clusterNames, clusterParts, clusterSamples, clusters, clusterTies, correlation } from "./schema.ts";
import { lockClusters, scales } from "./ties.ts";

/** Within one transaction; others that store samples wait for it. */
export async function buildClusters(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await lockClusters(tx);
    await build(tx);
    await tx.update(correlation).set({ built: true });
  });
}

async function build(db: Database): Promise<void> {
  const all = await components(db, await scales(db));
  const former = await db
    .select({
      key: clusters.key,
      id: clusters.id,
      founder: clusters.founder,
      founded: clusters.founded,
      samples: clusters.samples,
      community: clusters.community,
    })
    .from(clusters);
  const members = await ask<{ sample: string; cluster: number }>(
    db,
    sql`select encode(m.sample, 'hex') as sample, p.cluster from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part`,
  );
  const aliases = await db.select({ id: clusterNames.id, cluster: clusterNames.cluster }).from(clusterNames);
  for (const table of ["clusters", "cluster_parts", "cluster_samples", "cluster_ties", "cluster_families"])
    await db.execute(sql`delete from assay.${sql.raw(table)}`);
  for (const table of ["cluster_names", "cluster_edges", "suspects"])
    await db.execute(sql`delete from assay.${sql.raw(table)}`);
  const groups = membersOf(all);
  await db.execute(sql`select setval('assay.cluster_keys', 1, false)`);
  if (groups.length === 0) return;
  await db.execute(sql`select setval('assay.cluster_keys', ${groups.length})`);
  const keyOfRoot = new Map(groups.map((group, i) => [all.root[group[0] as number] as number, i + 1]));
  const keyAt = (at: number) => keyOfRoot.get(all.root[at] as number);
  await insertRows(
    db,
    clusterParts,
    groups.map((_, i) => ({ part: i + 1, cluster: i + 1 })),
  );
  await insertRows(
    db,
    clusterSamples,
    groups.flatMap((group, i) => group.map((at) => ({ sample: all.samples[at] as string, part: i + 1 }))),
  );
  await insertRows(
    db,
    clusterTies,
    [...all.ties].flatMap(([indicator, at]) => {
      const part = keyAt(at);
      return part === undefined ? [] : [{ indicator, part }];
    }),
  );
  const rows = await measured(db);
  const keyOf = new Map(
    all.samples.flatMap((sample, at) => {
      const key = keyAt(at);
      return key === undefined ? [] : [[sample, key] as const];
    }),
  );
  await name(db, rows, former, aliases, heirsOf(former, members, keyOf));
  await insertRows(db, clusters, rows);
  await db.execute(
    sql`insert into assay.cluster_families (cluster, family, samples)
      select m.part, h.family, count(distinct m.sample) from assay.cluster_samples m
      join assay.holdings h on h.sample = m.sample group by m.part, h.family`,
  );
}

type Row = typeof clusters.$inferSelect;
type Former = Pick<Row, "key" | "id" | "founder" | "founded" | "samples" | "community">;

/** Sizes, ages and founders of what the tables hold, one part a cluster. */
async function measured(db: Database): Promise<Row[]> {
  const rows = await ask<{
    key: number;
    samples: number;
    first: string;
    last: string;
    founder: string;
  }>(
    db,
    sql`select m.part as key, count(*)::integer as samples, min(s.first_seen)::text as first,
        max(s.last_seen)::text as last,
        (array_agg(encode(s.sha256, 'hex') order by s.first_seen, s.sha256))[1] as founder
      from assay.cluster_samples m join assay.samples s on s.sha256 = m.sample group by m.part`,
  );
  const iso = (text: string) => new Date(text).toISOString();
  return rows.map(({ key, samples, first, last, founder }) => ({
    ...{ key, id: "", founder, founded: iso(first), samples, parts: 1 },
    ...{ firstSeen: iso(first), lastSeen: iso(last), community: null, touched: true },
  }));
}

/**
 * The heir of a former cluster is what has its founder now, or most of its samples where that left it. A cluster has the
 * name of the oldest that it is heir of; the other names lead there.
 */
async function name(
  db: Database,
  rows: Row[],
  former: readonly Former[],
  aliases: readonly { readonly id: string; readonly cluster: number }[],
  heirs: ReadonlyMap<number, number>,
): Promise<void> {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const named: { id: string; cluster: number }[] = [];
  for (const one of [...former].sort(
    (a, b) =>
      Number(b.samples > 1) - Number(a.samples > 1) || compare(a.founded, b.founded) || compare(a.id, b.id),
  )) {
    const key = heirs.get(one.key);
    const row = key === undefined ? undefined : byKey.get(key);
    if (row === undefined) continue;
    const { id, founder, founded, community } = one;
    if (row.id === "") Object.assign(row, { id, founder, founded, community });
    else if (one.samples > 1) named.push({ id, cluster: row.key });
  }
  await giveIds(db, rows);
  for (const { id, cluster } of aliases) {
    const heir = heirs.get(cluster);
    if (heir !== undefined) named.push({ id, cluster: heir });
  }
  await insertRows(db, clusterNames, named);
}

/** For each former cluster the new one that goes on with it; by their keys. */
function heirsOf(
  former: readonly Former[],
  members: readonly { readonly sample: string; readonly cluster: number }[],
  keyOf: ReadonlyMap<string, number>,
): Map<number, number> {
  const founderOf = new Map(former.map(({ key, founder }) => [key, founder]));
  const heirs = new Map<number, number>();
  const counts = new Map<number, Map<number, number>>();
  for (const { sample, cluster } of members) {
    const key = keyOf.get(sample);
    if (key === undefined) continue;
    if (founderOf.get(cluster) === sample) heirs.set(cluster, key);
    const count = counts.get(cluster) ?? new Map<number, number>();
    counts.set(cluster, count.set(key, (count.get(key) ?? 0) + 1));
  }
  for (const [cluster, count] of counts) {
    const [most] = [...count].sort(([a, n], [b, m]) => m - n || a - b);
    if (!heirs.has(cluster) && most !== undefined) heirs.set(cluster, most[0]);
  }
  return heirs;
}
