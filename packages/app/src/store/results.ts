/** Every result of the corpus, one after the other, without holding them all. */
import type { Sample } from "@assay/core/model/index";
import { and, asc, eq, gt, inArray, or, sql } from "drizzle-orm";
import { unpack } from "./columns.ts";
import type { Database } from "./database.ts";
import { analyses } from "./schema.ts";

/** Rows of one question; a report has some 20 to 50 KB. */
const PAGE = 200;

export interface StoredResult {
  readonly id: string;
  readonly sample: string;
  readonly run: string;
  readonly engine: string;
  readonly firstAt: string;
  readonly lastAt: string;
  /** Undefined when the document cannot be opened. */
  readonly report: Sample | undefined;
}

/** By sample and key. */
export async function* allResults(db: Database): AsyncGenerator<StoredResult> {
  let last: { readonly sample: string; readonly id: string } | undefined;
  for (;;) {
    const rows = await db
      .select({
        id: analyses.id,
        sample: analyses.sample,
        run: analyses.run,
        engine: analyses.engine,
        firstAt: analyses.firstAt,
        lastAt: analyses.lastAt,
        report: sql<Uint8Array>`${analyses.report}`,
      })
      .from(analyses)
      .where(
        last === undefined
          ? undefined
          : or(
              gt(analyses.sample, last.sample),
              and(eq(analyses.sample, last.sample), gt(analyses.id, last.id)),
            ),
      )
      .orderBy(asc(analyses.sample), asc(analyses.id))
      .limit(PAGE);
    for (const row of rows) yield { ...row, report: opened(row.report) };
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}

/** The documents of results, by key; those that are gone or cannot be opened are left out. */
export async function reportsOf(db: Database, ids: readonly string[]): Promise<Map<string, Sample>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ id: analyses.id, report: sql<Uint8Array>`${analyses.report}` })
    .from(analyses)
    .where(inArray(analyses.id, [...ids]));
  return new Map(
    rows.flatMap(({ id, report }) => {
      const sample = opened(report);
      return sample === undefined ? [] : [[id, sample] as const];
    }),
  );
}

/** A damaged document is what the caller looks for, or reports. */
function opened(bytes: Uint8Array): Sample | undefined {
  try {
    return unpack(bytes) as Sample;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (error instanceof SyntaxError || (typeof code === "string" && /^(?:Z_|ERR_BUFFER)/.test(code)))
      return undefined;
    throw error;
  }
}
