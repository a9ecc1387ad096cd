/** Tokens of the API, who fetched what, and indicators by when they were seen. */
export const api: readonly string[] = [
  `create table assay.tokens (
    id text primary key,
    name text not null,
    role text not null,
    hash bytea not null,
    created_at timestamptz(3) not null,
    expires_at timestamptz(3),
    used_at timestamptz(3),
    revoked_at timestamptz(3)
  )`,
  `create table assay.audit (
    id bigint generated always as identity primary key,
    at timestamptz(3) not null,
    actor text not null,
    token text,
    address text not null,
    action text not null,
    sample bytea not null,
    detail text not null,
    request text not null
  )`,
  "create index audit_sample on assay.audit (sample, id)",
  "create index indicators_last_seen on assay.indicators (last_seen desc, id)",
];
