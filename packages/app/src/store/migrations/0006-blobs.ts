/** Samples whose bytes were let go, by a policy and not by accident. */
export const retention: readonly string[] = [
  `create table assay.dropped (
    sha256 bytea primary key,
    size bigint not null,
    dropped_at timestamptz(3) not null,
    removed_at timestamptz(3),
    why text not null
  )`,
  "create index dropped_waiting on assay.dropped (dropped_at) where removed_at is null",
];
