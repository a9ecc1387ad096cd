/** Looks whether all that the corpus says it has is there and is what it says. */
import { asc, count, countDistinct, eq, gt, sql } from "drizzle-orm";
import type { BlobStore } from "./blobs.ts";
import { compareClusters } from "./cluster-compare.ts";
import type { Corpus } from "./corpus.ts";
import type { Database } from "./database.ts";
import { analysisKey } from "./facts.ts";
import { allResults } from "./results.ts";
import { ask, digests } from "./rows.ts";
import { blobs, holdings, indicators, samples, totals } from "./schema.ts";

export interface Problem {
  readonly kind:
    | "missing-blob"
    | "corrupt-blob"
    | "unnamed-blob"
    | "damaged-result"
    | "wrong-count"
    | "wrong-total"
    | "wrong-cluster";
  /** Hash of a sample, key of a result or of an indicator. */
  readonly of: string;
  readonly text: string;
  /** True for what was lost; false for what an interrupted write leaves behind, which harms nothing. */
  readonly damage: boolean;
}

export interface CheckResult {
  readonly blobs: number;
  readonly results: number;
  /** Files submitted whose bytes are not kept: too large, or given without a folder for them. */
  readonly notKept: number;
  readonly problems: readonly Problem[];
}

/** Rows of one question. */
const PAGE = 1000;

export async function check(corpus: Corpus): Promise<CheckResult> {
  const problems: Problem[] = [];
  const kept = await checkBlobs(corpus, problems);
  const results = await checkResults(corpus.db, problems);
  await checkCounts(corpus.db, problems);
  await checkClusters(corpus.db, problems);
  const [submitted] = await corpus.db.select({ n: count() }).from(samples).where(eq(samples.submitted, true));
  return { blobs: kept, results, notKept: (submitted?.n ?? 0) - kept, problems };
}

async function checkBlobs({ db, blobs: store }: Corpus, problems: Problem[]): Promise<number> {
  let kept = 0;
  for (let last = ""; ; ) {
    const rows = await db
      .select({ sha256: blobs.sha256 })
      .from(blobs)
      .where(gt(blobs.sha256, last))
      .orderBy(asc(blobs.sha256))
      .limit(PAGE);
    for (const { sha256 } of rows) {
      kept++;
      const read = await store?.get(sha256);
      if (read?.status === "missing")
        problems.push({ kind: "missing-blob", of: sha256, text: "its bytes are not there", damage: true });
      if (read?.status === "corrupt")
        problems.push({ kind: "corrupt-blob", of: sha256, text: read.text, damage: true });
    }
    last = rows.at(-1)?.sha256 ?? last;
    if (rows.length < PAGE) break;
  }
  if (store !== undefined) await checkUnnamed(db, store, problems);
  return kept;
}

/** Blobs without a row, but those that a policy let go and the next `retain` removes. */
async function checkUnnamed(db: Database, store: BlobStore, problems: Problem[]): Promise<void> {
  let page: string[] = [];
  const compare = async () => {
    const known = await ask<{ sha256: string }>(
      db,
      sql`select encode(sha256, 'hex') as sha256 from assay.blobs where sha256 = any(${digests(page)})
        union select encode(sha256, 'hex') from assay.dropped
        where sha256 = any(${digests(page)}) and removed_at is null`,
    );
    const named = new Set(known.map((row) => row.sha256));
    for (const sha256 of page)
      if (!named.has(sha256))
        problems.push({ kind: "unnamed-blob", of: sha256, text: "no row names it", damage: false });
    page = [];
  };
  for await (const sha256 of store.list()) if (page.push(sha256) >= PAGE) await compare();
  await compare();
}

async function checkResults(db: Database, problems: Problem[]): Promise<number> {
  let results = 0;
  for await (const { id, engine, report } of allResults(db)) {
    results++;
    if (report === undefined)
      problems.push({ kind: "damaged-result", of: id, text: "its report cannot be opened", damage: true });
    else if (analysisKey(report, engine) !== id)
      problems.push({
        kind: "damaged-result",
        of: id,
        text: "its report is not the one it was",
        damage: true,
      });
  }
  return results;
}

async function checkCounts(db: Database, problems: Problem[]): Promise<void> {
  const real = countDistinct(holdings.sample);
  const wrong = await db
    .select({ id: indicators.id, counted: indicators.samples, real })
    .from(indicators)
    .leftJoin(holdings, eq(holdings.indicator, indicators.id))
    .groupBy(indicators.id)
    .having(sql`${real} <> ${indicators.samples}`)
    .limit(PAGE);
  for (const { id, counted, real: held } of wrong)
    problems.push({
      ...{ kind: "wrong-count", of: id, damage: true },
      text: `counted ${counted} times, held by ${held}`,
    });
  const [all] = await db
    .select({ n: sql<number>`coalesce(sum(${totals.samples}), 0)`.mapWith(Number) })
    .from(totals);
  const [held] = await db.select({ n: countDistinct(holdings.sample) }).from(holdings);
  if (all?.n !== held?.n)
    problems.push({
      ...{ kind: "wrong-total", of: "totals", damage: true },
      text: `${all?.n} samples counted, ${held?.n} hold something`,
    });
}

/** Clusters follow from what is held, and can be worked out anew: that they do not agree loses nothing. */
async function checkClusters(db: Database, problems: Problem[]): Promise<void> {
  for (const { of, text } of await compareClusters(db))
    problems.push({ kind: "wrong-cluster", of, text, damage: false });
}
