/** A batch as its table shows it: a row for every file, and for every file of its archives that findings speak of. */
import { memberPath } from "@assay/core/model/index";
import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import type { Member } from "../jobs/queue.ts";
import type { Database } from "../store/database.ts";
import { groupBy } from "../store/group.ts";
import { ask, digests } from "../store/rows.ts";
import { loadResults } from "../store/sample.ts";
import { analyses, findings, holdings, indicators, samples } from "../store/schema.ts";
import type { BatchTableRow } from "./schemas/table.ts";

/** Documents opened at once, for what only they know: why there is no config, names in archives. */
const OPENED_AT_ONCE = 50;

interface Told {
  /** Names within the archive, by digest. */
  readonly names: ReadonlyMap<string, string>;
  readonly families: readonly string[];
  readonly reason: string | null;
}

/** Shared hosts told of one row. */
const MAX_SHARED = 16;
/** Kinds of C2s that one host may stand in, whatever the port and the path. */
const HOSTS = ["domain", "ipv4", "ipv6"];

/** In the order of `members`. */
export async function tableRows(db: Database, members: readonly Member[]): Promise<BatchTableRow[]> {
  const files = [...new Set(members.map(({ sha256 }) => sha256))];
  const standing =
    files.length === 0
      ? []
      : await db
          .select({
            sha256: samples.sha256,
            analysis: analyses.id,
            of: analyses.sample,
            outcome: analyses.outcome,
          })
          .from(samples)
          .innerJoin(analyses, eq(analyses.id, samples.analysis))
          .where(inArray(samples.sha256, files));
  const results = new Map(standing.map((row) => [row.sha256, row]));
  const found = await findingsOf(
    db,
    standing.map(({ analysis }) => analysis),
  );
  const asked = standing.filter(({ sha256, analysis, outcome }) => {
    const here = found.get(analysis) ?? [];
    return outcome !== "config" || here.some(({ subject }) => subject !== sha256);
  });
  const told = await tell(
    db,
    asked.map(({ analysis }) => analysis),
  );
  const rows = members.flatMap((member): BatchTableRow[] => {
    const base = {
      ...{ n: member.n, file: member.sha256, state: member.state, stage: member.stage ?? null },
      ...{ sha256: member.sha256, name: member.name, cluster: null, findings: [], families: [], shared: [] },
      ...{ outcome: member.outcome ?? null, reason: member.reason ?? null },
    };
    const result = results.get(member.sha256);
    if (result === undefined || member.state === "queued" || member.state === "active") return [base];
    const known = told.get(result.analysis);
    const all = found.get(result.analysis) ?? [];
    // Of a file that an archive brought, the archive's result speaks of others as well.
    const here = result.of === member.sha256 ? all : all.filter(({ subject }) => subject === member.sha256);
    if (here.length === 0)
      return [
        { ...base, families: [...(known?.families ?? [])], reason: base.reason ?? known?.reason ?? null },
      ];
    return [...groupBy(here, ({ subject }) => subject)].map(([subject, of]) => {
      const within = subject === member.sha256 ? undefined : known?.names.get(subject);
      return {
        ...base,
        sha256: subject,
        name: within === undefined ? member.name : `${member.name}/${within}`,
        findings: of.map(({ finding }) => finding),
        families: [...new Set(of.map(({ finding }) => finding.family))],
      };
    });
  });
  const subjects = rows.filter((row) => row.findings.length > 0).map(({ sha256 }) => sha256);
  const clusters = await clustersOf(db, subjects);
  const shared = await sharedBy(db, subjects);
  return rows.map((row) => ({
    ...row,
    cluster: clusters.get(row.sha256) ?? null,
    shared: inOrder(row, shared.get(row.sha256) ?? []),
  }));
}

/** C2 hosts of each sample that others of the corpus have too and that may tie samples together. */
async function sharedBy(db: Database, hashes: readonly string[]) {
  if (hashes.length === 0) return new Map<string, never>();
  const rows = await db
    .selectDistinct({ sample: holdings.sample, value: indicators.value, samples: indicators.samples })
    .from(holdings)
    .innerJoin(indicators, eq(indicators.id, holdings.indicator))
    .where(
      and(
        inArray(holdings.sample, [...new Set(hashes)]),
        eq(holdings.usage, "c2"),
        inArray(indicators.type, HOSTS),
        eq(indicators.linkable, true),
        gt(indicators.samples, 1),
      ),
    );
  return groupBy(rows, ({ sample }) => sample);
}

/** As the config has them. */
function inOrder(
  { findings: found }: BatchTableRow,
  hosts: readonly { readonly value: string; readonly samples: number }[],
): BatchTableRow["shared"] {
  const all = found.flatMap(({ c2 }) => c2.map((url) => url.toLowerCase()));
  const place = (host: string) => {
    const at = all.findIndex((url) => url.includes(host));
    return at < 0 ? all.length : at;
  };
  return hosts
    .map(({ value, samples: n }) => ({ value, samples: n, at: place(value) }))
    .sort((a, b) => a.at - b.at || (a.value < b.value ? -1 : 1))
    .slice(0, MAX_SHARED)
    .map(({ value, samples: n }) => ({ value, samples: n }));
}

async function findingsOf(db: Database, ids: readonly string[]) {
  if (ids.length === 0) return new Map<string, never>();
  const rows = await db
    .select()
    .from(findings)
    .where(inArray(findings.analysis, [...ids]))
    .orderBy(asc(findings.n));
  return groupBy(
    rows.map(({ analysis, subject, family, layout, version, confidence, config, c2 }) => ({
      ...{ analysis, subject },
      finding: { family, layout, version, confidence, config, c2: JSON.parse(c2) as string[] },
    })),
    ({ analysis }) => analysis,
  );
}

async function tell(db: Database, ids: readonly string[]): Promise<Map<string, Told>> {
  const all = new Map<string, Told>();
  for (let at = 0; at < ids.length; at += OPENED_AT_ONCE)
    for (const { row, sample } of await loadResults(db, ids.slice(at, at + OPENED_AT_ONCE))) {
      const subjects = new Set(sample.findings.map(({ subject }) => subject));
      const names = [...subjects].map(
        (id) => [sample.artifacts[id]?.sha256 ?? "", memberPath(sample, id)] as const,
      );
      all.set(row.id, {
        names: new Map(names),
        families: sample.families,
        reason: sample.reasons.at(0)?.text ?? null,
      });
    }
  return all;
}

/** The cluster of each sample that is in one with others. */
async function clustersOf(db: Database, hashes: readonly string[]): Promise<Map<string, string>> {
  if (hashes.length === 0) return new Map();
  const rows = await ask<{ sample: string; id: string }>(
    db,
    sql`select encode(m.sample, 'hex') as sample, c.id from assay.cluster_samples m
      join assay.cluster_parts p on p.part = m.part join assay.clusters c on c.key = p.cluster
      where m.sample = any(${digests(hashes)}) and c.samples > 1`,
  );
  return new Map(rows.map(({ sample, id }) => [sample, id]));
}
