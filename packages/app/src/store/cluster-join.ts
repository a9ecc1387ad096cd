/** What newly stored results do to the clusters, within the transaction that stores them. */
import { sql } from "drizzle-orm";
import { bind, clusterOfSamples, countFamilies } from "./cluster-bind.ts";
import type { Database } from "./database.ts";
import { ask, digests, insertAll, rowsFor, uuids } from "./rows.ts";
import { correlation, loose, unmatched } from "./schema.ts";
import { encodeText } from "./text.ts";
import { type Hold, holdersOf, lockClusters, stateOf, tieRows, type Weighed } from "./ties.ts";

/** A file whose holdings are others now. */
export interface HoldChange {
  readonly sample: string;
  /** The corpus had never heard of it: it is in no cluster. */
  readonly isNew: boolean;
  /** Indicators. */
  readonly before: ReadonlySet<string>;
  readonly now: ReadonlySet<string>;
  readonly familiesBefore: ReadonlySet<string>;
  readonly familiesNow: ReadonlySet<string>;
}

/** No list has this digest. */
const MIXED = "mixed";
/** Types of which two values can be one that was mistyped. */
const MATCHED = new Set(["domain", "ipv4"]);

export async function joinClusters(db: Database, changes: readonly HoldChange[]): Promise<void> {
  const ids = [...new Set(changes.flatMap(({ before, now }) => [...before, ...now]))];
  if (ids.length === 0) return;
  await lockClusters(db);
  const state = await stateOf(db);
  if (!state.built) return;
  const { weigh, exclusions } = state.scales;
  // By another list than the older ties: even should it become that list again, these must be looked at.
  if (exclusions !== state.exclusions && state.exclusions !== MIXED)
    await db.update(correlation).set({ exclusions: MIXED });
  const ties = await tieRows(db, ids);
  const rows = new Map(
    ties.map((row) => [row.id, { ...weigh(row, row.cluster !== null), isTied: row.cluster !== null }]),
  );
  await loosen(db, changes, rows);
  const members = await clusterOfSamples(
    db,
    changes.filter(({ isNew }) => !isNew).map(({ sample }) => sample),
  );
  await bind(db, await strongHolds(db, changes, rows), {
    samples: new Map(changes.map(({ sample }) => [sample, members.get(sample)])),
    ties: new Map(ties.map(({ id, cluster }) => [id, cluster ?? undefined])),
  });
  // Those that join now were counted as they are.
  await recount(
    db,
    changes.filter(({ sample, familiesBefore: a, familiesNow: b }) => members.has(sample) && !equal(a, b)),
  );
  await leaveForLater(db, changes, rows);
}

type Rows = ReadonlyMap<string, Weighed & { readonly isTied: boolean }>;

/** Ties that are none any more, and samples that a tie no longer holds. */
async function loosen(db: Database, changes: readonly HoldChange[], rows: Rows): Promise<void> {
  const gone = [...rows.values()].filter((row) => row.isTied && row.strength !== "strong");
  await dropTies(
    db,
    gone.map(({ id }) => id),
  );
  const suspect = new Set<string>();
  const left = new Set<string>();
  for (const { sample, before, now } of changes)
    for (const id of before)
      if (!now.has(id) && rows.get(id)?.isTied === true) {
        suspect.add(sample);
        left.add(id);
      }
  if (suspect.size === 0) return;
  // One that holds each of them still stands for all that do.
  const others = await ask<{ sample: string }>(
    db,
    sql`select encode(h.sample, 'hex') as sample from unnest(${uuids([...left])}) as i (id)
      cross join lateral (select sample from assay.holdings where indicator = i.id limit 1) h`,
  );
  await suspectSamples(db, [...suspect, ...others.map(({ sample }) => sample)]);
}

/** Takes ties away; whoever they held is to be looked at. */
export async function dropTies(db: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.execute(
    sql`insert into assay.suspects (sample) select distinct sample from assay.holdings
      where indicator = any(${uuids(ids)}) on conflict do nothing`,
  );
  await db.execute(sql`delete from assay.cluster_ties where indicator = any(${uuids(ids)})`);
}

async function suspectSamples(db: Database, samples: readonly string[]): Promise<void> {
  if (samples.length === 0) return;
  await db.execute(
    sql`insert into assay.suspects (sample) select distinct unnest(${digests(samples)}) on conflict do nothing`,
  );
}

async function strongHolds(db: Database, changes: readonly HoldChange[], rows: Rows): Promise<Hold[]> {
  const strong = [...rows.values()].filter((row) => row.strength === "strong");
  const tied = new Set(strong.filter((row) => row.isTied).map(({ id }) => id));
  const holds = changes.flatMap(({ sample, now }) =>
    [...now].filter((id) => tied.has(id)).map((indicator) => ({ sample, indicator })),
  );
  const fresh = strong.filter((row) => !row.isTied).map(({ id }) => id);
  return [...holds, ...(await holdersOf(db, fresh))];
}

/** Members whose families are others now. */
async function recount(db: Database, changes: readonly HoldChange[]): Promise<void> {
  if (changes.length === 0) return;
  const clusters = await clusterOfSamples(
    db,
    changes.map(({ sample }) => sample),
  );
  await countFamilies(
    db,
    changes.flatMap(({ sample, familiesBefore, familiesNow }) => {
      const cluster = clusters.get(sample);
      if (cluster === undefined) return [];
      const by = (families: ReadonlySet<string>, n: number) =>
        [...families].map((family) => ({ cluster, family: encodeText(family), by: n }));
      return [...by(familiesBefore, -1), ...by(familiesNow, 1)];
    }),
  );
}

function equal(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

/** What the next step of correlation looks at. */
async function leaveForLater(db: Database, changes: readonly HoldChange[], rows: Rows): Promise<void> {
  const weak = new Set<string>();
  const fresh = new Set<string>();
  for (const { sample, before, now } of changes)
    for (const id of now) {
      if (before.has(id)) continue;
      const row = rows.get(id);
      if (row?.strength === "weak") weak.add(sample);
      if (row !== undefined && row.samples === 1 && row.linkable && MATCHED.has(row.type)) fresh.add(id);
    }
  await insertAll(db, [
    rowsFor(
      loose,
      [...weak].sort().map((sample) => ({ sample })),
    ),
    rowsFor(
      unmatched,
      [...fresh].sort().map((indicator) => ({ indicator })),
    ),
  ]);
}
