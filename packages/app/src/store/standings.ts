/** Which result stands for a file: the newest, but none that saw no file instead of one that did. */
import { asc, eq, inArray } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Facts, Holding, SubjectFacts } from "./facts.ts";
import { groupBy } from "./group.ts";
import { analyses, holdings, samples } from "./schema.ts";
import type { Entry } from "./seen.ts";

/** What a subject's row says while a batch is worked out. */
export interface Standing {
  /** The corpus had never heard of the file. */
  readonly isNew: boolean;
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

/** A file's row as it is now, locked. */
export interface Written {
  readonly sha256: string;
  /** The corpus had never heard of it. */
  readonly isNew: boolean;
  /** Result that stands. */
  readonly analysis: string | null;
  readonly seen: string;
}

/** What stands now for the files of the batch, and for those that their standing results speak of as well. */
export async function standingsOf(
  db: Database,
  written: ReadonlyMap<string, Written>,
): Promise<Map<string, Standing>> {
  const known = [...written.values()].filter(({ analysis }) => analysis !== null);
  const standings = new Map<string, Standing>(
    [...written.values()].map(({ sha256, isNew, seen }) => [
      sha256,
      { isNew, analysis: undefined, rank: 0, at: "", seen, before: [], holds: [], changed: false },
    ]),
  );
  if (known.length === 0) return standings;
  const kin = await db
    .select({ sha256: samples.sha256 })
    .from(samples)
    .where(inArray(samples.analysis, [...new Set(known.map(({ analysis }) => analysis as string))]));
  const others = kin.map(({ sha256 }) => sha256).filter((sha256) => !written.has(sha256));
  if (others.length > 0) await lockSamples(db, others);
  const rows = await selectStanding(db, [...known.map(({ sha256 }) => sha256), ...others]);
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
  for (const { sha256, analysis, outcome, lastAt, firstSeen } of rows) {
    const before = (bySample.get(sha256) ?? []).map(({ sample: _sample, seen: _seen, ...hold }) => hold);
    standings.set(sha256, {
      isNew: false,
      analysis: analysis ?? undefined,
      rank: outcome === null || outcome === "failed" || outcome === "unsupported" ? 0 : 1,
      at: lastAt ?? "",
      seen: firstSeen,
      before,
      holds: before,
      changed: false,
    });
  }
  return standings;
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
export function decide(standings: ReadonlyMap<string, Standing>, batch: readonly Entry[]): void {
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
export async function leaveBehind(
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
