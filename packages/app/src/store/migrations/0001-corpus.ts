/** Tables of the corpus. A migration that was released is never changed: what changes is a migration of its own. */
export const corpus: readonly string[] = [
  `create table assay.runs (
    id uuid primary key,
    started_at timestamptz(3) not null,
    engine text not null,
    families text collate "C" not null
  )`,
  `create table assay.samples (
    sha256 bytea primary key,
    sha1 bytea,
    md5 bytea,
    size bigint,
    format text collate "C" not null,
    outcome text not null,
    submitted boolean not null,
    first_seen timestamptz(3) not null,
    last_seen timestamptz(3) not null,
    analysis uuid
  )`,
  "create index samples_sha1 on assay.samples (sha1)",
  "create index samples_md5 on assay.samples (md5)",
  "create index samples_last_seen on assay.samples (last_seen)",
  "create index samples_analysis on assay.samples (analysis)",
  `create table assay.names (
    sample bytea not null references assay.samples,
    key uuid not null,
    name text collate "C" not null,
    primary key (sample, key)
  )`,
  `create table assay.analyses (
    id uuid primary key,
    sample bytea not null references assay.samples,
    run uuid not null references assay.runs,
    engine text not null,
    outcome text not null,
    first_at timestamptz(3) not null,
    last_at timestamptz(3) not null,
    report bytea not null
  )`,
  "create index analyses_sample on assay.analyses (sample)",
  "alter table assay.samples add foreign key (analysis) references assay.analyses",
  `create table assay.artifacts (
    analysis uuid not null references assay.analyses,
    n integer not null,
    sha256 bytea not null,
    kind text collate "C" not null,
    name text collate "C",
    format text collate "C" not null,
    size bigint not null,
    primary key (analysis, n)
  )`,
  "create index artifacts_sha256 on assay.artifacts (sha256)",
  `create table assay.configs (
    id bytea primary key,
    family text collate "C" not null,
    body bytea not null
  )`,
  `create table assay.config_fields (
    config bytea not null references assay.configs,
    n integer not null,
    name text collate "C" not null,
    value text collate "C" not null,
    key uuid not null,
    primary key (config, n)
  )`,
  "create index config_fields_key on assay.config_fields (key)",
  `create table assay.findings (
    analysis uuid not null references assay.analyses,
    n integer not null,
    subject bytea not null references assay.samples,
    family text collate "C" not null,
    layout text collate "C" not null,
    version text collate "C",
    confidence text not null,
    config bytea not null references assay.configs,
    c2 text collate "C" not null,
    primary key (analysis, n)
  )`,
  "create index findings_subject on assay.findings (subject)",
  "create index findings_config on assay.findings (config)",
  "create index findings_family on assay.findings (family)",
  `create table assay.indicators (
    id uuid primary key,
    type text not null,
    value text collate "C" not null,
    address inet,
    linkable boolean not null,
    samples integer not null,
    first_seen timestamptz(3) not null,
    last_seen timestamptz(3) not null
  )`,
  "create index indicators_address on assay.indicators (address) where address is not null",
  `create table assay.holdings (
    indicator uuid not null references assay.indicators,
    sample bytea not null references assay.samples,
    family text collate "C" not null,
    usage text not null,
    primary key (indicator, sample, family)
  )`,
  "create index holdings_sample on assay.holdings (sample)",
  "create table assay.totals (part integer primary key, samples bigint not null)",
  `create table assay.blobs (
    sha256 bytea primary key,
    size bigint not null,
    stored_at timestamptz(3) not null
  )`,
  `create table assay.exclusions (
    key uuid primary key,
    entry text collate "C" not null,
    added_at timestamptz(3) not null
  )`,
  `create table assay.watches (
    key uuid primary key,
    value text collate "C" not null,
    added_at timestamptz(3) not null
  )`,
  `create table assay.watch_hits (
    watch uuid not null references assay.watches on delete cascade,
    sample bytea not null references assay.samples,
    indicator uuid not null references assay.indicators,
    at timestamptz(3) not null,
    primary key (watch, sample, indicator)
  )`,
];
