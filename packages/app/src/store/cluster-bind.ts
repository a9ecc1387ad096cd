/** Strong ties as they come: samples join clusters, clusters become one. The work follows from what is new. */
import { clusterName } from "@assay/core/relations/clusters";
import { inArray, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { groupBy } from "./group.ts";
import { ask, digests, insertAll, integers, rowsFor, uuids } from "./rows.ts";
import { clusterFamilies, clusterParts, clusterSamples, clusters, clusterTies } from "./schema.ts";
import type { Hold } from "./ties.ts";

/** A row of `clusters`, and what is known of it. */
type ClusterRow = typeof clusters.$inferSelect;

/** Clusters that the caller knows: of samples and of ties, or that they have none. */
export interface KnownClusters {
  readonly samples: ReadonlyMap<string, number | undefined>;
  readonly ties: ReadonlyMap<string, number | undefined>;
}

const NONE_KNOWN: KnownClusters = { samples: new Map(), ties: new Map() };

/** Binds by these holdings of strong indicators; those that are bound already change nothing. Within the lock. */
export async function bind(db: Database, holds: readonly Hold[], known = NONE_KNOWN): Promise<void> {
  if (holds.length === 0) return;
  const of = {
    samples: [...new Set(holds.map(({ sample }) => sample))].filter((one) => !known.samples.has(one)),
    ties: [...new Set(holds.map(({ indicator }) => indicator))].filter((one) => !known.ties.has(one)),
  };
  const members = new Map([...known.samples, ...(await clusterOfSamples(db, of.samples))]);
  const ties = new Map([...known.ties, ...(await clusterOfTies(db, of.ties))]);
  const sets = new Sets();
  const nodeOf = (kind: "s" | "t", name: string, cluster: number | undefined) =>
    cluster === undefined ? `${kind}${name}` : `c${cluster}`;
  for (const { sample, indicator } of holds)
    sets.union(nodeOf("s", sample, members.get(sample)), nodeOf("t", indicator, ties.get(indicator)));
  const groups = [...sets.groups()].map((nodes) => {
    const of = (kind: string) => nodes.filter((node) => node.startsWith(kind)).map((node) => node.slice(1));
    return { samples: of("s"), ties: of("t"), clusters: of("c").map(Number) };
  });
  const changing = groups.filter(
    (group) => group.samples.length + group.ties.length > 0 || group.clusters.length > 1,
  );
  if (changing.length === 0) return;
  const former = await clustersByKey(
    db,
    changing.flatMap((group) => group.clusters),
  );
  const fresh = changing.flatMap(({ samples }) => samples);
  const ages = await agesOf(db, fresh);
  await write(db, changing, former, ages);
}

interface Group {
  readonly samples: readonly string[];
  readonly ties: readonly string[];
  readonly clusters: readonly number[];
}

export interface Age {
  readonly first: string;
  readonly last: string;
}

async function write(
  db: Database,
  groups: readonly Group[],
  known: ReadonlyMap<number, ClusterRow>,
  ages: ReadonlyMap<string, Age>,
): Promise<void> {
  const keys = await newKeys(db, groups.filter((group) => group.clusters.length === 0).length);
  const rows: ClusterRow[] = [];
  const keyOf = new Map<Group, number>();
  const absorbed: { readonly from: ClusterRow; readonly to: number }[] = [];
  for (const group of groups) {
    const former = group.clusters.map((key) => known.get(key) as ClusterRow);
    // The one with the most parts stays where it is; the oldest gives the name.
    const home = [...former].sort((a, b) => b.parts - a.parts || b.samples - a.samples || a.key - b.key)[0];
    const key = home?.key ?? (keys.pop() as number);
    keyOf.set(group, key);
    rows.push(merged(key, former, group.samples, ages));
    for (const from of former) if (from.key !== key) absorbed.push({ from, to: key });
  }
  if (absorbed.length > 0) await absorb(db, absorbed);
  await giveIds(db, rows);
  const isNew = groups.filter((group) => group.clusters.length === 0);
  // The first part of a cluster has its number.
  const part = (group: Group) => keyOf.get(group) as number;
  const joined = groups.flatMap((group) => group.samples.map((sample) => ({ sample, part: part(group) })));
  await insertAll(db, [
    rowsFor(
      clusters,
      rows,
      sql`on conflict (key) do update set id = excluded.id, founder = excluded.founder, founded = excluded.founded,
        samples = excluded.samples, parts = excluded.parts, first_seen = excluded.first_seen,
        last_seen = excluded.last_seen, community = excluded.community, touched = true`,
    ),
    rowsFor(
      clusterParts,
      isNew.map((group) => ({ part: part(group), cluster: part(group) })),
    ),
    rowsFor(clusterSamples, joined),
    rowsFor(
      clusterTies,
      groups.flatMap((group) => group.ties.map((indicator) => ({ indicator, part: part(group) }))),
    ),
  ]);
  await addFamilies(db, joined);
}

/** What becomes of clusters and samples that meet. */
function merged(
  key: number,
  former: readonly ClusterRow[],
  samples: readonly string[],
  ages: ReadonlyMap<string, Age>,
): ClusterRow {
  const known = samples.map((sample) => ({ sample, age: ages.get(sample) as Age }));
  // One alone gave its name to nothing that anybody saw.
  const named = former.some((one) => one.samples > 1) ? former.filter((one) => one.samples > 1) : former;
  const oldest = [...named].sort((a, b) => compare(a.founded, b.founded) || compare(a.id, b.id))[0];
  const founder = [...known].sort(
    (a, b) => compare(a.age.first, b.age.first) || compare(a.sample, b.sample),
  )[0];
  const firsts = [...former.map((one) => one.firstSeen), ...known.map(({ age }) => age.first)];
  const lasts = [...former.map((one) => one.lastSeen), ...known.map(({ age }) => age.last)];
  return {
    key,
    id: oldest?.id ?? "",
    founder: oldest?.founder ?? (founder?.sample as string),
    founded: oldest?.founded ?? (founder?.age.first as string),
    samples: former.reduce((sum, one) => sum + one.samples, 0) + samples.length,
    parts: former.length === 0 ? 1 : former.reduce((sum, one) => sum + one.parts, 0),
    firstSeen: firsts.reduce((a, b) => (b < a ? b : a)),
    lastSeen: lasts.reduce((a, b) => (b > a ? b : a)),
    community: former.find((one) => one.community !== null)?.community ?? null,
    touched: true,
  };
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Moves the parts of clusters that became part of others; their names lead on. */
async function absorb(
  db: Database,
  all: readonly { readonly from: ClusterRow; readonly to: number }[],
): Promise<void> {
  const gone = all.map(({ from }) => from.key);
  for (const [to, group] of groupBy(all, (one) => one.to)) {
    const from = integers(group.map((one) => one.from.key));
    await db.execute(sql`update ${clusterParts} set cluster = ${to} where cluster = any(${from})`);
    await db.execute(sql`update assay.cluster_names set cluster = ${to} where cluster = any(${from})`);
    await db.execute(
      sql`insert into ${clusterFamilies} (cluster, family, samples)
        select ${to}::integer, family, sum(samples) from assay.cluster_families
        where cluster = any(${from}) group by family
        on conflict (cluster, family) do update set samples = ${clusterFamilies.samples} + excluded.samples`,
    );
  }
  // The oldest's name stays in use: it is the merged cluster's now, and findable as such whoever it was.
  const names = all
    .filter(({ from }) => from.samples > 1)
    .map(({ from, to }) => ({ id: from.id, cluster: to }));
  const homes = await clustersByKey(db, [...new Set(all.map(({ to }) => to))]);
  for (const { key, id, samples } of homes.values()) if (samples > 1) names.push({ id, cluster: key });
  await putNames(db, names);
  await db.delete(clusters).where(inArray(clusters.key, gone));
  await db.execute(sql`delete from assay.cluster_families where cluster = any(${integers(gone)})`);
  await db.execute(
    sql`delete from assay.cluster_edges where a = any(${integers(gone)}) or b = any(${integers(gone)})`,
  );
}

async function putNames(
  db: Database,
  names: readonly { readonly id: string; readonly cluster: number }[],
): Promise<void> {
  if (names.length === 0) return;
  await db.execute(
    sql`insert into assay.cluster_names (id, cluster)
      select id, cluster from json_to_recordset(${JSON.stringify(names)}::json) as r (id text, cluster integer)
      on conflict (id) do update set cluster = excluded.cluster`,
  );
}

/** Names clusters that have none yet (""); a name that another has already gets a number. */
export async function giveIds(db: Database, rows: readonly ClusterRow[]): Promise<void> {
  const used = new Set(rows.map(({ id }) => id));
  for (let round = 0; ; round++) {
    const nameless = rows.filter(({ id }) => id === "");
    if (nameless.length === 0) return;
    const names = JSON.stringify(nameless.map(({ founder }) => clusterName(founder, round)));
    const taken = await ask<{ id: string }>(
      db,
      sql`select id from assay.clusters where id = any(array(select json_array_elements_text(${names}::json)))`,
    );
    for (const { id } of taken) used.add(id);
    for (const row of nameless) {
      const id = clusterName(row.founder, round);
      if (used.has(id)) continue;
      used.add(id);
      row.id = id;
    }
  }
}

/** Counts the families of samples that joined. */
async function addFamilies(
  db: Database,
  joined: readonly { readonly sample: string; readonly part: number }[],
): Promise<void> {
  if (joined.length === 0) return;
  await db.execute(
    sql`insert into ${clusterFamilies} (cluster, family, samples)
      select r.part, h.family, count(distinct h.sample)
      from json_to_recordset(${JSON.stringify(joined)}::json) as r (sample text, part integer)
      join assay.holdings h on h.sample = decode(r.sample, 'hex')
      group by r.part, h.family
      on conflict (cluster, family) do update set samples = ${clusterFamilies.samples} + excluded.samples`,
  );
}

/** `family` as the database has it. */
export async function familiesOf(
  db: Database,
  samples: readonly string[],
): Promise<{ sample: string; family: string }[]> {
  if (samples.length === 0) return [];
  return ask(
    db,
    sql`select distinct encode(sample, 'hex') as sample, family from assay.holdings
      where sample = any(${digests(samples)})`,
  );
}

export async function countFamilies(
  db: Database,
  changes: readonly { readonly cluster: number; readonly family: string; readonly by: number }[],
): Promise<void> {
  if (changes.length === 0) return;
  await db.execute(
    sql`insert into ${clusterFamilies} (cluster, family, samples)
      select cluster, family, sum(by) from json_to_recordset(${JSON.stringify(changes)}::json)
        as r (cluster integer, family text, by integer)
      group by cluster, family having sum(by) <> 0
      on conflict (cluster, family) do update set samples = ${clusterFamilies.samples} + excluded.samples`,
  );
}

export async function newKeys(db: Database, count: number): Promise<number[]> {
  if (count === 0) return [];
  const rows = await ask<{ key: number }>(
    db,
    sql`select nextval('assay.cluster_keys')::integer as key from generate_series(1, ${count})`,
  );
  return rows.map(({ key }) => key);
}

export async function clusterOfSamples(
  db: Database,
  samples: readonly string[],
): Promise<Map<string, number>> {
  if (samples.length === 0) return new Map();
  const rows = await ask<{ sample: string; cluster: number }>(
    db,
    sql`select encode(m.sample, 'hex') as sample, p.cluster from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part where m.sample = any(${digests(samples)})`,
  );
  return new Map(rows.map(({ sample, cluster }) => [sample, cluster]));
}

async function clusterOfTies(db: Database, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await ask<{ indicator: string; cluster: number }>(
    db,
    sql`select t.indicator::text, p.cluster from assay.cluster_ties t
      join assay.cluster_parts p on p.part = t.part where t.indicator = any(${uuids(ids)})`,
  );
  return new Map(rows.map(({ indicator, cluster }) => [indicator, cluster]));
}

export async function clustersByKey(db: Database, keys: readonly number[]): Promise<Map<number, ClusterRow>> {
  if (keys.length === 0) return new Map();
  const rows = await db
    .select()
    .from(clusters)
    .where(sql`${clusters.key} = any(${integers(keys)})`);
  return new Map(rows.map((row) => [row.key, row]));
}

export async function agesOf(db: Database, samples: readonly string[]): Promise<Map<string, Age>> {
  if (samples.length === 0) return new Map();
  const rows = await ask<{ sample: string; first: string; last: string }>(
    db,
    sql`select encode(sha256, 'hex') as sample, first_seen::text as first, last_seen::text as last
      from assay.samples where sha256 = any(${digests(samples)})`,
  );
  const iso = (text: string) => new Date(text).toISOString();
  return new Map(rows.map(({ sample, first, last }) => [sample, { first: iso(first), last: iso(last) }]));
}

/** Union-find with path halving. */
export class Sets {
  readonly #parent = new Map<string, string>();

  find(item: string): string {
    if (!this.#parent.has(item)) this.#parent.set(item, item);
    for (let at = item; ; ) {
      const parent = this.#parent.get(at) as string;
      if (parent === at) return at;
      const above = this.#parent.get(parent) as string;
      this.#parent.set(at, above);
      at = above;
    }
  }

  union(a: string, b: string): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x !== y) this.#parent.set(y, x);
  }

  groups(): Iterable<string[]> {
    return groupBy(this.#parent.keys(), (item) => this.find(item)).values();
  }
}
