/**
 * The corpus as drizzle knows it; the tables themselves are made by migrations/. All stand in the schema `assay`, so
 * that a database that other programs use can hold them.
 *
 *     samples ─< names                  every file: submitted, or found in an archive and spoken of by findings
 *        │ └ analysis ─> analyses ─> runs   the result that stands; all others are kept
 *        │                 ├─< artifacts
 *        │                 └─< findings ─> configs ─< config_fields
 *        └─< holdings >─ indicators     what the standing result says that the sample holds
 */
import {
  bigint,
  boolean,
  index,
  inet,
  integer,
  pgSchema,
  primaryKey,
  real,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { digest, hostile, instant, packed } from "./columns.ts";

export const assay = pgSchema("assay");

export const migrations = assay.table("migrations", {
  id: text("id").primaryKey(),
  appliedAt: instant("applied_at").notNull(),
});

/** One call of a command: the engine of its results, as a whole. */
export const runs = assay.table("runs", {
  id: uuid("id").primaryKey(),
  startedAt: instant("started_at").notNull(),
  engine: text("engine").notNull(),
  /** JSON list of the families that it knew. */
  families: hostile("families").notNull(),
});

export const samples = assay.table(
  "samples",
  {
    sha256: digest("sha256").primaryKey(),
    sha1: digest("sha1"),
    md5: digest("md5"),
    size: bigint("size", { mode: "number" }),
    format: hostile("format").notNull(),
    outcome: text("outcome").notNull(),
    /** False for what is known from within an archive only. */
    submitted: boolean("submitted").notNull(),
    firstSeen: instant("first_seen").notNull(),
    lastSeen: instant("last_seen").notNull(),
    /** The result that stands: of this very file, or of the archive that held it. */
    analysis: uuid("analysis"),
  },
  (t) => [
    index("samples_sha1").on(t.sha1),
    index("samples_md5").on(t.md5),
    index("samples_last_seen").on(t.lastSeen),
    index("samples_analysis").on(t.analysis),
  ],
);

export const names = assay.table(
  "names",
  { sample: digest("sample").notNull(), key: uuid("key").notNull(), name: hostile("name").notNull() },
  (t) => [primaryKey({ columns: [t.sample, t.key] })],
);

/** A result of a submitted file; its key follows from file, engine and result, so that the same one is one row. */
export const analyses = assay.table(
  "analyses",
  {
    id: uuid("id").primaryKey(),
    sample: digest("sample").notNull(),
    run: uuid("run").notNull(),
    engine: text("engine").notNull(),
    outcome: text("outcome").notNull(),
    firstAt: instant("first_at").notNull(),
    lastAt: instant("last_at").notNull(),
    /** The sample of `assay.report/1`. */
    report: packed("report").notNull(),
  },
  (t) => [index("analyses_sample").on(t.sample)],
);

export const artifacts = assay.table(
  "artifacts",
  {
    analysis: uuid("analysis").notNull(),
    n: integer("n").notNull(),
    sha256: digest("sha256").notNull(),
    kind: hostile("kind").notNull(),
    name: hostile("name"),
    format: hostile("format").notNull(),
    size: bigint("size", { mode: "number" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.analysis, t.n] }), index("artifacts_sha256").on(t.sha256)],
);

export const configs = assay.table("configs", {
  /** SHA-256 over the config as JSON with sorted keys. */
  id: digest("id").primaryKey(),
  family: hostile("family").notNull(),
  body: packed("body").notNull(),
});

export const configFields = assay.table(
  "config_fields",
  {
    config: digest("config").notNull(),
    n: integer("n").notNull(),
    name: hostile("name").notNull(),
    /** Cut at MAX_FIELD_VALUE; the config has it whole. */
    value: hostile("value").notNull(),
    /** Of the whole value. */
    key: uuid("key").notNull(),
  },
  (t) => [primaryKey({ columns: [t.config, t.n] }), index("config_fields_key").on(t.key)],
);

