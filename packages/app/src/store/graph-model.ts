/** What a graph of the corpus is made of, as the API gives it. */
import type { IndicatorType } from "@assay/core/model/index";

/** `campaign` and `certificate` are indicators of these types; `indicator` is any other. */
export const NODE_KINDS = [
  "sample",
  "config",
  "indicator",
  "certificate",
  "campaign",
  "family",
  "cluster",
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

export interface FamilyCount {
  readonly family: string;
  readonly samples: number;
}

export interface GraphNode {
  /** `sha256:…`, `config:…`, `<indicator type>:<value>`, `family:…`, a cluster's or community's id, `group:<key>`. */
  readonly key: string;
  /** `group`: what of the node `of` is not drawn; `community`: of an overview. */
  readonly kind: NodeKind | "group" | "community";
  /** Hostile text as it is; `defanged` for what is an address. */
  readonly label: string;
  readonly defanged?: string;
  /** Steps from the seed. */
  readonly depth: number;
  readonly type?: IndicatorType;
  /** Samples of the corpus that have it, or that a group stands for. */
  readonly samples?: number;
  /** `samples` is at least this many: counting on would take too long. */
  readonly atLeast?: boolean;
  /** Families of these samples, most frequent first. */
  readonly families?: readonly FamilyCount[];
  /** False: a default, shared host or the like, which ties nothing. */
  readonly linkable?: boolean;
  /** The user's entry that keeps it from tying samples. */
  readonly excludedBy?: string;
  readonly names?: readonly string[];
  readonly outcome?: string;
  readonly firstSeen?: string;
  readonly lastSeen?: string;
  /** Of a cluster: the community that it is in. */
  readonly community?: string;
  /** Of a group: the node that it belongs to, and what `expandHub` goes on with. */
  readonly of?: string;
  readonly cursor?: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /**
   * `holds` sample → indicator, `has-config` sample → config, `of-family` sample → family, `member` sample → cluster,
   * `tied-by` cluster → indicator, `shares` where the samples between are left out, `leads-to` cluster → cluster by weaker
   * ties, `near-duplicate`, `more` node → group.
   */
  readonly kind:
    | "holds"
    | "has-config"
    | "of-family"
    | "member"
    | "tied-by"
    | "shares"
    | "leads-to"
    | "near-duplicate"
    | "more";
  /** 0 to 1: what sharing it says, over the whole corpus; 0 ties nothing. */
  readonly weight: number;
  /** What a sample uses the indicator for; of a near-duplicate, how they differ; of `leads-to`, by what. */
  readonly why?: string;
  /** Of `shares` and `leads-to`: how many samples or ties. */
  readonly count?: number;
}

export interface Graph {
  /** Keys of the nodes that the question was about; none when the corpus knows nothing of it. */
  readonly seeds: readonly string[];
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Samples of the corpus that hold anything. */
  readonly of: number;
  /** Neighbours of samples that found no room. */
  readonly leftOut: number;
}

/** Samples first seen from `since` on and before `until`, ISO 8601 in UTC. */
export interface TimeRange {
  readonly since?: string;
  readonly until?: string;
}
