/** Pivots, the graph, clusters, indicators. */
import { ConnUsage } from "@assay/core/model/index";
import Type from "typebox";
import { MAX_DEPTH, MAX_NODES, NODE_KINDS } from "../../store/graph.ts";
import { MAX_OVERVIEW } from "../../store/graph-overview.ts";
import { MAX_STEPS } from "../../store/graph-path.ts";
import {
  Cursor,
  exact,
  Instant,
  Limit,
  MAX_TEXT,
  Next,
  nullable,
  oneOf,
  ref,
  Sha256,
  Text,
} from "./common.ts";
import { IndicatorType, SampleRow } from "./samples.ts";

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
    said: exact(
      {
        total: Type.Integer(),
        statements: Type.Array(
          exact({
            source: Type.String(),
            form: Type.String(),
            file: Type.String(),
            family: nullable(Type.String({ description: "As the source calls it" })),
            saidAt: nullable(Instant),
            addedAt: Instant,
            subjects: Type.Array(Type.String()),
            as: Type.Array(Type.String(), { description: "What of it meets the question" }),
            indicators: Type.Array(
              exact({
                type: Type.String(),
                value: Type.String(),
                defanged: Type.String(),
                usage: Type.String(),
              }),
            ),
          }),
          { description: "Newest first" },
        ),
      },
      { description: "Second-hand: what others said of the value, without a proof of ours" },
    ),
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

export const ClusterOverview = exact(
  {
    id: Type.String(),
    size: Type.Integer({ description: "How many samples there are; `samples` has the first of them" }),
    samples: Type.Array(Sha256),
    families: Type.Array(Type.String()),
    shared: Type.Array(Type.String(), {
      description: "What ties them, strongest first: <indicator type>:<value>",
    }),
    firstSeen: Instant,
    lastSeen: Instant,
    community: Type.Optional(
      Type.String({ description: "Clusters that weaker ties draw together have the same" }),
    ),
  },
  { $id: "ClusterOverview" },
);

export const ClusterPage = exact(
  { clusters: Type.Array(ref(ClusterOverview)), next: Next },
  { $id: "ClusterPage" },
);
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

export const ExclusionQuery = exact({ entry: Text });

const Range = {
  since: Type.Optional(
    Type.String({ format: "date", description: "Samples first seen on or after this day" }),
  ),
  until: Type.Optional(Type.String({ format: "date", description: "Samples first seen before this day" })),
};

export const GraphQuery = exact({
  seed: Text,
  depth: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_DEPTH, default: 2 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_NODES, default: 300, description: "Nodes" })),
  kinds: Type.Optional(
    Type.String({
      pattern: "^[a-z_,]{1,256}$",
      description: `Kinds of nodes to show, with commas; none: all. ${NODE_KINDS.join(", ")}`,
    }),
  ),
  ...Range,
});

export const GraphExpandQuery = exact({
  node: Text,
  cursor: Type.Optional(Type.String({ maxLength: 1024, description: "`cursor` of the node's group" })),
  limit: Type.Optional(Limit),
  ...Range,
});

export const GraphOverviewQuery = exact({
  level: Type.Optional(oneOf(["communities", "clusters"])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_OVERVIEW, default: 300 })),
});
export const CommunityParams = exact({ community: Type.String({ pattern: "^[!-~]{1,128}$" }) });
export const CommunityQuery = exact({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_OVERVIEW, default: 300 })),
});
export const GraphPathQuery = exact({
  from: Text,
  to: Text,
  steps: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_STEPS, default: 8, description: "Edges of the longest way" }),
  ),
});

export const Graph = exact(
  {
    seeds: Type.Array(Type.String(), {
      description: "Keys of the nodes that were asked for; none: not known",
    }),
    nodes: Type.Array(
      exact({
        key: Type.String({
          description:
            "sha256:…, config:…, <indicator type>:<value>, family:…, a cluster's or community's id, group:<key>",
        }),
        kind: oneOf([...NODE_KINDS, "group", "community"]),
        label: Type.String({ description: "Text of samples as it is" }),
        defanged: Type.Optional(Type.String()),
        depth: Type.Integer({ description: "Steps from the seed" }),
        type: Type.Optional(IndicatorType),
        samples: Type.Optional(
          Type.Integer({ description: "Samples that have it, or that a group stands for" }),
        ),
        atLeast: Type.Optional(Type.Boolean({ description: "`samples` is at least this many" })),
        families: Type.Optional(Type.Array(exact({ family: Type.String(), samples: Type.Integer() }))),
        linkable: Type.Optional(Type.Boolean()),
        excludedBy: Type.Optional(Type.String()),
        names: Type.Optional(Type.Array(Type.String())),
        outcome: Type.Optional(Type.String()),
        firstSeen: Type.Optional(Instant),
        lastSeen: Type.Optional(Instant),
        community: Type.Optional(Type.String()),
        of: Type.Optional(Type.String({ description: "Of a group: its node, for /api/v1/graph/expand" })),
        cursor: Type.Optional(Type.String({ description: "Of a group: where the next page begins" })),
      }),
    ),
    edges: Type.Array(
      exact({
        from: Type.String(),
        to: Type.String(),
        kind: oneOf([
          "holds",
          "has-config",
          "of-family",
          "member",
          "tied-by",
          "shares",
          "leads-to",
          "near-duplicate",
          "more",
        ]),
        weight: Type.Number({ description: "0 to 1: what sharing it says, over the whole corpus" }),
        why: Type.Optional(Type.String()),
        count: Type.Optional(Type.Integer()),
      }),
    ),
    of: Type.Integer({ description: "Samples of the corpus that hold anything" }),
    leftOut: Type.Integer({ description: "Neighbours that found no room" }),
  },
  { $id: "Graph" },
);
