/**
 * Writes results: a batch is one transaction, so that what was acknowledged is there and what was not leaves nothing.
 *
 * Writers on one server take rows in one order (samples, then indicators, each by key, the clusters last), so that none
 * waits for another that waits for it.
 */
import type { Sample } from "@assay/core/model/index";
import { asc, eq, getTableColumns, inArray, sql } from "drizzle-orm";
import { type HoldChange, joinClusters } from "./cluster-join.ts";
import type { Database } from "./database.ts";
import { type Facts, factsOf, type Holding, type IndicatorFacts, type SubjectFacts } from "./facts.ts";
import { groupBy } from "./group.ts";
import { putIdentifications } from "./identifications.ts";
import { keyOf, valueKey } from "./keys.ts";
import { insertAll, insertRows, recordset, rowsFor } from "./rows.ts";
import {
  analyses,
  artifacts,
  configFields,
  configs,
  findings,
  holdings,
  indicators,
  names,
  runs,
  samples,
  totals,
} from "./schema.ts";

export interface Run {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly engine: string;
  readonly families: readonly string[];
}

export interface Seen {
  readonly sample: Sample;
  /** ISO 8601: when this result was first and last got; an import has both, a triage one moment. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** When the file itself was last seen, where that is not when it was analysed: a rescan sees no file anew. */
  readonly seenAt?: string;
}

/** An indicator that a file holds now and did not before. */
export interface NewHolding {
  readonly sample: string;
  readonly indicator: string;
}

/** Rows of `totals`. */
const PARTS = 16;

/** What a subject's row says while a batch is worked out. */
interface Standing {
  /** Result that stands; undefined for a file that is new. */
  analysis: string | undefined;
  rank: number;
  at: string;
  /** When the file was first seen. */
  readonly seen: string;
  readonly before: readonly Holding[];
  holds: readonly Holding[];
  changed: boolean;
}

/** Stores results of one run; samples without a hash are left out. Returns what is held anew. */
export async function putBatch(db: Database, run: Run, seen: readonly Seen[]): Promise<NewHolding[]> {
  const batch = seen.flatMap((one) => {
    const facts = factsOf(one.sample, run.engine);
    return facts === undefined ? [] : [{ ...one, facts }];
  });
  if (batch.length === 0) return [];
  return db.transaction((tx) => write(tx, run, batch));
}

type Entry = Seen & { readonly facts: Facts };

async function write(db: Database, run: Run, batch: readonly Entry[]): Promise<NewHolding[]> {
  await putSamples(db, batch);
  await putResults(db, run, batch);
  await putIdentifications(
    db,
    batch.flatMap(({ facts }) => (facts.rank > 0 ? [facts.sample] : [])),
  );
  const standings = await standingsOf(db, batch);
  decide(standings, batch);
  await leaveBehind(db, standings, batch);
  return putHoldings(db, standings, batch);
}

function sightings({ firstAt, lastAt, seenAt }: Seen): Pick<Seen, "firstAt" | "lastAt"> {
  return { firstAt: seenAt ?? firstAt, lastAt: seenAt ?? lastAt };
}

/** Every file that the batch speaks of, with when it was seen. */
async function putSamples(db: Database, batch: readonly Entry[]): Promise<void> {
  const rows = new Map<string, typeof samples.$inferInsert>();
  for (const { facts, ...seen } of batch)
    for (const subject of facts.subjects) {
      const { firstAt, lastAt } = sightings(seen);
      const known = rows.get(subject.sha256);
      const { sha256, sha1, md5, size, format, outcome, submitted } = subject;
      if (known === undefined)
        rows.set(sha256, {
          ...{ sha256, sha1, md5, size, format, outcome, submitted },
          firstSeen: firstAt,
          lastSeen: lastAt,
        });
      else {
        if (submitted) Object.assign(known, { sha1, md5, size, format, outcome, submitted });
        if (firstAt < known.firstSeen) known.firstSeen = firstAt;
        if (lastAt > known.lastSeen) known.lastSeen = lastAt;
      }
    }
  const sorted = [...rows.values()].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
  await insertRows(
    db,
    samples,
    sorted,
    sql`on conflict (sha256) do update set
      sha1 = coalesce(excluded.sha1, ${samples.sha1}),
      md5 = coalesce(excluded.md5, ${samples.md5}),
      size = coalesce(excluded.size, ${samples.size}),
      format = case when excluded.submitted then excluded.format else ${samples.format} end,
      submitted = excluded.submitted or ${samples.submitted},
      first_seen = least(excluded.first_seen, ${samples.firstSeen}),
      last_seen = greatest(excluded.last_seen, ${samples.lastSeen})`,
  );
}

