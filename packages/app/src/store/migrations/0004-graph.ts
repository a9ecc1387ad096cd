/**
 * What belongs together, kept as it is worked out. A cluster is made of parts, so that two that meet become one by moving
 * the parts of one and not its samples. None of it refers to rows by foreign keys: they would be locked while others
 * write them, and all of it can be worked out anew.
 */
export const graph: readonly string[] = [
  "create sequence assay.cluster_keys as integer",
  `create table assay.clusters (
    key integer primary key,
    id text not null unique,
    founder bytea not null,
    founded timestamptz(3) not null,
    samples integer not null,
    parts integer not null,
    first_seen timestamptz(3) not null,
    last_seen timestamptz(3) not null,
    community text,
    touched boolean not null
  )`,
  "create index clusters_largest on assay.clusters (samples desc, key)",
  "create index clusters_community on assay.clusters (community) where community is not null",
  "create index clusters_touched on assay.clusters (key) where touched",
  "create table assay.cluster_names (id text primary key, cluster integer not null)",
  "create index cluster_names_cluster on assay.cluster_names (cluster)",
  "create table assay.cluster_parts (part integer primary key, cluster integer not null)",
  "create index cluster_parts_cluster on assay.cluster_parts (cluster)",
  "create table assay.cluster_samples (sample bytea primary key, part integer not null)",
  "create index cluster_samples_part on assay.cluster_samples (part, sample)",
  "create table assay.cluster_ties (indicator uuid primary key, part integer not null)",
  "create index cluster_ties_part on assay.cluster_ties (part)",
  `create table assay.cluster_families (
    cluster integer not null,
    family text collate "C" not null,
    samples integer not null,
    primary key (cluster, family)
  )`,
  `create table assay.cluster_edges (
    a integer not null,
    b integer not null,
    indicator uuid not null,
    weight real not null,
    primary key (a, b, indicator)
  )`,
  "create index cluster_edges_b on assay.cluster_edges (b)",
  `create table assay.near_duplicates (
    a uuid not null,
    b uuid not null,
    why text collate "C" not null,
    primary key (a, b)
  )`,
  "create index near_duplicates_b on assay.near_duplicates (b)",
  // Pages of a family's or a config's samples, in the order of their hashes.
  "drop index assay.findings_family",
  "create index findings_family on assay.findings (family, subject)",
  "drop index assay.findings_config",
  "create index findings_config on assay.findings (config, subject)",
  // What waits for the next step of correlation.
  "create table assay.suspects (sample bytea primary key)",
  "create table assay.loose (sample bytea primary key)",
  "create table assay.unmatched (indicator uuid primary key)",
  `create table assay.correlation (
    part integer primary key,
    built boolean not null,
    exclusions text not null
  )`,
  // A corpus that has samples already is worked out as a whole, once.
  "insert into assay.correlation values (0, not exists (select from assay.samples), '')",
];
