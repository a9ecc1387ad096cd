/** When the holder of an indicator was first seen, beside it: the newest of a hundred thousand are found by an index. */
export const newest: readonly string[] = [
  "alter table assay.holdings add column seen timestamptz(3)",
  "update assay.holdings set seen = s.first_seen from assay.samples s where s.sha256 = assay.holdings.sample",
  "alter table assay.holdings alter column seen set not null",
  "create index holdings_newest on assay.holdings (indicator, seen desc, sample)",
];
