/** How much the corpus has. */
import { count, countDistinct, desc, eq, max, min, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { analyses, blobs, configs, findings, indicators, samples } from "./schema.ts";

export interface Stats {
  readonly samples: number;
  readonly submitted: number;
  readonly results: number;
  readonly configs: number;
  readonly indicators: number;
  readonly blobs: number;
  /** Bytes of the files kept, before compression. */
  readonly blobBytes: number;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
  readonly outcomes: readonly { readonly outcome: string; readonly samples: number }[];
  readonly families: readonly {
    readonly family: string;
    readonly samples: number;
    readonly configs: number;
  }[];
}

export async function stats(db: Database): Promise<Stats> {
  const [all] = await db
    .select({
      samples: count(),
      submitted: sql<number>`count(*) filter (where ${samples.submitted})`.mapWith(Number),
      firstSeen: min(samples.firstSeen),
      lastSeen: max(samples.lastSeen),
    })
    .from(samples);
  const [kept] = await db
    .select({ n: count(), bytes: sql<number>`coalesce(sum(${blobs.size}), 0)`.mapWith(Number) })
    .from(blobs);
  const [results] = await db.select({ n: count() }).from(analyses);
  const [known] = await db.select({ n: count() }).from(configs);
  const [held] = await db
    .select({ n: sql<number>`count(*) filter (where ${indicators.samples} > 0)`.mapWith(Number) })
    .from(indicators);
  const many = countDistinct(findings.subject);
  return {
    samples: all?.samples ?? 0,
    submitted: all?.submitted ?? 0,
    results: results?.n ?? 0,
    configs: known?.n ?? 0,
    indicators: held?.n ?? 0,
    blobs: kept?.n ?? 0,
    blobBytes: kept?.bytes ?? 0,
    firstSeen: all?.firstSeen ?? null,
    lastSeen: all?.lastSeen ?? null,
    outcomes: await db
      .select({ outcome: samples.outcome, samples: count() })
      .from(samples)
      .groupBy(samples.outcome)
      .orderBy(desc(count()), samples.outcome),
    families: await db
      .select({ family: findings.family, samples: many, configs: countDistinct(findings.config) })
      .from(findings)
      .innerJoin(samples, eq(samples.analysis, findings.analysis))
      .where(eq(samples.sha256, findings.subject))
      .groupBy(findings.family)
      .orderBy(desc(many), findings.family),
  };
}
