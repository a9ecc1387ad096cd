/**
 * What others said: configs and indicators that assay has not proved. A claim is about one subject (or none that is
 * known) and one family, and stands apart from findings for good: it has no confidence, no evidence and no policy.
 */
import { indicatorsFrom, normaliseUrl } from "../indicators/index.ts";
import type { ConnUsage, IndicatorType } from "../model/index.ts";

export interface ForeignIndicator {
  readonly type: IndicatorType;
  /** Normalised, as assay's own are, so that both meet. */
  readonly value: string;
  readonly usage: ConnUsage;
}

export interface Claim {
  /** Hashes of the files that it speaks of, lower-case hex: MD5, SHA-1, SHA-256. */
  readonly subjects: readonly string[];
  /** As the source calls it. */
  readonly family?: string;
  /** When the source says that it was found: ISO 8601, UTC. */
  readonly at?: string;
  readonly indicators: readonly ForeignIndicator[];
  /** As the source has it, but for what names the file. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface ForeignLeftOut {
  /** As the file has it: hostile. */
  readonly what: string;
  readonly why: string;
}

/** What one file of somebody else says. */
export interface ForeignReport {
  readonly claims: readonly Claim[];
  /** At most MAX_TOLD, and how many there are in all. */
  readonly leftOut: readonly ForeignLeftOut[];
  readonly leftOutCount: number;
}

/** Claims of one file, indicators of one claim. */
export const MAX_CLAIMS = 200_000;
export const MAX_INDICATORS = 50_000;
const MAX_SUBJECTS = 1000;
/** Characters of a config as JSON. */
const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_TOLD = 1000;
/** Longer texts are no names. */
const MAX_NAME = 1024;
const MAX_FAMILY = 256;

/** Gathers what is read of one file. */
export class Reading {
  readonly #claims: Claim[] = [];
  readonly #leftOut: ForeignLeftOut[] = [];
  #leftOutCount = 0;

