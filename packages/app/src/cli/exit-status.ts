import type { Sample } from "@assay/core/model/index";

/** Ends of an analysis that did not see all there was. */
const CUT_SHORT: ReadonlySet<string> = new Set(["timeout", "crashed", "internal-error"]);

/** 0 when all input was analysed, 1 when some could not be. Finding nothing is not an error. */
export function exitStatus(samples: readonly Sample[]): 0 | 1 {
  const failed = samples.some(
    (sample) =>
      sample.outcome === "failed" ||
      sample.outcome === "unsupported" ||
      sample.reasons.some((reason) => CUT_SHORT.has(reason.code)),
  );
  return failed ? 1 : 0;
}
