/** Standing results of the corpus that a query asks for, read page by page, as often as somebody wants them. */
import type { Sample } from "@assay/core/model/index";
import type { Term } from "@assay/core/search/query";
import { and, asc, eq, inArray, isNotNull } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { reportsOf } from "../store/results.ts";
import { analyses, samples } from "../store/schema.ts";
import { termsSql } from "../store/search.ts";

/** Results read at once: a report has some 20 to 50 KB. */
const PAGE = 100;

/** One result, and which of its files are asked for. */
interface Chosen {
  readonly analysis: string;
  readonly engine: string;
  /** Undefined when the submitted file itself is asked for: then all that was found in it. */
  readonly subjects: Set<string> | undefined;
}

export interface SelectedSample {
  readonly sample: Sample;
  readonly engine: string;
}

/**
 * What a query chose at one moment. Results are never changed, so that every reading gives the same, whatever is
 * written meanwhile; one that is removed is counted in `lost`.
 */
export class Selection {
  readonly #db: Database;
  readonly #chosen: readonly Chosen[];
  /** When the newest of the results was got; the epoch when there is none. */
  readonly newest: string;
  /** Files that were asked for. */
  readonly files: ReadonlySet<string>;
  lost = 0;

  constructor(db: Database, chosen: readonly Chosen[], files: ReadonlySet<string>, newest: string) {
    this.#db = db;
    this.#chosen = chosen;
    this.files = files;
    this.newest = newest;
  }

  /** Results, not files. */
  get size(): number {
    return this.#chosen.length;
  }

  /** By hash of the submitted file. */
  async *samples(): AsyncGenerator<SelectedSample> {
    this.lost = 0;
    for (let at = 0; at < this.#chosen.length; at += PAGE) {
      const page = this.#chosen.slice(at, at + PAGE);
      const reports = await reportsOf(
        this.#db,
        page.map(({ analysis }) => analysis),
      );
      for (const { analysis, engine, subjects } of page) {
        const report = reports.get(analysis);
        const sample = report === undefined ? undefined : partOf(report, subjects);
        if (report === undefined) this.lost++;
        if (sample !== undefined) yield { sample, engine };
      }
    }
  }
}

export async function select(db: Database, terms: readonly Term[]): Promise<Selection> {
  const rows = await db
    .select({
      sha256: samples.sha256,
      analysis: analyses.id,
      container: analyses.sample,
      engine: analyses.engine,
      at: analyses.lastAt,
    })
    .from(samples)
    .innerJoin(analyses, eq(analyses.id, samples.analysis))
    .where(and(isNotNull(samples.analysis), termsSql(db, terms)))
    .orderBy(asc(analyses.sample), asc(analyses.id), asc(samples.sha256));
  const chosen = new Map<string, Chosen>();
  const files = new Set<string>();
  let newest = "1970-01-01T00:00:00.000Z";
  for (const { sha256, analysis, container, engine, at } of rows) {
    files.add(sha256);
    if (at > newest) newest = at;
    const known = chosen.get(analysis);
    if (sha256 === container) chosen.set(analysis, { analysis, engine, subjects: undefined });
    else if (known === undefined) chosen.set(analysis, { analysis, engine, subjects: new Set([sha256]) });
    else known.subjects?.add(sha256);
  }
  return new Selection(db, [...chosen.values()], files, newest);
}

/** These very files, each with what is said of it alone. */
export async function selectFiles(db: Database, hashes: readonly string[]): Promise<SelectedSample[]> {
  const rows = await db
    .select({ sha256: samples.sha256, analysis: analyses.id, engine: analyses.engine })
    .from(samples)
    .innerJoin(analyses, eq(analyses.id, samples.analysis))
    .where(inArray(samples.sha256, [...hashes]))
    .orderBy(asc(samples.sha256));
  const reports = await reportsOf(db, [...new Set(rows.map(({ analysis }) => analysis))]);
  return rows.flatMap(({ sha256, analysis, engine }) => {
    const report = reports.get(analysis);
    const own = report === undefined ? undefined : partOf(report, new Set([sha256]));
    const sample = own ?? (report?.sha256 === sha256 && report.findings.length === 0 ? report : undefined);
    return sample === undefined ? [] : [{ sample, engine }];
  });
}

/** The sample with nothing but what it says of these files; undefined when that is nothing. */
function partOf(sample: Sample, subjects: ReadonlySet<string> | undefined): Sample | undefined {
  if (subjects === undefined) return sample;
  const isWanted = (subject: number) => subjects.has(sample.artifacts[subject]?.sha256 ?? "");
  const findings = sample.findings.filter(({ subject }) => isWanted(subject));
  if (findings.length === 0) return undefined;
  return {
    ...sample,
    findings,
    families: [...new Set(findings.map(({ family }) => family))],
    indicators: sample.indicators.filter(({ subject }) => isWanted(subject)),
  };
}
