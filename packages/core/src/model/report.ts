/** The one document that every face renders: `assay.report/1`. Types are inferred from the schemas below. */
import Type, { type Static } from "typebox";
import { Config, ConnUsage } from "./maco.ts";
import { REPORT_SCHEMA } from "./version.ts";

export const SpanSchema = Type.Object(
  { artifact: Type.Integer(), offset: Type.Integer(), length: Type.Integer() },
  { additionalProperties: false, description: "`length` bytes from `offset` of artifact number `artifact`" },
);

export const StepSchema = Type.Object(
  {
    op: Type.String({ description: "Name of the transform: rc4, xor, base64, chacha20, aes-cbc …" }),
    params: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))),
    at: Type.Optional(
      Type.Array(SpanSchema, { description: "Where the parameters (key, nonce, IV) were read" }),
    ),
  },
  {
    additionalProperties: false,
    description: "One transform; applying all to the bytes of `from` gives the artifact",
  },
);
/** A transform with all that is needed to do it again. Byte parameters are lower-case hex. */
export type Step = Static<typeof StepSchema>;

export const MemoryRegionSchema = Type.Object(
  {
    address: Type.String({ description: "0x and hex digits" }),
    size: Type.Integer(),
    protection: Type.Optional(Type.String({ description: "rwx, with - for what is not allowed" })),
    type: Type.Optional(
      Type.Union([Type.Literal("private"), Type.Literal("mapped"), Type.Literal("image")], {
        description: "MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE",
      }),
    ),
    module: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

export const ArtifactSchema = Type.Object(
  {
    id: Type.Integer(),
    kind: Type.String({ description: "sample, resource, decoded, …" }),
    label: Type.Optional(
      Type.String({ description: "What its input is called: `resource RCDATA/SETTINGS`" }),
    ),
    name: Type.Optional(Type.String({ description: "File name, when it has one" })),
    by: Type.Optional(
      Type.String({ description: "Last transform that made it; absent for the sample itself" }),
    ),
    from: Type.Optional(Type.Array(SpanSchema, { description: "Input spans, concatenated in this order" })),
    steps: Type.Optional(Type.Array(StepSchema)),
    sha256: Type.String(),
    size: Type.Integer(),
    format: Type.String(),
    base: Type.Optional(Type.Integer()),
    layout: Type.Optional(Type.Union([Type.Literal("file"), Type.Literal("mapped"), Type.Literal("raw")])),
    memory: Type.Optional(
      Type.Object(
        {
          address: Type.String({
            description: "Of its first byte in the memory that was dumped: 0x and hex digits",
          }),
          regions: Type.Array(MemoryRegionSchema, {
            description: "The regions that hold the evidence of findings in it, or the first ones",
          }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Artifact = Static<typeof ArtifactSchema>;

export const ReasonSchema = Type.Object(
  {
    stage: Type.String({ description: "read, identify, rules, or the family id" }),
    code: Type.String(),
    text: Type.String(),
    at: Type.Optional(Type.Array(SpanSchema)),
  },
  { additionalProperties: false },
);
export type Reason = Static<typeof ReasonSchema>;

export const EvidenceSchema = Type.Object(
  {
    pointer: Type.String({
      description: "JSON Pointer of the value within the finding: /c2/0, /config/mutex/0",
    }),
    at: Type.Array(SpanSchema),
    as: Type.Union(
      [
        Type.Literal("latin1"),
        Type.Literal("utf8"),
        Type.Literal("utf16le"),
        Type.Literal("hex"),
        Type.Literal("int"),
        Type.Literal("bool"),
        Type.Literal("asciiint"),
        Type.Literal("code"),
      ],
      {
        description:
          "How the bytes at `at` read as the value; `code`: an instruction operand or a byte whose meaning the family defines",
      },
    ),
    steps: Type.Array(Type.String(), {
      description: "The way there, for people: resource SETTINGS, rc4, field 0",
    }),
    bytes: Type.Optional(
      Type.Array(
        Type.Object(
          { before: Type.String(), bytes: Type.String(), after: Type.String() },
          { additionalProperties: false, description: "Hex of the span with up to 64 bytes on either side" },
        ),
      ),
    ),
  },
  { additionalProperties: false },
);
export type Evidence = Static<typeof EvidenceSchema>;
export type ReadAs = Evidence["as"];

export const ConfidenceSchema = Type.Union([
  Type.Literal("proved"),
  Type.Literal("structural"),
  Type.Literal("heuristic"),
]);
/**
 * `proved`: a cryptographic check holds. `structural`: a complete structure was parsed and validated.
 * `heuristic`: two or more independent facts, no validated structure.
 */
export type Confidence = Static<typeof ConfidenceSchema>;

export const FindingSchema = Type.Object(
  {
    family: Type.String({ description: "Malpedia id" }),
    aliases: Type.Array(Type.String()),
    layout: Type.String(),
    version: Type.Optional(Type.String()),
    confidence: ConfidenceSchema,
    artifact: Type.Integer({ description: "Where the config was found" }),
    subject: Type.Integer({
      description:
        "The file that it speaks of: the sample, or the file within its archives that holds the artifact",
    }),
    c2: Type.Array(Type.String(), {
      description: "scheme://host[:port][/path], in config order, no duplicates, no dead drops",
    }),
    config: Config,
    evidence: Type.Array(EvidenceSchema),
    reasons: Type.Array(ReasonSchema),
    rules: Type.Array(Type.String(), { description: "YARA rules of this family that matched" }),
    also: Type.Optional(
      Type.Array(SpanSchema, {
        description:
          "Further places in the sample where the same config stands; the rest speaks of the best one",
      }),
    ),
  },
  { additionalProperties: false },
);
export type Finding = Static<typeof FindingSchema>;

export const IndicatorType = Type.Union([
  Type.Literal("domain"),
  Type.Literal("ipv4"),
  Type.Literal("ipv6"),
  Type.Literal("url"),
  Type.Literal("socket"),
  Type.Literal("mutex"),
  Type.Literal("file"),
  Type.Literal("registry"),
  Type.Literal("certificate"),
  Type.Literal("token"),
  Type.Literal("licence"),
  Type.Literal("campaign_id"),
  Type.Literal("identifier"),
  Type.Literal("password"),
  Type.Literal("user_agent"),
]);
export type IndicatorType = Static<typeof IndicatorType>;

export const IndicatorSchema = Type.Object(
  {
    type: IndicatorType,
    value: Type.String({ description: "Normalised" }),
    usage: ConnUsage,
    family: Type.String(),
    blockable: Type.Boolean(),
    linkable: Type.Boolean({
      description: "May tie samples together; false for defaults, shared hosts and CDN addresses",
    }),
    why: Type.Optional(Type.String({ description: "Why it is not blockable or not linkable" })),
    subject: Type.Integer({ description: "The file whose config holds it; see findings" }),
    defanged: Type.String(),
    at: Type.Array(SpanSchema),
  },
  { additionalProperties: false },
);
export type Indicator = Static<typeof IndicatorSchema>;

export const OutcomeSchema = Type.Union([
  Type.Literal("config"),
  Type.Literal("identified"),
  Type.Literal("unknown"),
  Type.Literal("unsupported"),
  Type.Literal("failed"),
]);
export type Outcome = Static<typeof OutcomeSchema>;

export const MemoryImageSchema = Type.Object(
  {
    kind: Type.String({ description: "minidump, cape-dump, elf-core, lime, raw, region" }),
    process: Type.Optional(
      Type.Object(
        { name: Type.Optional(Type.String()), pid: Type.Optional(Type.Integer()) },
        { additionalProperties: false },
      ),
    ),
    pointerSize: Type.Optional(Type.Integer()),
    regions: Type.Integer({ description: "How many" }),
    bytes: Type.Integer({ description: "Of all regions together" }),
  },
  { additionalProperties: false, description: "What a memory image is, and whose memory" },
);
export const SandboxSchema = Type.Object(
  {
    name: Type.String({ description: "cape, triage, drakvuf" }),
    task: Type.String({ description: "The sandbox's own id of the run; empty when it is not known" }),
    artefacts: Type.Integer({
      description: "Files of the run that were analysed: payloads, dumps, dropped files",
    }),
    families: Type.Array(Type.String(), { description: "As the sandbox names them" }),
    configs: Type.Array(
      Type.Object(
        {
          family: Type.String(),
          values: Type.Array(
            Type.Object(
              { name: Type.String(), value: Type.String() },
              { additionalProperties: false, description: "A value under the sandbox's own name for it" },
            ),
          ),
        },
        { additionalProperties: false },
      ),
      { description: "Configs that the sandbox itself found: claims, without our proof" },
    ),
    differences: Type.Array(
      Type.Object(
        {
          in: Type.Union([Type.Literal("both"), Type.Literal("sandbox"), Type.Literal("assay")]),
          value: Type.String(),
          ours: Type.Optional(
            Type.String({ description: "JSON Pointer within the sample: /findings/0/c2/0" }),
          ),
          theirs: Type.Optional(
            Type.String({ description: "JSON Pointer within this: /configs/0/values/2" }),
          ),
        },
        { additionalProperties: false },
      ),
      {
        description:
          "Which values both say and which only one of the two; empty when the sandbox has no config",
      },
    ),
  },
  {
    additionalProperties: false,
    description: "What a sandbox said of the sample, beside what was found here",
  },
);
export type Sandbox = Static<typeof SandboxSchema>;

export const SampleSchema = Type.Object(
  {
    sha256: Type.Union([Type.String(), Type.Null()], { description: "null when the file could not be read" }),
    sha1: Type.Union([Type.String(), Type.Null()], {
      description: "null for memory images as well, as is md5",
    }),
    md5: Type.Union([Type.String(), Type.Null()]),
    size: Type.Union([Type.Integer(), Type.Null()]),
    names: Type.Array(Type.String(), { description: "Every path in the batch that holds these bytes" }),
    format: Type.String(),
    memory: Type.Optional(MemoryImageSchema),
    outcome: OutcomeSchema,
    families: Type.Array(Type.String(), { description: "Malpedia ids found or identified" }),
    findings: Type.Array(FindingSchema),
    indicators: Type.Array(IndicatorSchema),
    artifacts: Type.Array(ArtifactSchema),
    reasons: Type.Array(ReasonSchema),
    rules: Type.Array(Type.String(), {
      description: "Every YARA rule that matched, the user's own included",
    }),
    elapsedMs: Type.Number(),
    sandbox: Type.Optional(SandboxSchema),
  },
  { additionalProperties: false },
);
export type Sample = Static<typeof SampleSchema>;

export const RelationSchema = Type.Object(
  {
    from: Type.String({ description: "sha256:<hex>, config:<hex>, or <indicator type>:<value>" }),
    to: Type.String(),
    kind: Type.Union([
      Type.Literal("has-config"),
      Type.Literal("has-indicator"),
      Type.Literal("shares"),
      Type.Literal("near-duplicate"),
    ]),
    weight: Type.Number({ description: "0 to 1; rarer ties weigh more" }),
    why: Type.String(),
  },
  { additionalProperties: false },
);
export type Relation = Static<typeof RelationSchema>;

export const ClusterSchema = Type.Object(
  {
    id: Type.String(),
    samples: Type.Array(Type.String(), { description: "SHA-256, ascending" }),
    families: Type.Array(Type.String()),
    shared: Type.Array(Type.String(), {
      description: "What ties them, strongest first: <indicator type>:<value>",
    }),
  },
  { additionalProperties: false },
);
export type Cluster = Static<typeof ClusterSchema>;

export const ReportSchema = Type.Object(
  {
    schema: Type.Literal(REPORT_SCHEMA),
    engine: Type.Object(
      { name: Type.Literal("assay"), version: Type.String(), families: Type.Array(Type.String()) },
      { additionalProperties: false },
    ),
    startedAt: Type.String({ description: "ISO 8601, UTC" }),
    elapsedMs: Type.Number(),
    samples: Type.Array(SampleSchema),
    relations: Type.Array(RelationSchema),
    clusters: Type.Array(ClusterSchema),
  },
  { additionalProperties: false, title: REPORT_SCHEMA },
);
export type Report = Static<typeof ReportSchema>;
