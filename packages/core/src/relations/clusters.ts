/** Samples that belong together: the connected components over what they share. */
import { hex, utf8Bytes } from "../bytes/index.ts";
import { sha256 } from "../codecs/index.ts";
import type { Cluster } from "../model/index.ts";
import { MIN_CLUSTER_WEIGHT } from "./weight.ts";

/** Something that two or more samples hold. */
export interface Tie {
  /** `<indicator type>:<value>`. */
  readonly key: string;
  readonly weight: number;
  /** SHA-256 of the samples, ascending. */
  readonly holders: readonly string[];
}

/** Hex digits of a cluster's id: enough for the clusters of one report to differ. */
const ID_DIGITS = 12;

/** Names a cluster by its members (ascending) and what ties them. */
export type ClusterId = (samples: readonly string[], keys: readonly string[]) => string;

/**
 * Largest first. By default the id is a hash of the members and of what ties them, so that it stays from run to run;
 * `founderId` names a cluster that grows.
 */
export function clustersOf(
  ties: readonly Tie[],
  families: ReadonlyMap<string, ReadonlySet<string>>,
  idOf: ClusterId = contentId,
): Cluster[] {
  const strong = ties.filter((tie) => tie.weight >= MIN_CLUSTER_WEIGHT);
  const sets = new DisjointSets();
  for (const { holders } of strong) for (const holder of holders) sets.union(holders[0] as string, holder);
  const members = new Map<string, Set<string>>();
  const shared = new Map<string, Tie[]>();
  for (const tie of strong) {
    const root = sets.find(tie.holders[0] as string);
    const cluster = members.get(root) ?? new Set();
    for (const holder of tie.holders) cluster.add(holder);
    members.set(root, cluster);
    const list = shared.get(root);
    if (list === undefined) shared.set(root, [tie]);
    else list.push(tie);
  }
  return [...members]
    .map(([root, set]) => {
      const samples = [...set].sort();
      const keys = (shared.get(root) ?? []).sort(strongestFirst).map((tie) => tie.key);
      return {
        id: idOf(samples, keys),
        samples,
        families: [...new Set(samples.flatMap((sample) => [...(families.get(sample) ?? [])]))].sort(),
        shared: keys,
      };
    })
    .sort(
      (a, b) =>
        b.samples.length - a.samples.length || ((a.samples[0] as string) < (b.samples[0] as string) ? -1 : 1),
    );
}

function strongestFirst(a: Tie, b: Tie): number {
  return b.weight - a.weight || b.holders.length - a.holders.length || (a.key < b.key ? -1 : 1);
}

function contentId(samples: readonly string[], keys: readonly string[]): string {
  return hashedId([...samples, ...[...keys].sort()].join("\n"));
}

/**
 * Names a cluster by the member that was seen first: the name stays while others join, of two clusters that meet the
 * older's name stays, and of one that falls apart the part with the founder keeps it. `firstSeen`: ISO 8601 by SHA-256.
 */
export function founderId(firstSeen: ReadonlyMap<string, string>): ClusterId {
  const age = (sample: string) => `${firstSeen.get(sample) ?? ""} ${sample}`;
  return (samples) => {
    const [first, ...rest] = samples as [string, ...string[]];
    return clusterName(rest.reduce((oldest, one) => (age(one) < age(oldest) ? one : oldest), first));
  };
}

/** The name of the cluster that `founder` (a SHA-256) was the first of; `round` tells it from one that has it already. */
export function clusterName(founder: string, round = 0): string {
  return hashedId(round === 0 ? founder : `${founder} ${round}`);
}

function hashedId(text: string): string {
  return `cluster-${hex(sha256(utf8Bytes(text))).slice(0, ID_DIGITS)}`;
}

/** Union-find with path halving. */
class DisjointSets {
  readonly #parent = new Map<string, string>();

  find(item: string): string {
    let at = item;
    for (;;) {
      const parent = this.#parent.get(at) ?? at;
      const above = this.#parent.get(parent) ?? parent;
      if (parent === above) return parent;
      this.#parent.set(at, above);
      at = above;
    }
  }

  union(a: string, b: string): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x !== y) this.#parent.set(y, x);
  }
}
