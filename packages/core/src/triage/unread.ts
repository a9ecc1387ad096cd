import type { Reason, Sample } from "../model/report.ts";

/** A sample that could not be read far enough to be analysed. */
export function unread(
  names: readonly string[],
  outcome: Sample["outcome"],
  reason: Reason,
  known: Partial<Sample> = {},
): Sample {
  return {
    sha256: null,
    sha1: null,
    md5: null,
    size: null,
    format: "unknown",
    families: [],
    findings: [],
    indicators: [],
    artifacts: [],
    rules: [],
    elapsedMs: 0,
    ...known,
    names: [...names],
    outcome,
    reasons: [...(known.reasons ?? []), reason],
  };
}
