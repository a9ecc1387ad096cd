/**
 * Whether clusters that lost a tie still hold together. From each suspect the cluster is walked along its ties, all at
 * the same time: where one walk ends, what it saw is a cluster of its own, and the one that is left last is the rest.
 * So the work follows from the smaller sides, and ends at the budget.
 */
import { sql } from "drizzle-orm";
import {
  agesOf,
  clustersByKey,
  compare,
  countFamilies,
  familiesOf,
  giveIds,
  newKeys,
} from "./cluster-bind.ts";
import type { Database } from "./database.ts";
import { groupBy } from "./group.ts";
import { ask, digests, insertRows, integers, uuids } from "./rows.ts";
import { clusterParts, clusters, loose } from "./schema.ts";
import { lockClusters } from "./ties.ts";

export interface Settled {
  /** Suspects that were looked at to the end, clusters that came off. */
  readonly settled: number;
  readonly split: number;
  /** Suspects whose clusters are too large for the budget. */
  readonly left: number;
}

/** Suspects of one transaction. */
const MAX_SUSPECTS = 5000;

/** `budget`: samples that may be visited for one cluster; `deadline` (ms, as performance.now): none is begun after it. */
export async function settle(db: Database, budget: number, deadline: number): Promise<Settled> {
  const done = { settled: 0, split: 0, left: 0 };
  const put = new Set<number>();
  while (performance.now() <= deadline) {
    const step = await db.transaction(async (tx) => {
      await lockClusters(tx);
      return settleNext(tx, budget, put);
    });
    if (step === undefined) break;
    done.settled += step.settled;
    done.split += step.split;
  }
  const [rest] = await ask<{ n: number }>(db, sql`select count(*)::integer as n from assay.suspects`);
  done.left = rest?.n ?? 0;
  return done;
}

