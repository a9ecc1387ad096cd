/** What is to be analysed, for whom, and how far it is. The queue itself is pg-boss's, in a schema of its own. */
export const jobs: readonly string[] = [
  `create table assay.engines (
    id uuid primary key,
    version text not null,
    families jsonb not null
  )`,
  `create table assay.tasks (
    id uuid primary key,
    sha256 bytea not null,
    engine uuid not null references assay.engines,
    size bigint not null,
    options text collate "C" not null,
    priority integer not null,
    state text not null,
    job uuid,
    tries integer not null,
    worker text,
    queued_at timestamptz(3) not null,
    changed_at timestamptz(3) not null,
    outcome text,
    analysis uuid,
    stage text,
    reason text collate "C"
  )`,
  "create index tasks_sha256 on assay.tasks (sha256)",
  "create index tasks_open on assay.tasks (state, queued_at) where state in ('queued', 'active', 'dead')",
  `create table assay.batches (
    id uuid primary key,
    kind text not null,
    filter jsonb,
    created_at timestamptz(3) not null,
    complete boolean not null,
    total integer not null,
    events integer not null
  )`,
  "create index batches_created on assay.batches (created_at desc, id)",
  `create table assay.submissions (
    batch uuid not null references assay.batches on delete cascade,
    n integer not null,
    task uuid not null references assay.tasks,
    name_key uuid not null,
    name text collate "C" not null,
    before uuid,
    primary key (batch, n)
  )`,
  "create unique index submissions_once on assay.submissions (batch, task, name_key)",
  "create index submissions_task on assay.submissions (task)",
  `create table assay.batch_events (
    batch uuid not null references assay.batches on delete cascade,
    n integer not null,
    task uuid not null,
    state text not null,
    outcome text,
    stage text,
    reason text collate "C",
    at timestamptz(3) not null,
    primary key (batch, n)
  )`,
  `create table assay.identifications (
    sample bytea not null,
    family text collate "C" not null,
    primary key (sample, family)
  )`,
  "create index identifications_family on assay.identifications (family)",
];