async function putResults(db: Database, run: Run, batch: readonly Entry[]): Promise<void> {
  const { startedAt, engine, families } = run;
  const runId = keyOf("run", startedAt, engine, ...families);
  const results = new Map<string, typeof analyses.$inferInsert>();
  for (const { facts, firstAt, lastAt } of batch) {
    const known = results.get(facts.analysis);
    if (known !== undefined) {
      if (firstAt < known.firstAt) known.firstAt = firstAt;
      if (lastAt > known.lastAt) known.lastAt = lastAt;
      continue;
    }
    const { sha256, outcome } = facts.sample;
    results.set(facts.analysis, {
      ...{ id: facts.analysis, sample: sha256, run: runId, engine, outcome, firstAt, lastAt },
      report: facts.sample,
    });
  }
  const all = <T>(of: (facts: Facts) => readonly T[]): T[] => batch.flatMap(({ facts }) => of(facts));
  await insertAll(db, [
    rowsFor(runs, [{ id: runId, startedAt, engine, families: JSON.stringify(families) }]),
    rowsFor(names, all(namesOf)),
    rowsFor(
      analyses,
      [...results.values()],
      sql`on conflict (id) do update set
        first_at = least(excluded.first_at, ${analyses.firstAt}),
        last_at = greatest(excluded.last_at, ${analyses.lastAt})`,
    ),
    rowsFor(
      artifacts,
      all(({ artifacts: rows }) => rows),
    ),
    rowsFor(
      configs,
      all(({ configs: rows }) => rows),
    ),
    rowsFor(
      configFields,
      all(({ fields }) => fields),
    ),
    rowsFor(
      findings,
      all(({ findings: rows }) => rows),
    ),
  ]);
}

function namesOf({ subjects }: Facts): (typeof names.$inferInsert)[] {
  return subjects.flatMap((subject) =>
    subject.names.map((name) => ({ sample: subject.sha256, key: valueKey(name), name })),
  );
}

/** What stands now for the files of the batch, and for those that their standing results speak of as well. */
async function standingsOf(db: Database, batch: readonly Entry[]): Promise<Map<string, Standing>> {
  const hashes = [...new Set(batch.flatMap(({ facts }) => facts.subjects.map(({ sha256 }) => sha256)))];
  // These were locked as they were written.
  const own = await selectStanding(db, hashes);
  const replaced = own.filter((row) => row.analysis !== null).map((row) => row.analysis as string);
  const kin =
    replaced.length === 0
      ? []
      : await db
          .select({ sha256: samples.sha256 })
          .from(samples)
          .where(inArray(samples.analysis, [...new Set(replaced)]));
  const others = kin.map(({ sha256 }) => sha256).filter((sha256) => !hashes.includes(sha256));
  if (others.length > 0) await lockSamples(db, others);
  const rows = [...own, ...(others.length === 0 ? [] : await selectStanding(db, others))];
  const held = await db
    .select()
    .from(holdings)
    .where(
      inArray(
        holdings.sample,
        rows.map(({ sha256 }) => sha256),
      ),
    );
  const bySample = groupBy(held, ({ sample }) => sample);
  return new Map(
    rows.map(({ sha256, analysis, outcome, lastAt, firstSeen }) => {
      const before = (bySample.get(sha256) ?? []).map(({ sample: _sample, seen: _seen, ...hold }) => hold);
      return [
        sha256,
        {
          analysis: analysis ?? undefined,
          rank: outcome === null || outcome === "failed" || outcome === "unsupported" ? 0 : 1,
          at: lastAt ?? "",
          seen: firstSeen,
          before,
          holds: before,
          changed: false,
        },
      ];
    }),
  );
}

