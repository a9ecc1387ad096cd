/** Exchange. What others said stands apart from all that assay found: nothing of it is counted, tied or exported with findings. */
export const said: readonly string[] = [
  `create table assay.claims (
    id uuid primary key,
    source text collate "C" not null,
    form text not null,
    file text collate "C" not null,
    family text collate "C",
    said_at timestamptz(3),
    added_at timestamptz(3) not null,
    config_id bytea,
    body bytea not null
  )`,
  "create index claims_source on assay.claims (source)",
  "create index claims_config on assay.claims (config_id) where config_id is not null",
  `create table assay.claim_subjects (
    hash bytea not null,
    claim uuid not null references assay.claims on delete cascade,
    primary key (hash, claim)
  )`,
  "create index claim_subjects_claim on assay.claim_subjects (claim)",
  `create table assay.claim_values (
    key uuid not null,
    claim uuid not null references assay.claims on delete cascade,
    name text collate "C" not null,
    primary key (key, claim)
  )`,
  "create index claim_values_claim on assay.claim_values (claim)",
  // What TAXII clients are given: each version of a STIX object with when it came to be there.
  `create table assay.stix_objects (
    id text collate "C" not null,
    version timestamptz(3) not null,
    type text not null,
    added_at timestamptz(3) not null,
    latest boolean not null,
    body bytea not null,
    primary key (id, version)
  )`,
  "create index stix_objects_added on assay.stix_objects (added_at, id, version)",
  "create table assay.stix_samples (sample bytea primary key references assay.samples, analysis uuid not null)",
];
