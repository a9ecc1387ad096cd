/** Where to go from here: which of the indicators around some samples lead on to others. */
import type { IndicatorType } from "../model/index.ts";
import { tieWeight } from "./weight.ts";

export interface PivotInput {
  readonly type: IndicatorType;
  readonly value: string;
  /** False for defaults, shared hosts and what a user excludes. */
  readonly linkable: boolean;
  /** Samples of the whole corpus that hold it. */
  readonly samples: number;
  /** Those of them that the pivot came from. */
  readonly here: number;
}

export interface RankedPivot extends PivotInput {
  /** As of a relation: what sharing it says, over the whole corpus. */
  readonly weight: number;
  /** Samples that it leads to and that are not in hand yet. */
  readonly leadsTo: number;
}

/**
 * The best first: what leads to further samples before what does not, then the strongest tie, then what more of the
 * samples in hand hold. What may tie nothing is left out. `total`: samples of the corpus with a config.
 */
export function rankPivots(inputs: readonly PivotInput[], total: number): RankedPivot[] {
  return inputs
    .filter((input) => input.linkable)
    .map((input) => ({
      ...input,
      weight: tieWeight(input.type, Math.max(1, input.samples), Math.max(1, total, input.samples)),
      leadsTo: Math.max(0, input.samples - input.here),
    }))
    .filter((pivot) => pivot.weight > 0)
    .sort(
      (a, b) =>
        Number(b.leadsTo > 0) - Number(a.leadsTo > 0) ||
        b.weight - a.weight ||
        b.here - a.here ||
        (`${a.type}:${a.value}` < `${b.type}:${b.value}` ? -1 : 1),
    );
}
