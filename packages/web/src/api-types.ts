/** The answers of the API, as its own schemas have them. Types only: nothing of the server comes into the pages. */
import type { Static } from "typebox";
import type * as batches from "../../app/src/api/schemas/batches.ts";
import type * as common from "../../app/src/api/schemas/common.ts";
import type * as correlation from "../../app/src/api/schemas/correlation.ts";
import type * as knowledge from "../../app/src/api/schemas/knowledge.ts";
import type * as samples from "../../app/src/api/schemas/samples.ts";
import type * as system from "../../app/src/api/schemas/system.ts";
import type * as work from "../../app/src/api/schemas/work.ts";

export type {
  Artifact,
  Confidence,
  Config,
  Evidence,
  Finding,
  Indicator,
  Outcome,
  Report,
  Sample,
} from "@assay/core/model/index";

export type Problem = Static<typeof common.Problem>;

export type Accepted = Static<typeof batches.Accepted>;
export type BatchSummary = Static<typeof batches.BatchSummary>;
export type BatchPage = Static<typeof batches.BatchPage>;
export type BatchDetail = Static<typeof batches.BatchDetail>;
export type BatchSample = Static<typeof batches.BatchSample>;
export type BatchEvent = Static<typeof batches.BatchEvent>;
export type SampleState = Static<typeof batches.SampleState>;

export type FoundFamily = Static<typeof samples.FoundFamily>;
export type SampleRow = Static<typeof samples.SampleRow>;
export type SamplePage = Static<typeof samples.SamplePage>;
export type SampleDetail = Static<typeof samples.SampleDetail>;
export type History = Static<typeof samples.History>;
export type ArtifactBytes = Static<typeof samples.ArtifactBytes>;

export type Pivot = Static<typeof correlation.Pivot>;
export type Cluster = Static<typeof samples.Cluster>;
export type ClusterPage = Static<typeof correlation.ClusterPage>;
export type Graph = Static<typeof correlation.Graph>;
export type IndicatorRow = Static<typeof correlation.IndicatorRow>;
export type IndicatorPage = Static<typeof correlation.IndicatorPage>;
export type ExclusionList = Static<typeof correlation.ExclusionList>;

export type Family = Static<typeof knowledge.Family>;
export type FamilyList = Static<typeof knowledge.FamilyList>;
export type Stats = Static<typeof knowledge.Stats>;
export type Yields = Static<typeof knowledge.Yields>;
export type ExportList = Static<typeof knowledge.ExportList>;

export type Me = Static<typeof system.Me>;
export type Audit = Static<typeof system.AuditPage>;

export type QueueDepth = Static<typeof work.QueueDepth>;
export type DeadPage = Static<typeof work.DeadPage>;
export type WatchList = Static<typeof work.WatchList>;
export type WatchHits = Static<typeof work.WatchHits>;
export type Rescan = Static<typeof work.Rescan>;
