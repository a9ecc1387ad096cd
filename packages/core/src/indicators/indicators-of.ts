/** The indicators of a finding, from its config. */
import type { Span } from "../bytes/index.ts";
import type { ConnUsage, Finding, Indicator, IndicatorType } from "../model/index.ts";
import { defangIndicator } from "./defang.ts";
import { type Host, normaliseHost, normaliseUrl, socketText } from "./normalise.ts";
import {
  DEFAULT_POLICY,
  isDefault,
  type Judgement,
  judgeHost,
  judgeName,
  judgeSocket,
  judgeUrl,
  judgeUsage,
  neither,
  type Policy,
} from "./policy.ts";

/** MACO's lists of texts, as indicators. */
const TEXT_FIELDS: readonly (readonly [
  field: "mutex" | "campaign_id" | "identifier" | "password",
  type: IndicatorType,
])[] = [
  ["mutex", "mutex"],
  ["campaign_id", "campaign_id"],
  ["identifier", "identifier"],
  ["password", "password"],
];

interface OtherSpec {
  readonly type: IndicatorType;
  /** Left out when this key says the same thing better. */
  readonly unless?: string;
  /** The value is a list of records; the indicator is this member. */
  readonly member?: string;
  /** Hex, of which the case means nothing. */
  readonly hex?: true;
}

/** Keys of `other` that tie samples together, by the names that the families give them; `name_2` counts as `name`. */
export const OTHER_INDICATORS: ReadonlyMap<string, OtherSpec> = new Map<string, OtherSpec>([
  // Quasar's server certificate; certificates are known by SHA-256 where it is there.
  ["certificate_sha256", { type: "certificate", hex: true }],
  ["certificate_sha1", { type: "certificate", unless: "certificate_sha256", hex: true }],
  // Remcos' client and server certificates.
  ["tls_certificates", { type: "certificate", member: "sha256", hex: true }],
  // Remcos' licence, one for each purchase.
  ["license", { type: "licence" }],
  // RedLine's SOAP header, one for each panel.
  ["authorization_token", { type: "token" }],
  // Quasar 1.3 derives both from the operator's password.
  ["KEY", { type: "token" }],
  ["AUTHKEY", { type: "token" }],
  // The word that Vidar looks for on its dead-drop pages.
  ["dead_drop_tag", { type: "identifier" }],
  // Lumma's.
  ["user_agent", { type: "user_agent" }],
]);

/** A value longer than this (a text that filled its field by accident) is no name. */
const MAX_VALUE = 1024;

/**
 * In the order of the config, each once: network addresses first (for an endpoint its URL or socket, then its host),
 * then what stands on the infected machine, then what names operators and builds.
 *
 * A URL that is a scheme and a host alone gives the host only. `defaults` are the family's own, by indicator type.
 */
export function indicatorsOf(
  finding: Finding,
  defaults: Readonly<Record<string, readonly string[]>>,
  policy: Policy = DEFAULT_POLICY,
): Indicator[] {
  const list = new IndicatorList(finding, defaults);
  const { config } = finding;
  for (const [index, entry] of (config.http ?? []).entries()) {
    const at = list.places(`/config/http/${index}`);
    const usage = entry.usage ?? "other";
    const url = entry.uri === undefined ? undefined : normaliseUrl(entry.uri);
    const host = url?.host ?? (entry.hostname === undefined ? undefined : normaliseHost(entry.hostname));
    if (url !== undefined && (url.port !== undefined || url.rest !== ""))
      list.add("url", url.value, usage, at, judgeUrl(url, policy));
    if (host !== undefined) list.addHost(host, usage, at, policy);
    if (entry.user_agent !== undefined) list.addName("user_agent", entry.user_agent, usage, at);
  }
  for (const field of ["tcp", "udp"] as const) {
    for (const [index, entry] of (config[field] ?? []).entries()) {
      const at = list.places(`/config/${field}/${index}`);
      const usage = entry.usage ?? "other";
      const host = normaliseHost(entry.server_ip ?? entry.server_domain ?? "");
      if (host === undefined) continue;
      const socket = entry.server_port === undefined ? undefined : socketText(host, entry.server_port);
      if (socket !== undefined) list.add("socket", socket, usage, at, judgeSocket(host, policy));
      list.addHost(host, usage, at, policy);
    }
  }
  for (const [field, type] of TEXT_FIELDS)
    for (const [index, value] of (config[field] ?? []).entries())
      list.addName(type, value, "other", list.places(`/config/${field}/${index}`));
  for (const [index, { path }] of (config.paths ?? []).entries())
    list.addName("file", path, "other", list.places(`/config/paths/${index}`));
  for (const [index, { key }] of (config.registry ?? []).entries())
    list.addName("registry", key, "other", list.places(`/config/registry/${index}`));
  for (const [key, entry] of Object.entries(config.other ?? {})) {
    const spec = OTHER_INDICATORS.get(key.replace(/_\d+$/, "")) ?? OTHER_INDICATORS.get(key);
    if (spec === undefined || (spec.unless !== undefined && config.other?.[spec.unless] !== undefined))
      continue;
    for (const value of otherValues(entry, spec))
      list.addName(spec.type, value, "other", list.places(`/config/other/${key}`));
  }
  return list.indicators;
}