export const findings = assay.table(
  "findings",
  {
    analysis: uuid("analysis").notNull(),
    n: integer("n").notNull(),
    /** The file that it speaks of. */
    subject: digest("subject").notNull(),
    family: hostile("family").notNull(),
    layout: hostile("layout").notNull(),
    version: hostile("version"),
    confidence: text("confidence").notNull(),
    config: digest("config").notNull(),
    /** JSON list of URLs, in config order. */
    c2: hostile("c2").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.analysis, t.n] }),
    index("findings_subject").on(t.subject),
    index("findings_config").on(t.config, t.subject),
    index("findings_family").on(t.family, t.subject),
  ],
);

export const indicators = assay.table(
  "indicators",
  {
    /** Follows from type and value. */
    id: uuid("id").primaryKey(),
    type: text("type").notNull(),
    value: hostile("value").notNull(),
    /** Its host, when that is an address: to search by range. */
    address: inet("address"),
    /** False as soon as one finding says so: a default of one family is no tie to another. */
    linkable: boolean("linkable").notNull(),
    /** How many samples hold it. */
    samples: integer("samples").notNull(),
    firstSeen: instant("first_seen").notNull(),
    lastSeen: instant("last_seen").notNull(),
  },
  (t) => [index("indicators_address").on(t.address)],
);

export const holdings = assay.table(
  "holdings",
  {
    indicator: uuid("indicator").notNull(),
    sample: digest("sample").notNull(),
    family: hostile("family").notNull(),
    usage: text("usage").notNull(),
    /** When the sample was first seen, as far as was known when it came to hold this. */
    seen: instant("seen").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.indicator, t.sample, t.family] }),
    index("holdings_sample").on(t.sample),
    index("holdings_newest").on(t.indicator, t.seen.desc(), t.sample),
  ],
);

/** How many samples hold anything, in parts, so that two writers seldom wait for one row. */
export const totals = assay.table("totals", {
  part: integer("part").primaryKey(),
  samples: bigint("samples", { mode: "number" }).notNull(),
});

export const blobs = assay.table("blobs", {
  sha256: digest("sha256").primaryKey(),
  size: bigint("size", { mode: "number" }).notNull(),
  storedAt: instant("stored_at").notNull(),
});

/** Samples whose bytes were let go; their results stay. */
export const dropped = assay.table("dropped", {
  sha256: digest("sha256").primaryKey(),
  size: bigint("size", { mode: "number" }).notNull(),
  droppedAt: instant("dropped_at").notNull(),
  /** Null: the bytes are still there, for writers that saw them just before. */
  removedAt: instant("removed_at"),
  why: text("why").notNull(),
});

/** What may tie nothing, by the user's word. */
export const exclusions = assay.table("exclusions", {
  key: uuid("key").primaryKey(),
  entry: hostile("entry").notNull(),
  addedAt: instant("added_at").notNull(),
});

export const watches = assay.table("watches", {
  key: uuid("key").primaryKey(),
  value: hostile("value").notNull(),
  addedAt: instant("added_at").notNull(),
});

