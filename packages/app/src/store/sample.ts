/** One sample: what is known of it, the result that stands, those before it. */
import type { Report, Sample } from "@assay/core/model/index";
import { assemble } from "@assay/core/triage/report";
import { and, asc, desc, eq, inArray, or } from "drizzle-orm";
import type { Database } from "./database.ts";
import { groupBy } from "./group.ts";
import type { SampleRow } from "./samples.ts";
import { analyses, artifacts, blobs, findings, names, runs, samples } from "./schema.ts";

export interface ResultRow {
  readonly id: string;
  /** SHA-256 of the file that was analysed: the sample, or an archive that holds it. */
  readonly of: string;
  readonly engine: string;
  readonly outcome: string;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface SampleState {
  readonly sha256: string;
  readonly sha1: string | null;
  readonly md5: string | null;
  readonly size: number | null;
  readonly names: readonly string[];
  readonly format: string;
  readonly outcome: string;
  readonly submitted: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Whether its bytes are kept. */
  readonly stored: boolean;
  readonly result: (ResultRow & { readonly subject: number; readonly sample: Sample }) | undefined;
  /** The result as a document of its own. */
  readonly report: Report | undefined;
}

export async function sampleState(db: Database, sha256: string): Promise<SampleState | undefined> {
  const [row] = await db.select().from(samples).where(eq(samples.sha256, sha256));
  if (row === undefined) return undefined;
  const called = await db
    .select({ name: names.name })
    .from(names)
    .where(eq(names.sample, sha256))
    .orderBy(asc(names.name));
  const standing = row.analysis === null ? undefined : await loadResult(db, row.analysis);
  const { analysis: _analysis, ...known } = row;
  return {
    ...known,
    names: called.map(({ name }) => name),
    stored: await isStored(db, sha256),
    result: standing && {
      ...standing.row,
      subject: subjectOf(standing.sample, sha256),
      sample: standing.sample,
    },
    report: standing && reportOf([standing]),
  };
}

export async function isStored(db: Database, sha256: string): Promise<boolean> {
  const kept = await db.select({ sha256: blobs.sha256 }).from(blobs).where(eq(blobs.sha256, sha256));
  return kept.length > 0;
}

/** A stored result, with the families that its engine knew. */
export interface Loaded {
  readonly row: ResultRow;
  readonly sample: Sample;
  readonly families: readonly string[];
}

export async function loadResult(db: Database, id: string): Promise<Loaded | undefined> {
  const [loaded] = await loadResults(db, [id]);
  return loaded;
}

/** In the order of `ids`. */
export async function loadResults(db: Database, ids: readonly string[]): Promise<Loaded[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({
      id: analyses.id,
      of: analyses.sample,
      engine: analyses.engine,
      outcome: analyses.outcome,
      firstAt: analyses.firstAt,
      lastAt: analyses.lastAt,
      report: analyses.report,
      families: runs.families,
    })
    .from(analyses)
    .innerJoin(runs, eq(runs.id, analyses.run))
    .where(inArray(analyses.id, [...ids]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const found = byId.get(id);
    if (found === undefined) return [];
    const { report, families, ...row } = found;
    return [{ row, sample: report as Sample, families: JSON.parse(families) as string[] }];
  });
}

/** A result that stands, without its document. */
export interface StandingId {
  readonly id: string;
  /** SHA-256 of the file that was analysed. */
  readonly of: string;
  readonly lastAt: string;
}

/** Files of one question. */
const PAGE = 1000;

/** The results that stand for these files, in their order: an archive's stands once for all that it holds. */
export async function standingIds(db: Database, hashes: readonly string[]): Promise<StandingId[]> {
  const found = new Map<string, StandingId>();
  for (let at = 0; at < hashes.length; at += PAGE) {
    const part = hashes.slice(at, at + PAGE);
    const rows = await db
      .select({ sha256: samples.sha256, id: analyses.id, of: analyses.sample, lastAt: analyses.lastAt })
      .from(samples)
      .innerJoin(analyses, eq(analyses.id, samples.analysis))
      .where(inArray(samples.sha256, part));
    const byHash = new Map(rows.map((row) => [row.sha256, row]));
    for (const sha256 of part) {
      const row = byHash.get(sha256);
      if (row === undefined) continue;
      const { id, of, lastAt } = row;
      // Of two results of one archive, the newer.
      const known = found.get(of);
      if (known === undefined || known.lastAt < lastAt) found.set(of, { id, of, lastAt });
    }
  }
  return [...found.values()];
}

/** One document of these results; its engine is that of the newest. */
export function reportOf(results: readonly Loaded[]): Report {
  const newest = results.reduce<Loaded | undefined>(
    (best, one) => (best === undefined || one.row.lastAt > best.row.lastAt ? one : best),
    undefined,
  );
  const first = results.reduce(
    (at, { row }) => (row.lastAt < at ? row.lastAt : at),
    newest?.row.lastAt ?? EPOCH,
  );
  const report = assemble(
    results.map(({ sample }) => sample),
    newest?.families ?? [],
    first,
    results.reduce((sum, { sample }) => sum + sample.elapsedMs, 0),
  );
  return newest === undefined
    ? report
    : { ...report, engine: { ...report.engine, version: newest.row.engine } };
}

/** When nothing was analysed: the same document each time. */
const EPOCH = "1970-01-01T00:00:00.000Z";

function subjectOf(sample: Sample, sha256: string): number {
  return sample.sha256 === sha256 ? 0 : (sample.artifacts.find((one) => one.sha256 === sha256)?.id ?? 0);
}

export interface HistoryRow extends ResultRow {
  readonly standing: boolean;
  readonly findings: SampleRow["findings"];
}

/** Results told of one sample. */
const MAX_HISTORY = 200;

/** Every result of the file itself, and the one that stands; newest first. Undefined for a file that is not known. */
export async function historyOf(db: Database, sha256: string): Promise<HistoryRow[] | undefined> {
  const [row] = await db
    .select({ analysis: samples.analysis })
    .from(samples)
    .where(eq(samples.sha256, sha256));
  if (row === undefined) return undefined;
  const within = db.select({ id: artifacts.analysis }).from(artifacts).where(eq(artifacts.sha256, sha256));
  const results = await db
    .select({
      id: analyses.id,
      of: analyses.sample,
      engine: analyses.engine,
      outcome: analyses.outcome,
      firstAt: analyses.firstAt,
      lastAt: analyses.lastAt,
    })
    .from(analyses)
    .where(or(eq(analyses.sample, sha256), inArray(analyses.id, within)))
    .orderBy(desc(analyses.lastAt), asc(analyses.id))
    .limit(MAX_HISTORY);
  const found =
    results.length === 0
      ? []
      : await db
          .select()
          .from(findings)
          .where(
            and(
              inArray(
                findings.analysis,
                results.map(({ id }) => id),
              ),
              eq(findings.subject, sha256),
            ),
          )
          .orderBy(asc(findings.n));
  const byResult = groupBy(found, ({ analysis }) => analysis);
  return results.map((result) => ({
    ...result,
    standing: result.id === row.analysis,
    findings: (byResult.get(result.id) ?? []).map(({ family, layout, version, confidence, config, c2 }) => ({
      ...{ family, layout, version, confidence, config },
      c2: JSON.parse(c2) as string[],
    })),
  }));
}
