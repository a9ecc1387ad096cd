/**
 * Writes results: a batch is one transaction, so that what was acknowledged is there and what was not leaves nothing.
 *
 * Writers on one server take rows in one order (samples, then indicators, each by key, the clusters last), so that none
 * waits for another that waits for it.
 */
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { type Facts, factsOf } from "./facts.ts";
import { forgetIdentifications, identifications, identificationsOf } from "./identifications.ts";
import { keyOf, valueKey } from "./keys.ts";
import { type NewHolding, putHoldings } from "./put-holdings.ts";
import { insertAll, returnRows, rowsFor } from "./rows.ts";
import { analyses, artifacts, configFields, configs, findings, names, runs, samples } from "./schema.ts";
import { type Entry, type Run, type Seen, sightings } from "./seen.ts";
import { decide, leaveBehind, standingsOf, type Written } from "./standings.ts";

/** Stores results of one run; samples without a hash are left out. Returns what is held anew. */
export async function putBatch(db: Database, run: Run, seen: readonly Seen[]): Promise<NewHolding[]> {
  const batch = seen.flatMap((one) => {
    const facts = factsOf(one.sample, run.engine);
    return facts === undefined ? [] : [{ ...one, facts }];
  });
  if (batch.length === 0) return [];
  return db.transaction((tx) => write(tx, run, batch));
}

async function write(db: Database, run: Run, batch: readonly Entry[]): Promise<NewHolding[]> {
  const written = await putSamples(db, batch);
  await putResults(db, run, batch);
  await forgetIdentifications(
    db,
    batch.flatMap(({ facts: { rank, sample } }) =>
      rank > 0 && written.get(sample.sha256)?.isNew === false ? [sample] : [],
    ),
  );
  const standings = await standingsOf(db, written);
  decide(standings, batch);
  await leaveBehind(db, standings, batch);
  return putHoldings(db, standings, batch);
}

/** Every file that the batch speaks of, with when it was seen. */
async function putSamples(db: Database, batch: readonly Entry[]): Promise<Map<string, Written>> {
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
  const written = await returnRows<Written>(
    db,
    rowsFor(
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
    ),
    // A row that was there before carries the mark of the transaction that locked it.
    sql`encode(sha256, 'hex') as sha256, xmax = 0 as "isNew", analysis::text, first_seen::text as seen`,
  );
  return new Map(written.map((row) => [row.sha256, { ...row, seen: new Date(row.seen).toISOString() }]));
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
    rowsFor(
      identifications,
      batch.flatMap(({ facts: { rank, sample } }) => (rank > 0 ? identificationsOf(sample) : [])),
    ),
  ]);
}

function namesOf({ subjects }: Facts): (typeof names.$inferInsert)[] {
  return subjects.flatMap((subject) =>
    subject.names.map((name) => ({ sample: subject.sha256, key: valueKey(name), name })),
  );
}
