/** What people want to see of a report, gathered once for the terminal, Markdown and HTML. All text printable and defanged. */

import type { Span } from "../bytes/index.ts";
import { defang } from "../indicators/index.ts";
import {
  type Finding,
  type Indicator,
  type IndicatorType,
  memberPath,
  type Report,
  type Sample,
  subjectsOf,
} from "../model/index.ts";
import { printable } from "./escape.ts";

export interface SampleRow {
  readonly name: string;
  readonly moreNames: number;
  readonly sha256: string;
  readonly outcome: Sample["outcome"];
  readonly family: string;
  readonly layout: string;
  readonly version: string;
  readonly confidence: string;
  /** Whose memory it was found in. */
  readonly process: string;
  readonly c2: readonly string[];
  /** Why there is no config. What to know of one that there is stands with it, as its notes. */
  readonly reasons: readonly string[];
}

/** A line of a config: name, defanged value, and where it was found. */
export interface ConfigLine {
  readonly name: string;
  readonly value: string;
  readonly where: string;
}

export interface ConfigBlock {
  readonly title: string;
  readonly sha256: string;
  readonly family: string;
  readonly layout: string;
  readonly confidence: string;
  readonly lines: readonly ConfigLine[];
  readonly notes: readonly string[];
}

export interface ClusterBlock {
  readonly id: string;
  readonly samples: readonly string[];
  readonly families: readonly string[];
  readonly shared: readonly { readonly value: string; readonly samples: readonly string[] }[];
}

export interface IocRow {
  readonly type: IndicatorType;
  readonly value: string;
  readonly usage: string;
  readonly families: readonly string[];
  readonly samples: number;
  readonly why: string;
}

export interface Summary {
  readonly counts: Readonly<Record<Sample["outcome"], number>>;
  readonly total: number;
  readonly rows: readonly SampleRow[];
  readonly configs: readonly ConfigBlock[];
  readonly clusters: readonly ClusterBlock[];
  readonly nearDuplicates: readonly { readonly a: string; readonly b: string; readonly why: string }[];
  /** To block. */
  readonly iocs: readonly IocRow[];
  /** Addresses that were seen but are not to be blocked: each with its reason. */
  readonly leftOut: readonly IocRow[];
  /** What no network blocks: mutexes, files, licences, campaign ids. */
  readonly others: readonly IocRow[];
}

const NETWORK_TYPES: ReadonlySet<IndicatorType> = new Set(["domain", "ipv4", "ipv6", "url", "socket"]);

/** Order in which indicator types are listed. */
const TYPE_ORDER: readonly IndicatorType[] = [
  "domain",
  "ipv4",
  "ipv6",
  "socket",
  "url",
  "mutex",
  "file",
  "registry",
  "certificate",
  "token",
  "licence",
  "campaign_id",
  "identifier",
  "password",
  "user_agent",
];

export function summarise(report: Report): Summary {
  const counts = { config: 0, identified: 0, unknown: 0, unsupported: 0, failed: 0 };
  for (const sample of report.samples) counts[sample.outcome]++;
  const subjects = report.samples.flatMap(subjectsOf);
  const nameOf = new Map(subjects.map((subject) => [subject.sha256, baseName(subject)]));
  const iocs = iocRows(report);
  return {
    counts,
    total: report.samples.length,
    rows: report.samples.flatMap(rowsOf),
    configs: report.samples.flatMap((sample) =>
      sample.findings.map((finding) => configBlock(sample, finding)),
    ),
    clusters: report.clusters.map((cluster) => ({
      id: cluster.id,
      samples: cluster.samples.map((sha256) => nameOf.get(sha256) ?? sha256),
      families: cluster.families,
      shared: cluster.shared.map((key) => ({
        value: showKey(key),
        samples: holdersOf(subjects, key, cluster.samples),
      })),
    })),
    nearDuplicates: report.relations
      .filter((relation) => relation.kind === "near-duplicate")
      .map((relation) => ({
        a: showKey(relation.from),
        b: showKey(relation.to),
        why: printable(relation.why),
      })),
    iocs: iocs.filter((row) => NETWORK_TYPES.has(row.type) && row.why === ""),
    leftOut: iocs.filter((row) => NETWORK_TYPES.has(row.type) && row.why !== ""),
    others: iocs.filter((row) => !NETWORK_TYPES.has(row.type)).map((row) => ({ ...row, why: "" })),
  };
}

/** The file name a person would use for a sample. */
export function baseName(sample: Pick<Sample, "names">): string {
  const name = sample.names[0] ?? "";
  return printable(name.split(/[\\/]/).at(-1) || name);
}

/** The sample's file name, and behind it that of the file in its archives which the finding speaks of. */
function subjectName(sample: Sample, finding: Finding): string {
  const inner = printable(memberPath(sample, finding.subject));
  return inner === "" ? baseName(sample) : `${baseName(sample)}/${inner}`;
}

function rowsOf(sample: Sample): SampleRow[] {
  const base = {
    name: baseName(sample),
    moreNames: sample.names.length - 1,
    sha256: sample.sha256 ?? "",
    outcome: sample.outcome,
    process: processName(sample),
  };
  const reasons = sample.reasons.map((reason) => printable(reason.text));
  if (sample.findings.length === 0) {
    const family = sample.families.join(", ");
    return [{ ...base, family, layout: "", version: "", confidence: "", c2: [], reasons }];
  }
  return sample.findings.map((finding) => ({
    ...base,
    name: subjectName(sample, finding),
    family: finding.family,
    layout: finding.layout,
    version: printable(finding.version ?? ""),
    confidence: finding.confidence,
    c2: finding.c2.map((url) => printable(defang(url))),
    reasons,
  }));
}

