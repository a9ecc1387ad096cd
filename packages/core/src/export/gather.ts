/** The indicators of a whole report, each once, with who holds it. */
import type { Confidence, ConnUsage, Indicator, IndicatorType, Report } from "../model/index.ts";
import { filesOf, type ReportedFile } from "./files.ts";
import { compare } from "./form.ts";

export interface Gathered {
  readonly type: IndicatorType;
  readonly value: string;
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

/** Usages as bits, so that a hundred thousand indicators are small. */
const USAGES: readonly ConnUsage[] = [
  "c2",
  "upload",
  "dead_drop_resolver",
  "download",
  "propagate",
  "tunnel",
  "ransom",
  "decoy",
  "other",
];
const C2_BIT = 1;

interface Entry {
  readonly type: IndicatorType;
  readonly value: string;
  readonly usage: ConnUsage;
  usages: number;
  /** Ascending, each once; shared between entries. */
  families: readonly string[];
  /** As they came; sorted and each once after `settle`. */
  samples: string[];
  confidence: number;
  blockable: boolean;
  linkable: boolean;
  why: string | undefined;
  observed: string | undefined;
  infrastructure: string | undefined;
}

/** What a form keeps beside an indicator: ids of the objects that it has made of it. */
export interface Note {
  observed: string | undefined;
  infrastructure: string | undefined;
}

/** What is known of each indicator of many files, in little room. */
export class Gatherer {
  readonly #byKey = new Map<string, Entry>();
  /** Lists of families: there are few different ones. */
  readonly #families = new Map<string, readonly string[]>();

  add(file: ReportedFile): void {
    for (const indicator of file.indicators) this.#enter(file, indicator);
  }

  #enter(file: ReportedFile, indicator: Indicator): void {
    const key = `${indicator.type}:${indicator.value}`;
    let entry = this.#byKey.get(key);
    if (entry === undefined) {
      entry = {
        type: indicator.type,
        value: indicator.value,
        usage: indicator.usage,
        usages: 0,
        families: [],
        samples: [],
        confidence: CONFIDENCE_ORDER.length - 1,
        blockable: true,
        linkable: false,
        why: undefined,
        observed: undefined,
        infrastructure: undefined,
      };
      this.#byKey.set(key, entry);
    }
    entry.usages |= 1 << USAGES.indexOf(indicator.usage);
    if (!entry.families.includes(indicator.family))
      entry.families = this.#listOf([...entry.families, indicator.family]);
    if (entry.samples.at(-1) !== file.sha256) entry.samples.push(file.sha256);
    entry.linkable ||= indicator.linkable;
    if (!indicator.blockable && entry.blockable) {
      entry.blockable = false;
      entry.why = indicator.why;
    }
    for (const finding of file.findings)
      if (finding.family === indicator.family)
        entry.confidence = Math.min(entry.confidence, CONFIDENCE_ORDER.indexOf(finding.confidence));
  }

  /** By its key, `type:value`; undefined for an indicator that was never met. */
  noteOf(key: string): Note | undefined {
    return this.#byKey.get(key);
  }

  /** What else is known of an indicator that was met: who else holds it, and for what. */
  know(type: IndicatorType, value: string, family: string, usage: ConnUsage): void {
    const entry = this.#byKey.get(`${type}:${value}`);
    if (entry === undefined) return;
    entry.usages |= 1 << USAGES.indexOf(usage);
    if (!entry.families.includes(family)) entry.families = this.#listOf([...entry.families, family]);
  }

  #listOf(families: string[]): readonly string[] {
    families.sort(compare);
    const key = families.join("\0");
    const known = this.#families.get(key);
    if (known !== undefined) return known;
    this.#families.set(key, families);
    return families;
  }

  /** Best confidence first, then most samples, then by type and value: what a list that must be cut keeps. */
  all(): Gatherings {
    const entries = [...this.#byKey.values()];
    for (const entry of entries)
      if (entry.samples.length > 1) entry.samples = [...new Set(entry.samples)].sort(compare);
    return new Gatherings(entries.sort(byWorth));
  }
}

/** The indicators in order, each made when it is asked for. */
export class Gatherings implements Iterable<Gathered> {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  *[Symbol.iterator](): Generator<Gathered> {
    for (const entry of this.#entries) yield finish(entry);
  }
}

export function gather(report: Report): Gathered[] {
  const gatherer = new Gatherer();
  for (const file of filesOf(report)) gatherer.add(file);
  return [...gatherer.all()];
}

function finish(entry: Entry): Gathered {
  const { type, value, usage, usages, families, samples, confidence, blockable, linkable } = entry;
  return {
    ...{ type, value, families, samples, blockable, linkable },
    usage: (usages & C2_BIT) === 0 ? usage : "c2",
    usages: USAGES.filter((_, bit) => (usages & (1 << bit)) !== 0).sort(compare),
    confidence: CONFIDENCE_ORDER[confidence] as Confidence,
    ...(entry.why === undefined ? {} : { why: entry.why }),
  };
}

function byWorth(a: Entry, b: Entry): number {
  return (
    a.confidence - b.confidence ||
    b.samples.length - a.samples.length ||
    compare(a.type, b.type) ||
    compare(a.value, b.value)
  );
}
