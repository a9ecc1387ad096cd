import {
  ClusterSchema,
  ConfidenceSchema,
  IndicatorType as CoreIndicatorType,
  OutcomeSchema,
  ReportSchema,
  SampleSchema,
} from "@assay/core/model/index";
import Type, { type Static } from "typebox";
import {
  AnySha256,
  asText,
  Cursor,
  exact,
  Instant,
  Limit,
  MAX_TEXT,
  Next,
  nullable,
  ref,
  Sha256,
  Uuid,
} from "./common.ts";

/** `assay.report/1`, the document of the command as well. */
export const Report = { ...ReportSchema, $id: "Report" };
export const Sample = { ...SampleSchema, $id: "Sample" };
export const Cluster = { ...ClusterSchema, $id: "Cluster" };
export const IndicatorType = CoreIndicatorType;

export const FoundFamily = exact({
  family: Type.String({ description: "Malpedia id" }),
  layout: Type.String(),
  version: nullable(Type.String()),
  confidence: asText(ConfidenceSchema),
  config: Type.String({ description: "SHA-256 of the config: the same in every sample that has it" }),
  c2: Type.Array(Type.String(), { description: "URLs, in config order; not defanged" }),
});

export const SampleRow = exact(
  {
    sha256: Sha256,
    names: Type.Array(Type.String()),
    format: Type.String(),
    outcome: asText(OutcomeSchema),
    submitted: Type.Boolean({ description: "false: known from within an archive only" }),
    firstSeen: Instant,
    lastSeen: Instant,
    findings: Type.Array(FoundFamily),
    usages: Type.Array(Type.String(), { description: "What it uses the value asked for for; in pivots" }),
  },
  { $id: "SampleRow", description: "A sample in a list" },
);
export type SampleRow = Static<typeof SampleRow>;

export const SearchQuery = exact({
  q: Type.Optional(
    Type.String({
      maxLength: MAX_TEXT,
      description: "As `assay search` takes it: `family:remcos c2:77.105.132.0/24 since:2024-01`; none: all",
    }),
  ),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});

export const SamplePage = exact(
  {
    samples: Type.Array(ref(SampleRow), { description: "Seen last first" }),
    total: Type.Optional(Type.Integer({ description: "How many there are in all; on the first page" })),
    next: Next,
  },
  { $id: "SamplePage" },
);

export const SampleParams = exact({ sha256: AnySha256 });

export const StandingResult = exact({
  id: Uuid,
  of: Type.String({
    description: "SHA-256 of the file that was analysed: the sample, or an archive that holds it",
  }),
  subject: Type.Integer({ description: "Which artifact of that file the sample is; 0: the file itself" }),
  engine: Type.String(),
  firstAt: Instant,
  lastAt: Instant,
});

export const SampleDetail = exact(
  {
    sha256: Sha256,
    sha1: nullable(Type.String()),
    md5: nullable(Type.String()),
    size: nullable(Type.Integer()),
    names: Type.Array(Type.String()),
    format: Type.String(),
    outcome: asText(OutcomeSchema),
    submitted: Type.Boolean(),
    firstSeen: Instant,
    lastSeen: Instant,
    stored: Type.Boolean({ description: "Whether its bytes are kept: to download, and for the hex pane" }),
    result: nullable(StandingResult),
    report: nullable(ref(Report)),
  },
  { $id: "SampleDetail", description: "A sample with the report of its standing result" },
);

export const History = exact(
  {
    results: Type.Array(
      exact({
        id: Uuid,
        of: Sha256,
        engine: Type.String(),
        outcome: Type.String(),
        firstAt: Instant,
        lastAt: Instant,
        standing: Type.Boolean(),
        findings: Type.Array(FoundFamily),
      }),
      { description: "Newest first" },
    ),
  },
  { $id: "History" },
);

export const ResultParams = exact({ sha256: AnySha256, result: Uuid });

export const ArtifactParams = exact({
  sha256: AnySha256,
  artifact: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Its id in the report" }),
});

/** Bytes of one answer. */
export const MAX_BYTES = 64 * 1024;
export const BytesQuery = exact({
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 })),
  length: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_BYTES, default: 4096 })),
});

export const ArtifactBytes = exact(
  {
    sha256: Sha256,
    artifact: Type.Integer(),
    size: Type.Integer({ description: "Of the whole artifact" }),
    offset: Type.Integer(),
    length: Type.Integer({ description: "Of what is here; less than asked for at the end" }),
    base64: Type.String(),
  },
  {
    $id: "ArtifactBytes",
    description: "Bytes for the hex pane. In base64, so that no proxy or scanner meets a live file",
  },
);
