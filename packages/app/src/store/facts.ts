/** A sample's report as the rows that will stand for it, before any database is asked. */

import { hostOf } from "@assay/core/export/user-list";
import { parseIpv4, parseIpv6 } from "@assay/core/indicators/address";
import { type Sample, subjectsOf } from "@assay/core/model/index";
import { configFields, configId } from "@assay/core/relations/index";
import { indicatorKey, keyOf, valueKey } from "./keys.ts";
import type {
  artifacts,
  configFields as configFieldTable,
  configs,
  findings,
  holdings,
  indicators,
} from "./schema.ts";

/** Longer values are cut in `config_fields`; the config itself keeps them whole. */
const MAX_FIELD_VALUE = 4096;

/** What a result says of one file. */
export interface SubjectFacts {
  readonly sha256: string;
  readonly sha1: string | null;
  readonly md5: string | null;
  readonly size: number | null;
  readonly format: string;
  readonly outcome: string;
  readonly submitted: boolean;
  readonly names: readonly string[];
  readonly holds: readonly Holding[];
}

type Insert<T extends { $inferInsert: unknown }> = T["$inferInsert"];

export type Holding = Omit<Insert<typeof holdings>, "sample" | "seen">;
export type IndicatorFacts = Pick<
  Insert<typeof indicators>,
  "id" | "type" | "value" | "address" | "linkable"
>;

export interface Facts {
  readonly sample: Sample & { readonly sha256: string };
  readonly analysis: string;
  /** An analysis that saw nothing does not replace one that did. */
  readonly rank: 0 | 1;
  /** The file itself first. */
  readonly subjects: readonly SubjectFacts[];
  readonly indicators: ReadonlyMap<string, IndicatorFacts>;
  readonly artifacts: readonly Insert<typeof artifacts>[];
  readonly findings: readonly Insert<typeof findings>[];
  readonly configs: readonly Insert<typeof configs>[];
  readonly fields: readonly Insert<typeof configFieldTable>[];
}

/** Undefined for what has no hash: a file that could not be read. */
export function factsOf(sample: Sample, engine: string): Facts | undefined {
  if (sample.sha256 === null) return undefined;
  const known = { ...sample, sha256: sample.sha256 };
  const analysis = analysisKey(known, engine);
  const indicatorFacts = new Map<string, IndicatorFacts>();
  for (const { type, value, linkable } of sample.indicators) {
    const id = indicatorKey(type, value);
    const before = indicatorFacts.get(id);
    indicatorFacts.set(id, {
      id,
      type,
      value,
      address: addressOf(type, value),
      linkable: linkable && before?.linkable !== false,
    });
  }
  const ids = sample.findings.map((finding) => configId(finding.config).slice("config:".length));
  return {
    sample: known,
    analysis,
    rank: sample.outcome === "failed" || sample.outcome === "unsupported" ? 0 : 1,
    subjects: subjectFacts(known),
    indicators: indicatorFacts,
    // The sample itself is no artifact of its own.
    artifacts: sample.artifacts.slice(1).map(({ id, sha256, kind, name, format, size }) => ({
      analysis,
      n: id,
      sha256,
      kind,
      name: name ?? null,
      format,
      size,
    })),
    findings: sample.findings.map((finding, n) => ({
      analysis,
      n,
      subject: subjectHash(known, finding.subject),
      family: finding.family,
      layout: finding.layout,
      version: finding.version ?? null,
      confidence: finding.confidence,
      config: ids[n] as string,
      c2: JSON.stringify(finding.c2),
    })),
    configs: sample.findings.map(({ config }, n) => ({
      id: ids[n] as string,
      family: config.family,
      body: config,
    })),
    fields: sample.findings.flatMap(({ config }, n) =>
      configFields(config).map(({ name, value }, i) => ({
        config: ids[n] as string,
        n: i,
        name,
        value: value.slice(0, MAX_FIELD_VALUE),
        key: valueKey(value),
      })),
    ),
  };
}

/** Of a result: all of it but what differs from one run to the next without the result being another. */
export function analysisKey(
  { names: _names, elapsedMs: _elapsed, ...result }: Sample,
  engine: string,
): string {
  return keyOf("analysis", engine, JSON.stringify(result));
}

function subjectHash(sample: Sample & { readonly sha256: string }, subject: number): string {
  return subject === 0 ? sample.sha256 : (sample.artifacts[subject]?.sha256 ?? sample.sha256);
}

function subjectFacts(sample: Sample & { readonly sha256: string }): SubjectFacts[] {
  const byHash = new Map<string, SubjectFacts>();
  const { sha256, sha1, md5, size, format, outcome, names } = sample;
  byHash.set(sha256, { sha256, sha1, md5, size, format, outcome, submitted: true, names, holds: [] });
  for (const subject of subjectsOf(sample)) {
    const hash = subject.sha256 as string;
    const inner = hash === sha256 ? undefined : sample.artifacts.find((one) => one.sha256 === hash);
    const holds = holdsOf(subject);
    const known = byHash.get(hash);
    byHash.set(
      hash,
      known === undefined
        ? {
            sha256: hash,
            sha1: null,
            md5: null,
            size: inner?.size ?? null,
            format: inner?.format ?? "",
            outcome: "config",
            submitted: false,
            names: subject.names,
            holds,
          }
        : { ...known, holds: distinctHolds([...known.holds, ...holds]) },
    );
  }
  return [...byHash.values()];
}

function holdsOf({ indicators }: Sample): Holding[] {
  return distinctHolds(
    indicators.map(({ type, value, family, usage }) => ({
      indicator: indicatorKey(type, value),
      family,
      usage,
    })),
  );
}

/** One for each indicator and family; a C2 stays one, whatever else the value is used for. */
function distinctHolds(holds: readonly Holding[]): Holding[] {
  const byKey = new Map<string, Holding>();
  for (const hold of holds) {
    const key = `${hold.indicator} ${hold.family}`;
    if (byKey.get(key)?.usage !== "c2") byKey.set(key, hold);
  }
  return [...byKey.values()];
}

function addressOf(type: IndicatorFacts["type"], value: string): string | null {
  const host = hostOf(type as Parameters<typeof hostOf>[0], value);
  if (host === undefined || host.type === "domain") return null;
  return parseIpv4(host.value) === undefined && parseIpv6(host.value) === undefined ? null : host.value;
}
