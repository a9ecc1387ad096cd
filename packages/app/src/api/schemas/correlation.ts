/** Pivots, the graph, clusters, indicators. */
import { ConnUsage } from "@assay/core/model/index";
import Type from "typebox";
import { Cursor, exact, Instant, Limit, MAX_TEXT, Next, nullable, oneOf, ref, Text } from "./common.ts";
import { Cluster, IndicatorType, SampleRow } from "./samples.ts";

export const PivotQuery = exact({
  value: Text,
  limit: Type.Optional(Limit),
});

export const Match = exact({
  type: Type.String({
    description: "Indicator type, `sample`, `config`, `artifact (…)` or `config.<field>`",
  }),
  value: Type.String(),
  defanged: Type.String(),
  samples: Type.Integer({ description: "Samples that hold it" }),
  of: Type.Integer({ description: "Samples that hold anything" }),
  linkable: Type.Boolean(),
  excludedBy: Type.Optional(Type.String()),
  firstSeen: Type.Optional(Instant),
  lastSeen: Type.Optional(Instant),
});

export const Pivot = exact(
  {
    value: Type.String(),
    matches: Type.Array(Match),
    total: Type.Integer(),
    samples: Type.Array(ref(SampleRow), { description: "Found last first" }),
    next: Type.Array(
      exact({
        type: IndicatorType,
        value: Type.String(),
        defanged: Type.String(),
        weight: Type.Number({ description: "0 to 1: rarer weighs more" }),
        here: Type.Integer({ description: "Samples in hand that hold it" }),
        leadsTo: Type.Integer({ description: "Samples beyond them" }),
        samples: Type.Integer(),
      }),
      { description: "Where to go from here, best first" },
    ),
  },
  { $id: "Pivot" },
);

export const ClusterPage = exact({ clusters: Type.Array(ref(Cluster)), next: Next }, { $id: "ClusterPage" });
export const PageQuery = exact({ cursor: Type.Optional(Cursor), limit: Type.Optional(Limit) });

export const IndicatorRow = exact(
  {
    type: IndicatorType,
    value: Type.String({ description: "Normalised, not defanged" }),
    defanged: Type.String(),
    linkable: Type.Boolean(),
    samples: Type.Integer({ description: "How many hold it" }),
    firstSeen: Instant,
    lastSeen: Instant,
  },
  { $id: "IndicatorRow" },
);

export const IndicatorQuery = exact({
  type: Type.Optional(IndicatorType),
  value: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_TEXT, description: "Exactly, or with * for any text" }),
  ),
  family: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: "Malpedia id" })),
  usage: Type.Optional(ConnUsage),
  linkable: Type.Optional(Type.Boolean()),
  minSamples: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_000_000_000 })),
  since: Type.Optional(Type.String({ format: "date", description: "Last seen on or after this day" })),
  until: Type.Optional(Type.String({ format: "date", description: "First seen before this day" })),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});

export const IndicatorPage = exact(
  { indicators: Type.Array(ref(IndicatorRow), { description: "Seen last first" }), next: Next },
  { $id: "IndicatorPage" },
);

export const Exclusion = exact({ entry: Type.String(), addedAt: Instant }, { $id: "Exclusion" });
export const ExclusionList = exact({ exclusions: Type.Array(ref(Exclusion)) }, { $id: "ExclusionList" });
export const ExclusionBody = exact({ entry: Text }, { $id: "ExclusionBody" });

export const GRAPH_KINDS = ["sample", "config", "indicator", "family", "cluster"] as const;
export const GraphQuery = exact({
  seed: Text,
  depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 4, default: 2 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, default: 300 })),
  kinds: Type.Optional(
    Type.String({
      pattern: "^[a-z_,]{1,256}$",
      description: "Kinds of nodes to show, with commas; none: all",
    }),
  ),
});

export const Graph = exact(
  {
    seed: Type.Array(Type.String(), { description: "Ids of the nodes that the seed is" }),
    nodes: Type.Array(
      exact({
        id: Type.String({ description: "sha256:<hex>, config:<hex>, <indicator type>:<value>, group:<id>" }),
        kind: Type.String(),
        label: Type.String({ description: "Defanged; text of samples, to be shown as text" }),
        type: nullable(Type.String({ description: "Indicator type" })),
        family: nullable(Type.String()),
        samples: Type.Integer({ description: "Samples that hold it, or that the group stands for" }),
        depth: Type.Integer(),
        more: Type.Integer({ description: "Neighbours that are not shown" }),
      }),
    ),
    edges: Type.Array(
      exact({
        from: Type.String(),
        to: Type.String(),
        kind: Type.String(),
        weight: Type.Number(),
        why: Type.String(),
      }),
    ),
    truncated: Type.Boolean(),
  },
  { $id: "Graph" },
);

export const Priority = oneOf(["analyst", "feed"]);
