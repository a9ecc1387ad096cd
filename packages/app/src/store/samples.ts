/** Samples as a list shows them. */
import { and, asc, eq, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { groupBy } from "./group.ts";
import { digests, uuids } from "./rows.ts";
import { findings, holdings, names, samples } from "./schema.ts";

export interface SampleRow {
  readonly sha256: string;
  readonly names: readonly string[];
  readonly format: string;
  readonly outcome: string;
  readonly submitted: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly findings: readonly {
    readonly family: string;
    readonly layout: string;
    readonly version: string | null;
    readonly confidence: string;
    /** SHA-256 of the config: the same in every sample that has it. */
    readonly config: string;
    readonly c2: readonly string[];
  }[];
  /** What it uses the values in question for. */
  readonly usages: readonly string[];
}

/** In the order of `hashes`. `of`: keys of the indicators whose usages are told. */
export async function describeSamples(
  db: Database,
  hashes: readonly string[],
  of: readonly string[],
): Promise<SampleRow[]> {
  if (hashes.length === 0) return [];
  const all = digests(hashes);
  const rows = await db
    .select({
      sha256: samples.sha256,
      format: samples.format,
      outcome: samples.outcome,
      submitted: samples.submitted,
      firstSeen: samples.firstSeen,
      lastSeen: samples.lastSeen,
    })
    .from(samples)
    .where(sql`${samples.sha256} = any(${all})`);
  const found = await db
    .select({
      sample: findings.subject,
      family: findings.family,
      layout: findings.layout,
      version: findings.version,
      confidence: findings.confidence,
      config: findings.config,
      c2: findings.c2,
    })
    .from(findings)
    .innerJoin(samples, and(eq(samples.analysis, findings.analysis), eq(samples.sha256, findings.subject)))
    .where(sql`${findings.subject} = any(${all})`)
    .orderBy(asc(findings.n));
  const called = await db
    .select({ sample: names.sample, name: names.name })
    .from(names)
    .where(sql`${names.sample} = any(${all})`)
    .orderBy(asc(names.name));
  const used =
    of.length === 0
      ? []
      : await db
          .selectDistinct({ sample: holdings.sample, usage: holdings.usage })
          .from(holdings)
          .where(sql`${holdings.sample} = any(${all}) and ${holdings.indicator} = any(${uuids(of)})`)
          .orderBy(asc(holdings.usage));
  const [findingsOf, namesOf, usagesOf] = [
    groupBy(found, ({ sample }) => sample),
    groupBy(called, ({ sample }) => sample),
    groupBy(used, ({ sample }) => sample),
  ];
  const byHash = new Map(rows.map((row) => [row.sha256, row]));
  return hashes.flatMap((sha256) => {
    const row = byHash.get(sha256);
    if (row === undefined) return [];
    return [
      {
        ...row,
        names: (namesOf.get(sha256) ?? []).map(({ name }) => name),
        findings: (findingsOf.get(sha256) ?? []).map(({ sample: _sample, c2, ...finding }) => ({
          ...finding,
          c2: JSON.parse(c2) as string[],
        })),
        usages: (usagesOf.get(sha256) ?? []).map(({ usage }) => usage),
      },
    ];
  });
}
