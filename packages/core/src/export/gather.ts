/** The indicators of a whole report, each once, with who holds it. */
import type { Confidence, ConnUsage, Indicator, IndicatorType, Report } from "../model/index.ts";
import { filesOf, type ReportedFile } from "./files.ts";
import { compare } from "./form.ts";

export interface Gathered {
  readonly type: IndicatorType;
  readonly value: string;
  readonly defanged: string;
  /** `c2` when any holder uses it so, else that of the first. */
  readonly usage: ConnUsage;
  readonly usages: readonly ConnUsage[];
  readonly families: readonly string[];
  /** SHA-256 of the files that hold it, ascending. */
  readonly samples: readonly string[];
  /** The best of the findings that it comes from. */
  readonly confidence: Confidence;
  /** Whether every holder says so: one that calls it a dead drop is enough to spare it. */
  readonly blockable: boolean;
  readonly why?: string;
  /** Whether any holder says that it names one operator; false for what a builder fills in by itself. */
  readonly linkable: boolean;
}

export const CONFIDENCE_ORDER: readonly Confidence[] = ["proved", "structural", "heuristic"];

export const NETWORK_TYPES: ReadonlySet<IndicatorType> = new Set(["domain", "ipv4", "ipv6", "url", "socket"]);

interface Building {
  readonly first: Indicator;
  readonly usages: Set<ConnUsage>;
  readonly families: Set<string>;
  readonly samples: Set<string>;
  confidence: number;
  linkable: boolean;
  spared: Indicator | undefined;
}

/** Best confidence first, then most samples, then by type and value: what a list that must be cut keeps. */
export function gather(report: Report): Gathered[] {
  const byKey = new Map<string, Building>();
  for (const file of filesOf(report)) for (const indicator of file.indicators) enter(byKey, file, indicator);
  return [...byKey.values()].map(finish).sort(byWorth);
}

function enter(byKey: Map<string, Building>, file: ReportedFile, indicator: Indicator): void {
  const key = `${indicator.type}:${indicator.value}`;
  let entry = byKey.get(key);
  if (entry === undefined) {
    entry = {
      first: indicator,
      usages: new Set(),
      families: new Set(),
      samples: new Set(),
      confidence: CONFIDENCE_ORDER.length - 1,
      linkable: false,
      spared: undefined,
    };
    byKey.set(key, entry);
  }
  entry.usages.add(indicator.usage);
  entry.families.add(indicator.family);
  entry.samples.add(file.sha256);
  entry.linkable ||= indicator.linkable;
  if (!indicator.blockable) entry.spared ??= indicator;
  for (const finding of file.findings)
    if (finding.family === indicator.family)
      entry.confidence = Math.min(entry.confidence, CONFIDENCE_ORDER.indexOf(finding.confidence));
}

function finish({ first, usages, families, samples, confidence, linkable, spared }: Building): Gathered {
  return {
    type: first.type,
    value: first.value,
    defanged: first.defanged,
    usage: usages.has("c2") ? "c2" : first.usage,
    usages: [...usages].sort(compare),
    families: [...families].sort(compare),
    samples: [...samples].sort(compare),
    confidence: CONFIDENCE_ORDER[confidence] as Confidence,
    blockable: spared === undefined,
    linkable,
    ...(spared?.why === undefined ? {} : { why: spared.why }),
  };
}

function byWorth(a: Gathered, b: Gathered): number {
  return (
    CONFIDENCE_ORDER.indexOf(a.confidence) - CONFIDENCE_ORDER.indexOf(b.confidence) ||
    b.samples.length - a.samples.length ||
    compare(a.type, b.type) ||
    compare(a.value, b.value)
  );
}
