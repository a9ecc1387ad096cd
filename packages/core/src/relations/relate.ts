/**
 * The graph of a batch, to draw as sample → config → indicator:
 *
 *     sha256:<hex>    has-config      config:<hex>       weight 1
 *     config:<hex>    has-indicator   <type>:<value>     its weight, 0 when it may tie nothing
 *     sha256:<hex>    shares          <type>:<value>     for what two or more samples hold and may tie them
 *     <type>:<value>  near-duplicate  <type>:<value>     weight 0: flagged, never a tie
 *
 * Samples that share something meet in the indicator's node, so that ten thousand samples of one C2 are ten thousand
 * edges and not their pairs. Builder defaults, shared hosts and addresses of CDNs (`linkable` false) tie nothing.
 */
import { nearDuplicates } from "../indicators/index.ts";
import type { Cluster, Finding, Indicator, IndicatorType, Relation, Sample } from "../model/index.ts";
import { clustersOf, type Tie } from "./clusters.ts";
import { configId } from "./config-id.ts";
import { tieWeight } from "./weight.ts";

/** What is known of an indicator over the batch. */
interface Entry {
  readonly type: IndicatorType;
  readonly value: string;
  /** False as soon as one finding says so: a default of one family is no tie to another. */
  linkable: boolean;
  readonly holders: Set<string>;
}

/** Relations by kind in the order above, each kind sorted by its ends. The order of `samples` makes no difference. */
export function relate(samples: readonly Sample[]): { relations: Relation[]; clusters: Cluster[] } {
  const known = samples.filter(hasConfig);
  const entries = new Map<string, Entry>();
  const families = new Map<string, Set<string>>();
  for (const { sha256, findings, indicators } of known) {
    families.set(
      sha256,
      new Set([...(families.get(sha256) ?? []), ...findings.map((finding) => finding.family)]),
    );
    for (const indicator of indicators) hold(entries, indicator, sha256);
  }
  const weights = new Map<string, number>();
  const ties: Tie[] = [];
  for (const [key, entry] of entries) {
    const weight = entry.linkable ? tieWeight(entry.type, entry.holders.size, families.size) : 0;
    weights.set(key, weight);
    if (weight > 0 && entry.holders.size > 1) ties.push({ key, weight, holders: [...entry.holders].sort() });
  }
  const ids = new Map(
    known.flatMap(({ findings }) => findings.map(({ config }) => [config, configId(config)] as const)),
  );
  const idOf = ({ config }: Finding) => ids.get(config) as string;
  const relations = [
    ...sorted(known.flatMap((sample) => configEdges(sample, idOf))),
    ...sorted(known.flatMap((sample) => indicatorEdges(sample, idOf, weights))),
    ...sorted(ties.flatMap((tie) => shareEdges(tie, families.size))),
    ...nearDuplicateEdges(entries),
  ];
  return { relations, clusters: clustersOf(ties, families) };
}

function keyOf({ type, value }: { type: IndicatorType; value: string }): string {
  return `${type}:${value}`;
}

function hold(entries: Map<string, Entry>, indicator: Indicator, sha256: string): void {
  const key = keyOf(indicator);
  const { type, value, linkable } = indicator;
  const known = entries.get(key);
  if (known === undefined) entries.set(key, { type, value, linkable, holders: new Set([sha256]) });
  else {
    known.holders.add(sha256);
    if (!linkable) known.linkable = false;
  }
}

type ConfigSample = Sample & { sha256: string };
type IdOf = (finding: Finding) => string;

function hasConfig(sample: Sample): sample is ConfigSample {
  return sample.sha256 !== null && sample.findings.length > 0;
}

function configEdges({ sha256, findings }: ConfigSample, idOf: IdOf): Relation[] {
  return findings.map((finding) => ({
    from: `sha256:${sha256}`,
    to: idOf(finding),
    kind: "has-config" as const,
    weight: 1,
    why: `${finding.family}, layout ${finding.layout}, ${finding.confidence}`,
  }));
}

/** Indicators know their family, not their finding: two configs of one family in one sample have both's. */
function indicatorEdges(
  { findings, indicators }: ConfigSample,
  idOf: IdOf,
  weights: ReadonlyMap<string, number>,
): Relation[] {
  const ofFamily = new Map<string, Indicator[]>();
  for (const indicator of indicators) {
    const list = ofFamily.get(indicator.family);
    if (list === undefined) ofFamily.set(indicator.family, [indicator]);
    else list.push(indicator);
  }
  const edges = (finding: Finding) => {
    const from = idOf(finding);
    return (ofFamily.get(finding.family) ?? []).map((indicator) => ({
      from,
      to: keyOf(indicator),
      kind: "has-indicator" as const,
      weight: weights.get(keyOf(indicator)) ?? 0,
      why: indicator.why === undefined ? indicator.usage : `${indicator.usage}; ${indicator.why}`,
    }));
  };
  return findings.flatMap(edges);
}

function shareEdges({ key, weight, holders }: Tie, samples: number): Relation[] {
  const why = `held by ${holders.length} of ${samples} samples with a config`;
  return holders.map((sha256) => ({
    from: `sha256:${sha256}`,
    to: key,
    kind: "shares" as const,
    weight,
    why,
  }));
}

function nearDuplicateEdges(entries: ReadonlyMap<string, Entry>): Relation[] {
  const typeOf = new Map<string, IndicatorType>();
  for (const { type, value, linkable } of entries.values())
    if (linkable && (type === "ipv4" || type === "domain")) typeOf.set(value, type);
  const key = (value: string) => keyOf({ type: typeOf.get(value) as IndicatorType, value });
  return nearDuplicates(typeOf.keys()).map(({ a, b, why }) => ({
    from: key(a),
    to: key(b),
    kind: "near-duplicate" as const,
    weight: 0,
    why,
  }));
}

/** By their ends, each pair once. */
function sorted(edges: readonly Relation[]): Relation[] {
  const byEnds = new Map<string, Relation>();
  for (const edge of edges) {
    const ends = `${edge.from} ${edge.to}`;
    if (!byEnds.has(ends)) byEnds.set(ends, edge);
  }
  return [...byEnds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge);
}
