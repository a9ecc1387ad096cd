/** The clusters of a corpus: what `relate` does for a batch, from counts over all that was ever seen. */
import type { Cluster, IndicatorType } from "../model/index.ts";
import { clustersOf, founderId, type Tie } from "./clusters.ts";
import { tieWeight } from "./weight.ts";

/** An indicator that two or more samples hold. */
export interface SharedIndicator {
  readonly type: IndicatorType;
  readonly value: string;
  readonly linkable: boolean;
  /** SHA-256 of the samples, ascending. */
  readonly holders: readonly string[];
}

export interface Known {
  /** Samples of the corpus with a config. */
  readonly total: number;
  /** By SHA-256. */
  readonly families: ReadonlyMap<string, ReadonlySet<string>>;
  /** ISO 8601 by SHA-256. */
  readonly firstSeen: ReadonlyMap<string, string>;
  /** Whether the user's list keeps an indicator from tying samples. */
  readonly excluded: (type: IndicatorType, value: string) => boolean;
}

/**
 * Connected components over the strong ties, largest first. The weights are those of `relate`: what ties ten samples
 * of a batch may tie ten thousand of the corpus, and then weighs less. Ids stay as the corpus grows (see founderId).
 */
export function correlate(shared: readonly SharedIndicator[], known: Known): Cluster[] {
  const ties: Tie[] = shared
    .filter(
      ({ type, value, linkable, holders }) => linkable && holders.length > 1 && !known.excluded(type, value),
    )
    .map(({ type, value, holders }) => ({
      key: `${type}:${value}`,
      weight: tieWeight(type, holders.length, Math.max(known.total, holders.length)),
      holders,
    }));
  return clustersOf(ties, known.families, founderId(known.firstSeen));
}