/** Config fields as an analyst reads them; what is not named here follows, the family's own fields last. */
const FIELD_ORDER: readonly string[] = [
  "version",
  "campaign_id",
  "identifier",
  "http",
  "tcp",
  "udp",
  "mutex",
  "password",
  "sleep_delay",
  "paths",
  "registry",
  "capability_enabled",
  "capability_disabled",
  "encryption",
];

function configBlock(sample: Sample, finding: Finding): ConfigBlock {
  const lines: ConfigLine[] = finding.c2.map((url, index) => ({
    name: "c2",
    value: printable(defang(url)),
    where: whereOf(sample, finding, `/c2/${index}`),
  }));
  const { family, category, other, ...fields } = finding.config;
  const rank = (field: string): number =>
    (FIELD_ORDER.indexOf(field) + FIELD_ORDER.length + 1) % (FIELD_ORDER.length + 1);
  for (const [field, value] of Object.entries(fields).sort(([a], [b]) => rank(a) - rank(b))) {
    lines.push(...fieldLines(sample, finding, field, value));
  }
  for (const [key, value] of Object.entries(other ?? {})) {
    lines.push({ name: key, value: show(value), where: whereOf(sample, finding, `/config/other/${key}`) });
  }
  return {
    title: subjectName(sample, finding),
    sha256: sample.artifacts[finding.subject]?.sha256 ?? sample.sha256 ?? "",
    family: finding.family,
    layout: finding.layout,
    confidence: finding.confidence,
    lines: lines.filter((line) => line.value !== ""),
    notes: finding.reasons.map((reason) => printable(reason.text)),
  };
}

/** Lists of switches on one line; other lists a line an entry, but for connections that the c2 lines show already. */
function fieldLines(sample: Sample, finding: Finding, field: string, value: unknown): ConfigLine[] {
  const where = (index: number): string => whereOf(sample, finding, `/config/${field}/${index}`);
  if (field === "version")
    return [
      { name: field, value: printable(String(value)), where: whereOf(sample, finding, "/config/version") },
    ];
  if (!Array.isArray(value))
    return [{ name: field, value: show(value), where: whereOf(sample, finding, `/config/${field}`) }];
  if (field.startsWith("capability_")) return [{ name: field, value: show(value), where: where(0) }];
  return value.flatMap((entry: unknown, index) =>
    isC2Entry(entry) ? [] : [{ name: field, value: show(entry), where: where(index) }],
  );
}

/** Entries of http, tcp, udp that the c2 list shows already. */
function isC2Entry(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as { usage?: unknown }).usage === "c2";
}

function show(value: unknown): string {
  if (typeof value === "string") return printable(defang(value));
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.map(show).join(", ");
  return Object.entries(value)
    .map(([key, inner]) => `${printable(key)}=${show(inner)}`)
    .join(" ");
}

function whereOf(sample: Sample, finding: Finding, pointer: string): string {
  const evidence = finding.evidence.find((entry) => entry.pointer === pointer);
  const first = evidence?.at[0];
  if (evidence === undefined || first === undefined) return "";
  const offset = `${first.artifact === 0 ? "" : `#${first.artifact}:`}0x${first.offset.toString(16)}+${first.length}`;
  return printable([offset, ...inMemory(sample, first), ...evidence.steps].join(" · "));
}

/** Address of a span that was read from memory as it stood, and what the region is that holds it. */
function inMemory(sample: Sample, span: Span): string[] {
  const memory = sample.artifacts[span.artifact]?.memory;
  if (memory === undefined) return [];
  const address = BigInt(memory.address) + BigInt(span.offset);
  const region = memory.regions.find((one) => {
    const start = BigInt(one.address);
    return address >= start && address < start + BigInt(one.size);
  });
  const what = [`at 0x${address.toString(16)}`, region?.protection, region?.type, region?.module];
  return [what.filter((word) => word !== undefined).join(" ")];
}

/** `RegAsm.exe (4711)`: whose memory the sample is. */
export function processName({ memory }: Sample): string {
  const { name, pid } = memory?.process ?? {};
  if (pid === undefined) return printable(name ?? "");
  return name === undefined ? `process ${pid}` : printable(`${name} (${pid})`);
}

/** `domain:evil.example` → `evil[.]example`. */
function showKey(key: string): string {
  const colon = key.indexOf(":");
  return printable(defang(colon < 0 ? key : key.slice(colon + 1)));
}

function holdersOf(subjects: readonly Sample[], key: string, among: readonly string[]): string[] {
  return subjects
    .filter((subject) => subject.sha256 !== null && among.includes(subject.sha256))
    .filter((subject) =>
      subject.indicators.some((indicator) => `${indicator.type}:${indicator.value}` === key),
    )
    .map(baseName);
}

function iocRows(report: Report): IocRow[] {
  const rows = new Map<string, { first: Indicator; families: Set<string>; samples: number }>();
  for (const sample of report.samples) {
    const seen = new Set<string>();
    for (const indicator of sample.indicators) {
      const key = `${indicator.type}:${indicator.value}`;
      const row = rows.get(key) ?? { first: indicator, families: new Set<string>(), samples: 0 };
      row.families.add(indicator.family);
      if (!seen.has(key)) row.samples++;
      seen.add(key);
      rows.set(key, row);
    }
  }
  return [...rows.values()]
    .map(({ first, families, samples }) => ({
      type: first.type,
      value: printable(first.defanged),
      usage: first.usage,
      families: [...families].sort(),
      samples,
      why: first.blockable ? "" : printable(first.why ?? "not something a network blocks"),
    }))
    .sort((a, b) => TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) || compare(a.value, b.value));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