  leaveOut(what: string, why: string): void {
    this.#leftOutCount++;
    if (this.#leftOut.length < MAX_TOLD) this.#leftOut.push({ what: what.slice(0, MAX_NAME), why });
  }

  /** A claim that says nothing is none. */
  add(draft: Draft): void {
    const claim = draft.claim();
    if (claim === undefined) return;
    if (this.#claims.length >= MAX_CLAIMS)
      this.leaveOut(claim.family ?? "a claim", `more than ${MAX_CLAIMS} of one file`);
    else this.#claims.push(claim);
  }

  get report(): ForeignReport {
    return { claims: this.#claims, leftOut: this.#leftOut, leftOutCount: this.#leftOutCount };
  }
}

/** A claim while it is read. */
export class Draft {
  readonly #reading: Reading;
  readonly #subjects = new Set<string>();
  readonly #indicators = new Map<string, ForeignIndicator>();
  #family: string | undefined;
  #at: string | undefined;
  #config: Readonly<Record<string, unknown>> | undefined;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** A hash in hex; whatever else stands in its place is told. */
  subject(value: unknown): void {
    if (typeof value !== "string" || value === "") return;
    const hash = hashOf(value);
    if (hash === undefined) this.#reading.leaveOut(value, "no MD5, SHA-1 or SHA-256");
    else if (this.#subjects.size < MAX_SUBJECTS) this.#subjects.add(hash);
    else this.#reading.leaveOut(value, `more than ${MAX_SUBJECTS} files of one claim`);
  }

  family(value: unknown): void {
    if (this.#family !== undefined || typeof value !== "string") return;
    const text = value.trim();
    if (text !== "" && text.length <= MAX_FAMILY) this.#family = text;
  }

  at(value: unknown): void {
    this.#at ??= momentOf(value);
  }

  config(value: Readonly<Record<string, unknown>>): void {
    const size = JSON.stringify(value).length;
    if (size > MAX_CONFIG) this.#reading.leaveOut("a config", `of ${size} characters: too large`);
    else if (Object.keys(value).length > 0) this.#config = value;
  }

  add(indicator: ForeignIndicator): void {
    const key = `${indicator.type}:${indicator.value}`;
    const known = this.#indicators.get(key);
    if (known !== undefined) {
      if (indicator.usage === "c2") this.#indicators.set(key, indicator);
    } else if (this.#indicators.size < MAX_INDICATORS) this.#indicators.set(key, indicator);
    else this.#reading.leaveOut(indicator.value, `more than ${MAX_INDICATORS} of one claim`);
  }

  /** A mutex, a campaign, a path: any text. */
  name(type: IndicatorType, value: unknown): void {
    if (typeof value !== "string" && typeof value !== "number") return;
    const text = String(value).trim();
    if (text === "") return;
    if (text.length > MAX_NAME) this.#reading.leaveOut(text, `longer than a ${type} is`);
    else this.add({ type, value: text, usage: "other" });
  }

  /** Whether it was an address: with its host, as findings have theirs. */
  address(text: string, usage: ConnUsage): boolean {
    const keys = addressesOf(text);
    for (const { type, value } of keys) this.add({ type, value, usage });
    return keys.length > 0;
  }

  claim(): Claim | undefined {
    const indicators = [...this.#indicators.values()];
    if (indicators.length === 0 && this.#config === undefined) return undefined;
    return {
      subjects: [...this.#subjects].sort(),
      ...(this.#family === undefined ? {} : { family: this.#family }),
      ...(this.#at === undefined ? {} : { at: this.#at }),
      indicators,
      ...(this.#config === undefined ? {} : { config: this.#config }),
    };
  }
}

const NETWORK: readonly IndicatorType[] = ["domain", "ipv4", "ipv6", "url", "socket"];

/**
 * The indicators of one address, defanged or not: a URL, a socket or a host, and the host within. A host without a dot
 * names nothing to others; a URL that is a scheme and a host is its host (a scheme of its own with a port, a socket).
 */
export function addressesOf(text: string): { readonly type: IndicatorType; readonly value: string }[] {
  const found = indicatorsFrom(text.trim(), NETWORK);
  const [first] = found;
  if (first === undefined) return [];
  const url = first.type === "url" ? normaliseUrl(first.value) : undefined;
  const isWeb = url !== undefined && /^(?:https?|ftps?|wss?)$/.test(url.scheme);
  const own = found.filter(({ type }) => {
    if (type === "url") return isWeb && url !== undefined && (url.rest !== "" || url.port !== undefined);
    return type !== "socket" || !isWeb;
  });
  const host = url?.host ?? hostWithin(first);
  if (host !== undefined && host.type === "domain" && !host.value.includes(".")) return [];
  const all = host === undefined ? own : [...own, host];
  return [...new Map(all.map(({ type, value }) => [`${type}:${value}`, { type, value }])).values()];
}

function hostWithin({ type, value }: { readonly type: IndicatorType; readonly value: string }) {
  if (type !== "socket") return { type, value };
  const [host] = indicatorsFrom(value.slice(0, value.lastIndexOf(":")), ["domain", "ipv4", "ipv6"]);
  return host;
}

export function hashOf(value: string): string | undefined {
  const text = value.trim();
  return /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text) ? text.toLowerCase() : undefined;
}

/** Dates before malware, and after any that a source can know, are slips. */
const FIRST_YEAR = 1990;
const LAST_YEAR = 2100;

/**
 * A moment: ISO 8601 (a blank for its T, no zone for UTC), a day, or seconds since 1970. Undefined for anything else,
 * such as what only some engines' Date would read.
 */
export function momentOf(value: unknown): string | undefined {
  if (typeof value === "number" || (typeof value === "string" && /^\d{9,10}$/.test(value)))
    return within(Number(value) * 1000);
  if (typeof value !== "string") return undefined;
  const match =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(Z|UTC|[+-]\d\d:?\d\d)?)?$/.exec(
      value.trim(),
    );
  if (match === null) return undefined;
  const [, day, time = "00:00:00", zone = "Z"] = match;
  const offset = zone === "UTC" ? "Z" : zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2");
  const at = Date.parse(`${day}T${time.replace(/(\.\d{3})\d+$/, "$1")}${offset}`);
  // Date takes the thirtieth of February for the first of March.
  const isDay = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day ?? " ") ?? false;
  return isDay ? within(at) : undefined;
}

function within(at: number): string | undefined {
  if (!Number.isFinite(at)) return undefined;
  const date = new Date(at);
  const year = date.getUTCFullYear();
  return year >= FIRST_YEAR && year <= LAST_YEAR ? date.toISOString() : undefined;
}