/** In order, so that two writers of one file come one after the other. */
async function lockSamples(db: Database, hashes: readonly string[]): Promise<void> {
  await db
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(inArray(samples.sha256, [...hashes]))
    .orderBy(asc(samples.sha256))
    .for("update");
}

async function selectStanding(db: Database, hashes: readonly string[]) {
  return db
    .select({
      sha256: samples.sha256,
      analysis: samples.analysis,
      firstSeen: samples.firstSeen,
      outcome: analyses.outcome,
      lastAt: analyses.lastAt,
    })
    .from(samples)
    .leftJoin(analyses, eq(analyses.id, samples.analysis))
    .where(inArray(samples.sha256, [...hashes]));
}

/** The newest stands, but nothing that saw no file replaces one that did. */
function decide(standings: ReadonlyMap<string, Standing>, batch: readonly Entry[]): void {
  for (const { facts, lastAt } of batch)
    for (const subject of facts.subjects) {
      const standing = standings.get(subject.sha256) as Standing;
      if (standing.analysis !== undefined && facts.rank < standing.rank) continue;
      const isNewer = standing.analysis === undefined || facts.rank > standing.rank || lastAt >= standing.at;
      if (isNewer) stand(standing, facts, lastAt, subject);
    }
}

function stand(standing: Standing, facts: Facts, at: string, subject: SubjectFacts | undefined): void {
  standing.changed ||= standing.analysis !== facts.analysis;
  standing.analysis = facts.analysis;
  standing.rank = facts.rank;
  standing.at = at;
  standing.holds = subject?.holds ?? [];
}

/** Files of an archive whose newer result speaks of them no more. */
async function leaveBehind(
  db: Database,
  standings: ReadonlyMap<string, Standing>,
  batch: readonly Entry[],
): Promise<void> {
  const spoken = new Map(
    batch.map(({ facts }) => [facts.analysis, new Set(facts.subjects.map((one) => one.sha256))]),
  );
  const orphans = [...standings].filter(
    ([sha256, { analysis }]) =>
      analysis !== undefined && ![...spoken].some(([id, files]) => id === analysis || files.has(sha256)),
  );
  if (orphans.length === 0) return;
  const containers = await db
    .select({ id: analyses.id, sample: analyses.sample })
    .from(analyses)
    .where(
      inArray(
        analyses.id,
        orphans.map(([, { analysis }]) => analysis as string),
      ),
    );
  const containerOf = new Map(containers.map(({ id, sample }) => [id, sample]));
  for (const [sha256, standing] of orphans) {
    const container = containerOf.get(standing.analysis as string);
    if (container === undefined || container === sha256) continue;
    const entry = batch.find(({ facts }) => facts.analysis === standings.get(container)?.analysis);
    if (entry !== undefined) stand(standing, entry.facts, entry.lastAt, undefined);
  }
}

async function putHoldings(
  db: Database,
  standings: ReadonlyMap<string, Standing>,
  batch: readonly Entry[],
): Promise<NewHolding[]> {
  const changed = [...standings].filter(([, standing]) => standing.changed);
  const gained: NewHolding[] = [];
  const change = new Map<string, number>();
  let total = 0;
  for (const [sample, { before, holds }] of changed) {
    const old = new Set(before.map(({ indicator }) => indicator));
    const now = new Set(holds.map(({ indicator }) => indicator));
    for (const id of now)
      if (!old.has(id)) {
        gained.push({ sample, indicator: id });
        change.set(id, (change.get(id) ?? 0) + 1);
      }
    for (const id of old) if (!now.has(id)) change.set(id, (change.get(id) ?? 0) - 1);
    total += Number(now.size > 0) - Number(old.size > 0);
  }
  await putIndicators(db, change, batch);
  if (changed.length > 0) {
    await replaceHoldings(db, changed, total);
    await pointAtResults(db, changed);
  }
  await joinClusters(db, changed.map(holdChange));
  return gained;
}

