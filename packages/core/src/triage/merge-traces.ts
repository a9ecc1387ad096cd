/**
 * What memory shows in clear beside what a key or a structure proves. The first is heuristic and never changes the
 * second: where it says no more of the C2s, its places become evidence of the sure finding; where it says something
 * else, both stay and each says so.
 */
import type { Span } from "../bytes/index.ts";
import type { Evidence, Finding, Reason } from "../model/index.ts";

/** Layout of what `Traces.read` gives, in every family. */
const MEMORY = "memory";
/** Evidence that one finding takes over. */
const MAX_EVIDENCE = 256;
/** Values named in one reason. */
const MAX_NAMED = 8;
/** Characters of one of them. */
const MAX_TEXT = 120;

/**
 * Of each family and subject: traces that name no address that a proved or structural finding does not, and no other
 * mutex, campaign or identifier than it has, are taken into it; of all others both findings get a reason. Order is kept; nothing is changed in place.
 */
export function mergeTraces(findings: readonly Finding[]): Finding[] {
  const traces = findings.filter(isTrace);
  if (traces.length === 0) return [...findings];
  const merged = new Map<Finding, Finding>();
  const gone = new Set<Finding>();
  for (const trace of traces) {
    const sure = findings.filter(
      (one) => one.confidence !== "heuristic" && one.family === trace.family && one.subject === trace.subject,
    );
    const base = sure.find((one) => unlike(trace, one).length === 0);
    if (base !== undefined) {
      merged.set(base, taken(merged.get(base) ?? base, trace));
      gone.add(trace);
      continue;
    }
    for (const one of sure) {
      const more = named(unlike(trace, one));
      merged.set(
        one,
        withReason(
          merged.get(one) ?? one,
          "memory-differs",
          `Memory names ${more} in clear, which this config does not`,
          placesOf(trace),
        ),
      );
      merged.set(
        trace,
        withReason(
          merged.get(trace) ?? trace,
          "memory-differs",
          `The ${one.confidence} config of layout ${one.layout} does not name ${more}`,
          placesOf(one),
        ),
      );
    }
  }
  return findings.filter((one) => !gone.has(one)).map((one) => merged.get(one) ?? one);
}

function isTrace({ layout, confidence }: Finding): boolean {
  return layout === MEMORY && confidence === "heuristic";
}

/** What tells installations of one family apart. */
const IDENTITY = ["mutex", "campaign_id", "identifier"] as const;

/** What a trace says and a finding does not: addresses, and another mutex, campaign or identifier than it has. */
function unlike(trace: Finding, sure: Finding): readonly string[] {
  const others = IDENTITY.flatMap((field) => {
    const known = sure.config[field] ?? [];
    const own = trace.config[field] ?? [];
    const differ = known.length > 0 && own.length > 0 && !own.some((value) => known.includes(value));
    return differ ? own.map((value) => `${field} ${JSON.stringify(value.slice(0, MAX_TEXT))}`) : [];
  });
  return [...beyond(trace, sure), ...others];
}

/** The addresses of a trace that a finding does not have. */
function beyond(trace: Finding, sure: Finding): readonly string[] {
  const known = addressesOf(sure);
  return addressesOf(trace).filter((address) => !known.some((other) => covers(other, address)));
}

/** C2s and dead drops. */
function addressesOf({ c2, config }: Finding): readonly string[] {
  const drops = (config.http ?? []).filter(({ usage }) => usage === "dead_drop_resolver");
  return [...c2, ...drops.flatMap(({ uri }) => (uri === undefined ? [] : [uri]))];
}

