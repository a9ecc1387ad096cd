/** All clusters anew, from what the corpus holds. Names stay with their founders. */
import { sql } from "drizzle-orm";
import { giveIds } from "./cluster-bind.ts";
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
      community: clusters.community,
    })
    .from(clusters);
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
  await name(db, rows, former, aliases, all, keyAt);
  await insertRows(db, clusters, rows);
  await db.execute(
    sql`insert into assay.cluster_families (cluster, family, samples)
      select m.part, h.family, count(distinct m.sample) from assay.cluster_samples m
      join assay.holdings h on h.sample = m.sample group by m.part, h.family`,
  );
}

type Row = typeof clusters.$inferSelect;

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

/** A cluster that has the founder of a former one keeps its name, of several the oldest's; the other names lead there. */
async function name(
  db: Database,
  rows: Row[],
  former: readonly Pick<Row, "key" | "id" | "founder" | "founded" | "community">[],
  aliases: readonly { readonly id: string; readonly cluster: number }[],
  { samples }: { readonly samples: readonly string[] },
  keyAt: (at: number) => number | undefined,
): Promise<void> {
  const founders = new Map(former.map((one) => [one.founder, one]));
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const heirs = new Map<number, number>();
  const named: { id: string; cluster: number }[] = [];
  const found: { readonly one: (typeof former)[number]; readonly key: number }[] = [];
  for (const [at, sample] of samples.entries()) {
    const one = founders.get(sample);
    const key = one === undefined ? undefined : keyAt(at);
    if (one !== undefined && key !== undefined) found.push({ one, key });
  }
  const age = ({ one }: (typeof found)[number]) => `${one.founded} ${one.id}`;
  for (const entry of found.sort((a, b) => (age(a) < age(b) ? -1 : 1))) {
    const { one, key } = entry;
    const row = byKey.get(key) as Row;
    heirs.set(one.key, key);
    if (row.id === "")
      Object.assign(row, {
        ...{ id: one.id, founder: one.founder, founded: one.founded, community: one.community },
      });
    else named.push({ id: one.id, cluster: key });
  }
  await giveIds(db, rows);
  for (const { id, cluster } of aliases) {
    const heir = heirs.get(cluster);
    if (heir !== undefined) named.push({ id, cluster: heir });
  }
  await insertRows(db, clusterNames, named);
}
