/** What a rescan changed: of each sample, what was known and what is. */
import { and, asc, eq, gt, inArray, isNotNull } from "drizzle-orm";
import type { Database } from "../store/database.ts";
import { groupBy } from "../store/group.ts";
import { analyses, findings } from "../store/schema.ts";
import { submissions, tasks } from "./tables.ts";

/** A finding as far as two of them are compared. */
export interface Told {
  readonly family: string;
  readonly layout: string;
  readonly version?: string;
  readonly c2: readonly string[];
  /** SHA-256 of the config. */
  readonly config: string;
  /** The file that it speaks of: within an archive another than the sample. */
  readonly subject: string;
}

export interface Side {
  readonly outcome: string;
  readonly engine: string;
  readonly findings: readonly Told[];
}

/** Parts of a finding that differ; `config` for what none of the others says. */
export type Difference = "family" | "layout" | "version" | "c2" | "config";

export interface SampleChange {
  readonly sha256: string;
  readonly name: string;
  /** `gained`: a finding where there was none; `lost`: none where there was one. */
  readonly what: "gained" | "lost" | "changed";
  readonly differs: readonly Difference[];
  readonly before: Side;
  readonly after: Side;
}

export interface Changes {
  /** Samples done so far, of which these changed. */
  readonly compared: number;
  readonly changes: readonly SampleChange[];
}

/** Members compared at once. */
const PAGE = 500;

/** Of all members that are done, in the batch's order. */
export async function rescanChanges(db: Database, batch: string): Promise<Changes> {
  const changes: SampleChange[] = [];
  let compared = 0;
  for (let after = 0; ; ) {
    const rows = await db
      .select({
        n: submissions.n,
        sha256: tasks.sha256,
        name: submissions.name,
        before: submissions.before,
        analysis: tasks.analysis,
      })
      .from(submissions)
      .innerJoin(tasks, eq(tasks.id, submissions.task))
      .where(and(eq(submissions.batch, batch), gt(submissions.n, after), isNotNull(tasks.analysis)))
      .orderBy(asc(submissions.n))
      .limit(PAGE);
    const sides = await sidesOf(
      db,
      rows.flatMap(({ before, analysis }) => [before, analysis]).filter((id) => id !== null),
    );
    for (const { sha256, name, before, analysis } of rows) {
      compared++;
      const old = sides.get(before ?? "") ?? NOTHING;
      const now = sides.get(analysis ?? "") ?? NOTHING;
      const differs = differences(old.findings, now.findings);
      if (differs.length === 0) continue;
      const what = old.findings.length === 0 ? "gained" : now.findings.length === 0 ? "lost" : "changed";
      changes.push({ sha256, name, what, differs, before: old, after: now });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return { compared, changes };
    after = last.n;
  }
}

const NOTHING: Side = { outcome: "unknown", engine: "", findings: [] };

async function sidesOf(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, Side>> {
  if (ids.length === 0) return new Map();
  const results = await db
    .select({ id: analyses.id, outcome: analyses.outcome, engine: analyses.engine })
    .from(analyses)
    .where(inArray(analyses.id, [...new Set(ids)]));
  const found = await db
    .select()
    .from(findings)
    .where(inArray(findings.analysis, [...new Set(ids)]))
    .orderBy(asc(findings.n));
  const byResult = groupBy(found, ({ analysis }) => analysis);
  return new Map(
    results.map(({ id, outcome, engine }) => [
      id,
      {
        ...{ outcome, engine },
        findings: (byResult.get(id) ?? []).map(({ family, layout, version, c2, config, subject }) => ({
          ...{ family, layout, config, subject },
          ...(version === null ? {} : { version }),
          c2: JSON.parse(c2) as string[],
        })),
      },
    ]),
  );
}

const PARTS: readonly (readonly [Difference, (told: Told) => unknown])[] = [
  ["family", ({ family }) => family],
  ["layout", ({ layout }) => layout],
  ["version", ({ version }) => version],
  ["c2", ({ c2 }) => c2],
];

/** Of findings in their order: what one has and the other has not. */
function differences(before: readonly Told[], after: readonly Told[]): Difference[] {
  const told = (all: readonly Told[], part: (told: Told) => unknown) =>
    JSON.stringify(all.map(part).filter((value) => value !== undefined));
  const found = PARTS.filter(([, part]) => told(before, part) !== told(after, part)).map(([name]) => name);
  if (found.length > 0) return found;
  const config = ({ config: hash }: Told) => hash;
  return told(before, config) === told(after, config) ? [] : ["config"];
}