/** Undefined when there is nothing more to do. `skip`: clusters that were too large. */
async function settleNext(
  db: Database,
  budget: number,
  skip: Set<number>,
): Promise<{ settled: number; split: number } | undefined> {
  const rows = await ask<{ sample: string; cluster: number | null }>(
    db,
    sql`select encode(s.sample, 'hex') as sample, p.cluster from assay.suspects s
      left join assay.cluster_samples m on m.sample = s.sample
      left join assay.cluster_parts p on p.part = m.part
      where p.cluster is null or p.cluster <> all(${integers([...skip])})
      order by p.cluster limit ${MAX_SUSPECTS}`,
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const { cluster } = rows.find((row) => row.cluster !== null) ?? first;
  const free = rows.filter((row) => row.cluster === null).map(({ sample }) => sample);
  const here = rows.filter((row) => row.cluster === cluster && cluster !== null).map(({ sample }) => sample);
  // There may be more than these: then one of the rest goes on to stand for it.
  const isPart = here.length > 0 && rows.length === MAX_SUSPECTS && rows.at(-1)?.cluster === cluster;
  let split = 0;
  const walkedOff = new Set<string>();
  if (cluster !== null) {
    const walk = await walkApart(db, here, budget);
    split = walk.apart.filter(({ samples }) => samples.length > 1).length;
    for (const sample of await takeOff(db, cluster, walk.apart)) walkedOff.add(sample);
    if (!walk.decided) {
      skip.add(cluster);
      await forget(db, [...free, ...walk.apart.flatMap(({ samples }) => samples)]);
      return { settled: free.length, split };
    }
  }
  const stays = isPart ? here.find((sample) => !walkedOff.has(sample)) : undefined;
  await forget(db, [...free, ...here.filter((sample) => sample !== stays)]);
  return { settled: free.length + here.length, split };
}

async function forget(db: Database, samples: readonly string[]): Promise<void> {
  if (samples.length > 0)
    await db.execute(sql`delete from assay.suspects where sample = any(${digests(samples)})`);
}

interface Piece {
  readonly samples: readonly string[];
  readonly ties: readonly string[];
}

interface Walk {
  /** Pieces that were walked to their ends; of one sample: it belongs nowhere. */
  readonly apart: readonly Piece[];
  readonly decided: boolean;
}

class Walker {
  samples: string[];
  readonly ties: string[] = [];
  frontier: string[];

  constructor(sample: string) {
    this.samples = [sample];
    this.frontier = [sample];
  }
}

async function walkApart(db: Database, from: readonly string[], budget: number): Promise<Walk> {
  const owner = new Map<string, Walker>();
  const tieOwner = new Map<string, Walker>();
  let walking: Walker[] = [];
  for (const sample of from) {
    const walker = new Walker(sample);
    owner.set(sample, walker);
    walking.push(walker);
  }
  const ended: Walker[] = [];
  const meet = (a: Walker, b: Walker): Walker => {
    if (a === b) return a;
    const [large, small] = a.samples.length >= b.samples.length ? [a, b] : [b, a];
    for (const sample of small.samples) owner.set(sample, large);
    for (const tie of small.ties) tieOwner.set(tie, large);
    for (const sample of small.samples) large.samples.push(sample);
    large.ties.push(...small.ties);
    large.frontier.push(...small.frontier);
    walking = walking.filter((one) => one !== small);
    return large;
  };
  // The last one that walks is the rest, whatever it would still find.
  while (walking.length > 1 && owner.size <= budget) {
    const frontier = walking.flatMap((one) => one.frontier);
    for (const one of walking) one.frontier = [];
    const ties = await tiesOf(db, frontier);
    const fresh = new Set<string>();
    for (const { sample, indicator } of ties) {
      const here = owner.get(sample) as Walker;
      const there = tieOwner.get(indicator);
      if (there !== undefined) meet(here, there);
      else {
        tieOwner.set(indicator, here);
        here.ties.push(indicator);
        fresh.add(indicator);
      }
    }
    // A hub that alone is above the budget is not opened.
    const holders = await holdersWithin(db, [...fresh], budget);
    if (holders === undefined) return { apart: [], decided: false };
    for (const { sample, indicator } of holders) {
      const here = tieOwner.get(indicator) as Walker;
      const there = owner.get(sample);
      if (there !== undefined) meet(here, there);
      else {
        owner.set(sample, here);
        here.samples.push(sample);
        here.frontier.push(sample);
      }
    }
    const finished = walking.filter((one) => one.frontier.length === 0);
    ended.push(...finished);
    walking = walking.filter((one) => one.frontier.length > 0);
  }
  const apart = ended.map(({ samples, ties }) => ({ samples, ties }));
  return { apart, decided: walking.length <= 1 };
}

async function tiesOf(db: Database, samples: readonly string[]) {
  return ask<{ sample: string; indicator: string }>(
    db,
    sql`select distinct encode(h.sample, 'hex') as sample, h.indicator::text from assay.holdings h
      join assay.cluster_ties t on t.indicator = h.indicator where h.sample = any(${digests(samples)})`,
  );
}

/** Undefined when there are more than `budget`. */
async function holdersWithin(db: Database, ids: readonly string[], budget: number) {
  const rows = await ask<{ sample: string; indicator: string }>(
    db,
    sql`select encode(sample, 'hex') as sample, indicator::text from assay.holdings
      where indicator = any(${uuids(ids)}) limit ${budget + 1}`,
  );
  return rows.length > budget ? undefined : rows;
}

/** Makes clusters of the pieces that came off, and lets go of who is alone; returns who left. */
async function takeOff(db: Database, key: number, apart: readonly Piece[]): Promise<readonly string[]> {
  if (apart.length === 0) return [];
  const cluster = (await clustersByKey(db, [key])).get(key);
  if (cluster === undefined) return [];
  const bySize = [...apart].sort((a, b) => b.samples.length - a.samples.length);
  const walked = apart.reduce((sum, { samples }) => sum + samples.length, 0);
  // When every piece was walked to its end, the largest is what stays.
  const rest = walked >= cluster.samples ? bySize[0] : undefined;
  const off = bySize.filter((piece) => piece !== rest);
  if (off.length === 0 && cluster.samples > 1) return [];
  const gone = off.flatMap(({ samples }) => samples);
  const families = await familiesOf(db, gone);
  await countFamilies(
    db,
    families.map(({ family }) => ({ cluster: key, family, by: -1 })),
  );
  await db.execute(sql`delete from assay.cluster_samples where sample = any(${digests(gone)})`);
  const pieces = off.filter(({ samples }) => samples.length > 1);
  const keys = await newKeys(db, pieces.length);
  const ages = await agesOf(db, gone);
  const familyOf = groupBy(families, ({ sample }) => sample);
  const rows = pieces.map((piece, i) => {
    const known = piece.samples.map((sample) => ({ sample, ...ages.get(sample) }));
    const [oldest] = known.sort(
      (a, b) => compare(a.first ?? "", b.first ?? "") || compare(a.sample, b.sample),
    );
    const hasName = piece.samples.includes(cluster.founder);
    return {
      key: keys[i] as number,
      id: hasName ? cluster.id : "",
      founder: hasName ? cluster.founder : (oldest?.sample as string),
      founded: hasName ? cluster.founded : (oldest?.first as string),
      ...{ samples: piece.samples.length, parts: 1, community: cluster.community, touched: true },
      firstSeen: oldest?.first as string,
      lastSeen: known.map(({ last }) => last as string).reduce((a, b) => (b > a ? b : a)),
    };
  });
  const remaining = { ...cluster, samples: cluster.samples - gone.length, touched: true };
  if (remaining.samples < 2) await dissolve(db, key);
  else {
    if (rows.some(({ id }) => id === cluster.id))
      Object.assign(remaining, await oldestOf(db, key), { id: "" });
    // Its name is free before another takes it.
    await db.execute(sql`update assay.clusters set id = 'cluster-' || key::text where key = ${key}`);
    await giveIds(db, [
      ...rows.filter(({ id }) => id !== ""),
      remaining,
      ...rows.filter(({ id }) => id === ""),
    ]);
    await insertRows(
      db,
      clusters,
      [remaining],
      sql`on conflict (key) do update set id = excluded.id, founder = excluded.founder, founded = excluded.founded,
        samples = excluded.samples, touched = true`,
    );
  }
  await giveIds(db, rows);
  await insertRows(db, clusters, rows);
  await insertRows(
    db,
    clusterParts,
    rows.map((row) => ({ part: row.key, cluster: row.key })),
  );
  for (const [i, { samples, ties }] of pieces.entries()) {
    const part = keys[i] as number;
    await db.execute(
      sql`insert into assay.cluster_samples (sample, part) select unnest(${digests(samples)}), ${part}::integer`,
    );
    await db.execute(sql`update assay.cluster_ties set part = ${part} where indicator = any(${uuids(ties)})`);
    await countFamilies(
      db,
      samples.flatMap((sample) =>
        (familyOf.get(sample) ?? []).map(({ family }) => ({ cluster: part, family, by: 1 })),
      ),
    );
  }
  const alone = off.filter(({ samples }) => samples.length === 1).flatMap(({ samples }) => samples);
  await insertRows(
    db,
    loose,
    alone.map((sample) => ({ sample })),
  );
  return gone;
}

async function dissolve(db: Database, key: number): Promise<void> {
  await db.execute(
    sql`delete from assay.cluster_samples where part in (select part from assay.cluster_parts where cluster = ${key})`,
  );
  await db.execute(
    sql`delete from assay.cluster_ties where part in (select part from assay.cluster_parts where cluster = ${key})`,
  );
  for (const table of ["cluster_parts", "cluster_families", "cluster_names"])
    await db.execute(sql`delete from assay.${sql.raw(table)} where cluster = ${key}`);
  await db.execute(sql`delete from assay.cluster_edges where a = ${key} or b = ${key}`);
  await db.execute(sql`delete from assay.clusters where key = ${key}`);
}

async function oldestOf(db: Database, key: number) {
  const [row] = await ask<{ founder: string; at: string }>(
    db,
    sql`select encode(s.sha256, 'hex') as founder, s.first_seen::text as at from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part join assay.samples s on s.sha256 = m.sample
      where p.cluster = ${key} order by s.first_seen, s.sha256 limit 1`,
  );
  return { founder: row?.founder as string, founded: new Date(row?.at as string).toISOString() };
}