const URL = /^([a-z]+):\/\/(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?(.*)$/is;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** True when both are one place, or memory has the host without the path that the other knows. */
function covers(sure: string, trace: string): boolean {
  const [a, b] = [URL.exec(sure), URL.exec(trace)];
  if (a === null || b === null) return sure === trace;
  const placeOf = ([, scheme = "", host = "", port]: RegExpExecArray): string =>
    `${scheme} ${host} ${port ?? DEFAULT_PORTS[scheme.toLowerCase()]}`.toLowerCase();
  const pathOf = (match: RegExpExecArray): string => (match[4] === "/" ? "" : (match[4] ?? ""));
  return placeOf(a) === placeOf(b) && (pathOf(b) === "" || pathOf(a) === pathOf(b));
}

/** `base` with the places of the trace's values that it has too, and with a word on those that it has not. */
function taken(base: Finding, trace: Finding): Finding {
  const evidence: Evidence[] = [];
  const more: string[] = [];
  for (const item of trace.evidence) {
    const pointer = pointerIn(base, trace, item.pointer);
    const value = valueAt(trace, item.pointer);
    if (pointer === undefined) {
      if (typeof value === "string" && value !== base.layout)
        more.push(`${item.pointer} ${JSON.stringify(value.slice(0, MAX_TEXT))}`);
    } else if (evidence.length < MAX_EVIDENCE && !isKnown(base, pointer, item.at))
      evidence.push({ ...item, pointer, steps: [...item.steps, "in clear in memory"] });
  }
  const besides =
    more.length === 0 ? "" : `. It also reads ${named([...new Set(more)])}, which this config does not say`;
  const also = [...(base.also ?? []), ...(trace.also ?? [])];
  return {
    ...withReason(base, "memory-agrees", `Memory holds it in clear as well${besides}`, placesOf(trace)),
    evidence: [...base.evidence, ...evidence],
    rules: [...new Set([...base.rules, ...trace.rules])],
    ...(also.length === 0 ? {} : { also }),
  };
}

/** Where `base` has the value that a trace has at `pointer`. */
function pointerIn(base: Finding, trace: Finding, pointer: string): string | undefined {
  const value = valueAt(trace, pointer);
  const list = /^(.*)\/\d+$/.exec(pointer)?.[1];
  const own = list === undefined ? undefined : valueAt(base, list);
  if (!Array.isArray(own)) return same(valueAt(base, pointer), value) ? pointer : undefined;
  const at = own.findIndex((entry) => same(entry, value));
  return at < 0 ? undefined : `${list}/${at}`;
}

/** Equal, or an address that the other covers. */
function same(sure: unknown, trace: unknown): boolean {
  if (sure === undefined || trace === undefined) return false;
  const [a, b] = [addressOf(sure), addressOf(trace)];
  return a !== undefined && b !== undefined ? covers(a, b) : JSON.stringify(sure) === JSON.stringify(trace);
}

/** A URL, or the address that a connection of the config is to. */
function addressOf(value: unknown): string | undefined {
  if (typeof value === "string") return URL.test(value) ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const entry = value as Readonly<Record<string, unknown>>;
  if (typeof entry.uri === "string") return entry.uri;
  const host = entry.server_ip ?? entry.server_domain;
  return typeof host !== "string"
    ? undefined
    : `tcp://${host.includes(":") ? `[${host}]` : host}:${entry.server_port}`;
}

/** What stands at a JSON Pointer of a finding. */
function valueAt(finding: Finding, pointer: string): unknown {
  let node: unknown = finding;
  for (const part of pointer.split("/").slice(1)) {
    if (typeof node !== "object" || node === null) return undefined;
    node = (node as Readonly<Record<string, unknown>>)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return node;
}

function isKnown({ evidence }: Finding, pointer: string, at: readonly Span[]): boolean {
  const key = JSON.stringify(at);
  return evidence.some((item) => item.pointer === pointer && JSON.stringify(item.at) === key);
}

function withReason(finding: Finding, code: string, text: string, at: readonly Span[]): Finding {
  const reason: Reason = { stage: finding.family, code, text, ...(at.length > 0 ? { at: [...at] } : {}) };
  return { ...finding, reasons: [...finding.reasons, reason] };
}

function named(values: readonly string[]): string {
  const rest = values.length - MAX_NAMED;
  return `${values.slice(0, MAX_NAMED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The places of a finding's addresses. */
function placesOf({ evidence }: Finding): readonly Span[] {
  return evidence
    .filter(({ pointer }) => pointer.startsWith("/c2/"))
    .flatMap(({ at }) => at)
    .slice(0, MAX_NAMED);
}