export const watchHits = assay.table(
  "watch_hits",
  {
    watch: uuid("watch").notNull(),
    sample: digest("sample").notNull(),
    indicator: uuid("indicator").notNull(),
    at: instant("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.watch, t.sample, t.indicator] })],
);

/** Samples that strong ties bind together; also one alone, where weaker ties lead on from it. */
export const clusters = assay.table(
  "clusters",
  {
    key: integer("key").primaryKey(),
    id: text("id").notNull(),
    /** The sample that it is called after, and when that was first seen. */
    founder: digest("founder").notNull(),
    founded: instant("founded").notNull(),
    samples: integer("samples").notNull(),
    parts: integer("parts").notNull(),
    firstSeen: instant("first_seen").notNull(),
    lastSeen: instant("last_seen").notNull(),
    community: text("community"),
    /** Its community is to be worked out again. */
    touched: boolean("touched").notNull(),
  },
  (t) => [index("clusters_largest").on(t.samples.desc(), t.key)],
);

/** Names of clusters that became part of others: they lead there. */
export const clusterNames = assay.table("cluster_names", {
  id: text("id").primaryKey(),
  cluster: integer("cluster").notNull(),
});

export const clusterParts = assay.table("cluster_parts", {
  part: integer("part").primaryKey(),
  cluster: integer("cluster").notNull(),
});

export const clusterSamples = assay.table("cluster_samples", {
  sample: digest("sample").primaryKey(),
  part: integer("part").notNull(),
});

/** Indicators that tie: two samples or more hold them. */
export const clusterTies = assay.table("cluster_ties", {
  indicator: uuid("indicator").primaryKey(),
  part: integer("part").notNull(),
});

export const clusterFamilies = assay.table(
  "cluster_families",
  {
    cluster: integer("cluster").notNull(),
    family: hostile("family").notNull(),
    samples: integer("samples").notNull(),
  },
  (t) => [primaryKey({ columns: [t.cluster, t.family] })],
);

/** Weaker ties between clusters, as far as the detection of communities looked at them. */
export const clusterEdges = assay.table(
  "cluster_edges",
  {
    a: integer("a").notNull(),
    b: integer("b").notNull(),
    indicator: uuid("indicator").notNull(),
    weight: real("weight").notNull(),
  },
  (t) => [primaryKey({ columns: [t.a, t.b, t.indicator] })],
);

/** Indicators that differ by a slip of the hand; `a` is the one whose value sorts first. */
export const nearDuplicates = assay.table(
  "near_duplicates",
  { a: uuid("a").notNull(), b: uuid("b").notNull(), why: hostile("why").notNull() },
  (t) => [primaryKey({ columns: [t.a, t.b] })],
);

/** Samples that lost a tie: whether they still belong where they are is to be looked at. */
export const suspects = assay.table("suspects", { sample: digest("sample").primaryKey() });

/** Samples that gained a weaker tie. */
export const loose = assay.table("loose", { sample: digest("sample").primaryKey() });

/** Indicators that nobody compared with the others yet. */
export const unmatched = assay.table("unmatched", { indicator: uuid("indicator").primaryKey() });

/** One row. */
export const correlation = assay.table("correlation", {
  part: integer("part").primaryKey(),
  /** False: clusters were never worked out for what is there. */
  built: boolean("built").notNull(),
  /** Digest of the list of exclusions that the ties follow. */
  exclusions: text("exclusions").notNull(),
});

/** What others said (migrations/0007-said.ts). */
export const claims = assay.table(
  "claims",
  {
    /** Follows from source and content, so that the same file read twice is there once. */
    id: uuid("id").primaryKey(),
    source: hostile("source").notNull(),
    form: text("form").notNull(),
    file: hostile("file").notNull(),
    family: hostile("family"),
    saidAt: instant("said_at"),
    addedAt: instant("added_at").notNull(),
    /** As of our own configs: the same config is the same here and there. */
    configId: digest("config_id"),
    /** The claim whole. */
    body: packed("body").notNull(),
  },
  (t) => [index("claims_source").on(t.source), index("claims_config").on(t.configId)],
);

export const claimSubjects = assay.table(
  "claim_subjects",
  { hash: digest("hash").notNull(), claim: uuid("claim").notNull() },
  (t) => [primaryKey({ columns: [t.hash, t.claim] })],
);

/** Keys of its indicators, as in `indicators`, and of the values of its config, as in `config_fields`. */
export const claimValues = assay.table(
  "claim_values",
  { key: uuid("key").notNull(), claim: uuid("claim").notNull(), name: hostile("name").notNull() },
  (t) => [primaryKey({ columns: [t.key, t.claim] })],
);

/** Versions of STIX objects as TAXII gives them. */
export const stixObjects = assay.table(
  "stix_objects",
  {
    id: text("id").notNull(),
    version: instant("version").notNull(),
    type: text("type").notNull(),
    addedAt: instant("added_at").notNull(),
    latest: boolean("latest").notNull(),
    body: packed("body").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.id, t.version] }),
    index("stix_objects_added").on(t.addedAt, t.id, t.version),
  ],
);

/** Results whose objects are there. */
export const stixSamples = assay.table("stix_samples", {
  sample: digest("sample").primaryKey(),
  analysis: uuid("analysis").notNull(),
});