function otherValues(value: unknown, { member, hex }: OtherSpec): string[] {
  const entries = Array.isArray(value) ? value : [value];
  return entries
    .map((entry) =>
      member !== undefined && typeof entry === "object" && entry !== null
        ? (entry as Record<string, unknown>)[member]
        : entry,
    )
    .filter((entry) => typeof entry === "string")
    .map((entry) => (hex ? entry.toLowerCase() : entry));
}

/** Gathers indicators, one for each type and value; what is found again adds its places. */
class IndicatorList {
  readonly #byKey = new Map<string, Indicator>();
  readonly #places = new Map<string, Span[]>();
  readonly #family: string;
  readonly #subject: number;
  readonly #defaults: Readonly<Record<string, readonly string[]>>;

  constructor(finding: Finding, defaults: Readonly<Record<string, readonly string[]>>) {
    this.#family = finding.family;
    this.#subject = finding.subject;
    this.#defaults = defaults;
    for (const { pointer, at } of finding.evidence) {
      const known = this.#places.get(pointer);
      if (known === undefined) this.#places.set(pointer, [...at]);
      else known.push(...at);
    }
  }

  get indicators(): Indicator[] {
    return [...this.#byKey.values()];
  }

  /** Where the value at a JSON Pointer of the finding was read. */
  places(pointer: string): readonly Span[] {
    return this.#places.get(pointer) ?? [];
  }

  addHost(host: Host, usage: ConnUsage, at: readonly Span[], policy: Policy): void {
    this.add(host.type, host.value, usage, at, judgeHost(host, policy));
  }

  addName(type: IndicatorType, value: string, usage: ConnUsage, at: readonly Span[]): void {
    const text = value.trim();
    if (text !== "" && text.length <= MAX_VALUE) this.add(type, text, usage, at, judgeName(type, text));
  }

  add(type: IndicatorType, value: string, usage: ConnUsage, at: readonly Span[], judged: Judgement): void {
    const key = `${type}:${value}`;
    const known = this.#byKey.get(key);
    const places = known?.at ?? [];
    for (const span of at) if (!places.some((old) => sameSpan(old, span))) places.push(span);
    // One host for a C2 and for something else: it is a C2.
    if (known !== undefined && (usage !== "c2" || known.usage === "c2")) return;
    const { blockable, linkable, why } = isDefault(type, value, this.#defaults)
      ? neither("default of the builder")
      : judgeUsage(type, usage, judged);
    this.#byKey.set(key, {
      type,
      value,
      usage,
      family: this.#family,
      blockable,
      subject: this.#subject,
      linkable,
      ...(why === undefined ? {} : { why }),
      defanged: defangIndicator(type, value),
      at: places,
    });
  }
}

function sameSpan(a: Span, b: Span): boolean {
  return a.artifact === b.artifact && a.offset === b.offset && a.length === b.length;
}