function holdChange([sample, { before, holds }]: [string, Standing]): HoldChange {
  return {
    sample,
    before: new Set(before.map(({ indicator }) => indicator)),
    now: new Set(holds.map(({ indicator }) => indicator)),
    familiesBefore: new Set(before.map(({ family }) => family)),
    familiesNow: new Set(holds.map(({ family }) => family)),
  };
}

/** Counts, and when each was seen, of all that the batch holds or held. */
async function putIndicators(
  db: Database,
  change: ReadonlyMap<string, number>,
  batch: readonly Entry[],
): Promise<void> {
  const rows = new Map<string, IndicatorFacts & { samples: number; firstSeen: string; lastSeen: string }>();
  for (const { facts, ...seen } of batch)
    for (const [id, one] of facts.indicators) {
      const { firstAt, lastAt } = sightings(seen);
      const known = rows.get(id);
      rows.set(id, {
        ...one,
        linkable: one.linkable && known?.linkable !== false,
        samples: change.get(id) ?? 0,
        firstSeen: known !== undefined && known.firstSeen < firstAt ? known.firstSeen : firstAt,
        lastSeen: known !== undefined && known.lastSeen > lastAt ? known.lastSeen : lastAt,
      });
    }
  const sorted = [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  await insertRows(
    db,
    indicators,
    sorted,
    sql`on conflict (id) do update set
      linkable = excluded.linkable and ${indicators.linkable},
      samples = excluded.samples + ${indicators.samples},
      first_seen = least(excluded.first_seen, ${indicators.firstSeen}),
      last_seen = greatest(excluded.last_seen, ${indicators.lastSeen})`,
  );
  const gone = [...change].filter(([id]) => !rows.has(id)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [id, by] of gone)
    await db
      .update(indicators)
      .set({ samples: sql`${indicators.samples} + ${by}` })
      .where(eq(indicators.id, id));
}

/** `total`: by how many the samples that hold anything are more now. */
async function replaceHoldings(
  db: Database,
  changed: readonly [string, Standing][],
  total: number,
): Promise<void> {
  const had = changed.filter(([, { before }]) => before.length > 0).map(([sample]) => sample);
  if (had.length > 0) await db.delete(holdings).where(inArray(holdings.sample, had));
  const rows = changed.flatMap(([sample, { holds, seen }]) =>
    holds.map((hold) => ({ ...hold, sample, seen })),
  );
  const part = Number.parseInt(changed[0]?.[0].slice(0, 2) ?? "0", 16) % PARTS;
  await insertAll(db, [
    rowsFor(holdings, rows),
    rowsFor(
      totals,
      total === 0 ? [] : [{ part, samples: total }],
      sql`on conflict (part) do update set samples = ${totals.samples} + excluded.samples`,
    ),
  ]);
}

async function pointAtResults(db: Database, changed: readonly [string, Standing][]): Promise<void> {
  const { sha256, analysis } = getTableColumns(samples);
  const rows = changed.map(([hash, standing]) => ({ sha256: hash, analysis: standing.analysis }));
  await db.execute(
    sql`update ${samples} set analysis = r.analysis, outcome = case
          when ${samples.sha256} = a.sample then a.outcome
          else ${samples.outcome} end
        from ${recordset(Object.entries({ sha256, analysis }), rows)}
        join ${analyses} a on a.id = r.analysis
        where ${samples.sha256} = r.sha256`,
  );
}
