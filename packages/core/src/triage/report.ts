/** Samples into the one report. */
import { REPORT_SCHEMA, type Report, type Sample, subjectsOf } from "../model/index.ts";
import { relate } from "../relations/index.ts";

/** Set by the release; the report names it so that a result can be told from a later one. */
export const ENGINE_VERSION = "0.1.0";

/** The same bytes under several names are one sample. Order of first appearance. */
export function foldDuplicates(samples: readonly Sample[]): Sample[] {
  const bySha256 = new Map<string, Sample>();
  const out: Sample[] = [];
  for (const sample of samples) {
    const known = sample.sha256 === null ? undefined : bySha256.get(sample.sha256);
    if (known !== undefined) {
      for (const name of sample.names) if (!known.names.includes(name)) known.names.push(name);
      continue;
    }
    const own = { ...sample, names: [...sample.names] };
    if (own.sha256 !== null) bySha256.set(own.sha256, own);
    out.push(own);
  }
  return out;
}

export function assemble(
  samples: readonly Sample[],
  families: readonly string[],
  startedAt: string,
  elapsedMs: number,
): Report {
  const folded = foldDuplicates(samples);
  const { relations, clusters } = relate(folded.flatMap(subjectsOf));
  return {
    schema: REPORT_SCHEMA,
    engine: { name: "assay", version: ENGINE_VERSION, families: [...families] },
    startedAt,
    elapsedMs: Math.round(elapsedMs),
    samples: folded,
    relations,
    clusters,
  };
}
