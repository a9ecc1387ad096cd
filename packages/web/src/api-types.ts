/** The answers of the API, as its own schemas have them. Types only: nothing of the server comes into the pages. */
import type * as model from "@assay/core/model/index";
import type { Static } from "typebox";
import type * as batches from "../../app/src/api/schemas/batches.ts";
import type * as common from "../../app/src/api/schemas/common.ts";
import type * as correlation from "../../app/src/api/schemas/correlation.ts";
import type * as knowledge from "../../app/src/api/schemas/knowledge.ts";
import type * as samples from "../../app/src/api/schemas/samples.ts";
import type * as system from "../../app/src/api/schemas/system.ts";
import type * as table from "../../app/src/api/schemas/table.ts";
import type * as work from "../../app/src/api/schemas/work.ts";

/** What was answered is only read. */
type Read<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : { readonly [K in keyof T]: Read<T[K]> };

export type Artifact = Read<model.Artifact>;
export type Confidence = model.Confidence;
export type Config = Read<model.Config>;
export type Evidence = Read<model.Evidence>;
export type Finding = Read<model.Finding>;
export type Indicator = Read<model.Indicator>;
export type Outcome = model.Outcome;
export type Report = Read<model.Report>;
export type Sample = Read<model.Sample>;

export type Problem = Read<Static<typeof common.Problem>>;

export type Accepted = Read<Static<typeof batches.Accepted>>;
export type BatchSummary = Read<Static<typeof batches.BatchSummary>>;
export type BatchPage = Read<Static<typeof batches.BatchPage>>;
export type BatchDetail = Read<Static<typeof batches.BatchDetail>>;
export type BatchSample = Read<Static<typeof batches.BatchSample>>;
export type BatchEvent = Read<Static<typeof batches.BatchEvent>>;
export type BatchTable = Read<Static<typeof table.BatchTable>>;
export type BatchTableRow = Read<Static<typeof table.BatchTableRow>>;
export type SampleState = Read<Static<typeof batches.SampleState>>;

export type FoundFamily = Read<Static<typeof samples.FoundFamily>>;
export type SampleRow = Read<Static<typeof samples.SampleRow>>;
export type SamplePage = Read<Static<typeof samples.SamplePage>>;
export type SampleDetail = Read<Static<typeof samples.SampleDetail>>;
export type History = Read<Static<typeof samples.History>>;
export type ArtifactBytes = Read<Static<typeof samples.ArtifactBytes>>;

export type Pivot = Read<Static<typeof correlation.Pivot>>;
export type Cluster = Read<Static<typeof samples.Cluster>>;
export type ClusterPage = Read<Static<typeof correlation.ClusterPage>>;
export type Graph = Read<Static<typeof correlation.Graph>>;
export type IndicatorRow = Read<Static<typeof correlation.IndicatorRow>>;
export type IndicatorPage = Read<Static<typeof correlation.IndicatorPage>>;
export type ExclusionList = Read<Static<typeof correlation.ExclusionList>>;

export type Family = Read<Static<typeof knowledge.Family>>;
export type FamilyList = Read<Static<typeof knowledge.FamilyList>>;
export type Stats = Read<Static<typeof knowledge.Stats>>;
export type Yields = Read<Static<typeof knowledge.Yields>>;
export type ExportList = Read<Static<typeof knowledge.ExportList>>;

export type Me = Read<Static<typeof system.Me>>;
export type Audit = Read<Static<typeof system.AuditPage>>;

export type QueueDepth = Read<Static<typeof work.QueueDepth>>;
export type DeadPage = Read<Static<typeof work.DeadPage>>;
export type WatchList = Read<Static<typeof work.WatchList>>;
export type WatchHits = Read<Static<typeof work.WatchHits>>;
export type Rescan = Read<Static<typeof work.Rescan>>;
