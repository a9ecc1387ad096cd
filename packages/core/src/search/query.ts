/**
 * The language of `assay search`:
 *
 *     query  = term { blank term }                  all terms hold
 *     term   = [ "-" ] [ key ":" ] value { "," value }    one of the values; "-": none of them
 *     value  = '"' any text '"' | text without blanks and commas
 *
 * `family:remcos c2:77.105.132.0/24 since:2024-01 -version:"4.9*"`. A `*` stands for any text. Addresses may be
 * defanged. A value without a key is anything that it may be: an address, a hash, a mutex, any value of a config.
 */
import { fail, ok, type Result } from "../bytes/index.ts";
import { formatIpv6, parseIpv4, parseIpv6, range } from "../indicators/address.ts";
import {
  type IndicatorKey,
  indicatorsFrom,
  refang,
  type Targets,
  TYPE_NAMES,
  targetsOf,
} from "../indicators/index.ts";
import type { IndicatorType } from "../model/index.ts";

/** Longer queries are refused. */
const MAX_LENGTH = 4096;
const MAX_TERMS = 32;
const MAX_VALUES = 64;

/** A text that is looked for as it is, or with parts left open. */
export type TextMatch =
  | { readonly is: "exactly"; readonly text: string }
  /** The parts between the stars: `a*b` is ["a", "b"]. */
  | { readonly is: "like"; readonly parts: readonly string[] };

/** A property of a sample or of a finding in it. */
export type Property = "family" | "version" | "layout" | "confidence" | "outcome" | "format" | "name";

export type Condition =
  | { readonly kind: "property"; readonly property: Property; readonly match: TextMatch }
  | { readonly kind: "hash"; readonly hash: NonNullable<Targets["hash"]> }
  | { readonly kind: "indicator"; readonly keys: readonly IndicatorKey[]; readonly c2: boolean }
  | {
      readonly kind: "indicator-like";
      readonly types: readonly IndicatorType[];
      readonly match: TextMatch;
      readonly c2: boolean;
    }
  /** First and last address of a range. */
  | { readonly kind: "range"; readonly first: string; readonly last: string; readonly c2: boolean }
  /** `name`: of the field, joined by dots; undefined for any. */
  | { readonly kind: "config"; readonly name: string | undefined; readonly match: TextMatch }
  /** ISO 8601: seen at or after `since`, or before `before`. */
  | { readonly kind: "seen"; readonly since: string }
  | { readonly kind: "seen"; readonly before: string };

export interface Term {
  readonly negated: boolean;
  /** One of them holds. */
  readonly anyOf: readonly Condition[];
}

export interface QueryError {
  /** Position in the query, from 0. */
  readonly at: number;
  readonly text: string;
}

const PROPERTIES: ReadonlySet<string> = new Set<Property>([
  "family",
  "version",
  "layout",
  "confidence",
  "outcome",
  "format",
  "name",
]);
const NETWORK: readonly IndicatorType[] = ["domain", "ipv4", "ipv6", "url", "socket"];

/** Every key, for help texts. */
export const SEARCH_KEYS: readonly string[] = [
  ...PROPERTIES,
  ...["hash", "c2", "host", "ip", "since", "until", "config.FIELD"],
  ...TYPE_NAMES.keys(),
];

export function parseQuery(text: string): Result<readonly Term[], QueryError> {
  if (text.length > MAX_LENGTH) return fail({ at: MAX_LENGTH, text: `longer than ${MAX_LENGTH} characters` });
  const terms: Term[] = [];
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, at)) {
    if (terms.length >= MAX_TERMS) return fail({ at, text: `more than ${MAX_TERMS} terms` });
    const begin = at;
    const negated = text[at] === "-";
    if (negated) at++;
    const key = keyAt(text, at);
    if (key !== undefined) at += key.length + 1;
    const values: string[] = [];
    for (;;) {
      const value = valueAt(text, at);
      if (!value.ok) return value;
      at = value.value.end;
      if (value.value.text !== "") values.push(value.value.text);
      if (text[at] !== ",") break;
      at++;
    }
    if (values.length === 0) return fail({ at: begin, text: "a value is missing" });
    if (values.length > MAX_VALUES) return fail({ at: begin, text: `more than ${MAX_VALUES} values` });
    const anyOf: Condition[] = [];
    for (const value of values) {
      const conditions = conditionsOf(key?.toLowerCase(), value);
      if (typeof conditions === "string") return fail({ at: begin, text: conditions });
      anyOf.push(...conditions);
    }
    terms.push({ negated, anyOf });
  }
  return terms.length === 0 ? fail({ at: 0, text: "nothing is asked for" }) : ok(terms);
}

function skipBlanks(text: string, at: number): number {
  while (at < text.length && /\s/.test(text[at] as string)) at++;
  return at;
}

/** The key before a colon, when it is one: `c2:x`, but not the `tcp` of `tcp://x`, nor a host before its port. */
function keyAt(text: string, at: number): string | undefined {
  const end = text.indexOf(":", at);
  // The longest key is config. and the name of a field.
  if (end < 0 || end - at > 128) return undefined;
  const key = text.slice(at, end);
  return isKey(key.toLowerCase()) ? key : undefined;
}

function isKey(key: string): boolean {
  return (
    PROPERTIES.has(key) ||
    TYPE_NAMES.has(key) ||
    ["hash", "sha256", "sha1", "md5", "c2", "host", "ip", "since", "until"].includes(key) ||
    /^config\.[^\s",:]+$/.test(key)
  );
}

function valueAt(
  text: string,
  at: number,
): Result<{ readonly text: string; readonly end: number }, QueryError> {
  if (text[at] === '"') {
    const end = text.indexOf('"', at + 1);
    return end < 0
      ? fail({ at, text: "a quotation mark is not closed" })
      : ok({ text: text.slice(at + 1, end), end: end + 1 });
  }
  let end = at;
  while (end < text.length && !/[\s,]/.test(text[end] as string)) end++;
  return ok({ text: text.slice(at, end), end });
}

/** What a value under a key asks for; a string says why it asks for nothing. */
function conditionsOf(key: string | undefined, value: string): readonly Condition[] | string {
  if (key === undefined) return anything(value);
  if (PROPERTIES.has(key)) return propertyConditions(key as Property, value);
  switch (key) {
    case "hash":
    case "sha256":
    case "sha1":
    case "md5": {
      const { hash } = targetsOf(value);
      return hash === undefined || (key !== "hash" && hash.kind !== key)
        ? `${key}: a hash in hex is expected`
        : [{ kind: "hash", hash }];
    }
    case "since": {
      const since = instantOf(value, false);
      return since === undefined ? DATES : [{ kind: "seen", since }];
    }
    case "until": {
      const before = instantOf(value, true);
      return before === undefined ? DATES : [{ kind: "seen", before }];
    }
    case "c2":
      return indicatorConditions(key, value, NETWORK, true);
    case "host":
      return indicatorConditions(key, value, ["domain", "ipv4", "ipv6"], false);
    case "ip":
      return indicatorConditions(key, value, ["ipv4", "ipv6"], false);
    default: {
      const type = TYPE_NAMES.get(key);
      if (type !== undefined) return indicatorConditions(key, value, [type], false);
      return [{ kind: "config", name: key.slice("config.".length), match: matchOf(value) }];
    }
  }
}

const DATES = "a date such as 2024, 2024-01 or 2024-01-31 is expected";

/** `remcos` is win.remcos as well, and `quasar` win.quasar_rat. */
function propertyConditions(property: Property, value: string): readonly Condition[] {
  const match = matchOf(value);
  if (property !== "family" || match.is !== "exactly") return [{ kind: "property", property, match }];
  const name = match.text.toLowerCase();
  const forms: TextMatch[] = [{ is: "exactly", text: name }];
  if (!name.includes("."))
    forms.push({ is: "like", parts: ["", `.${name}`] }, { is: "like", parts: ["", `.${name}_`, ""] });
  return forms.map((form) => ({ kind: "property", property, match: form }));
}

function indicatorConditions(
  key: string,
  value: string,
  types: readonly IndicatorType[],
  c2: boolean,
): readonly Condition[] | string {
  if (types.includes("ipv4") || types.includes("ipv6")) {
    const ends = rangeOf(value);
    if (ends !== undefined) return [{ kind: "range", ...ends, c2 }];
  }
  if (value.includes("*")) {
    const isNetwork = types.some((type) => NETWORK.includes(type));
    const match = matchOf(isNetwork ? refang(value).toLowerCase() : value);
    return [{ kind: "indicator-like", types, match, c2 }];
  }
  const keys = indicatorsFrom(value, types);
  return keys.length === 0 ? `${key}: ${value} is none` : [{ kind: "indicator", keys, c2 }];
}

function anything(value: string): readonly Condition[] | string {
  const ends = rangeOf(value);
  if (ends !== undefined) return [{ kind: "range", ...ends, c2: false }];
  const match = matchOf(value);
  const inConfig: Condition = { kind: "config", name: undefined, match };
  if (match.is === "like") return [{ kind: "property", property: "name", match }, inConfig];
  const { indicators, hash } = targetsOf(value);
  return [
    { kind: "indicator", keys: indicators, c2: false },
    ...(hash === undefined ? [] : [{ kind: "hash" as const, hash }]),
    inConfig,
  ];
}

function matchOf(value: string): TextMatch {
  return value.includes("*") ? { is: "like", parts: value.split("*") } : { is: "exactly", text: value };
}

/** First and last address of `77.105.132.0/24`, defanged or not; undefined for what is no range. */
export function rangeOf(text: string): { readonly first: string; readonly last: string } | undefined {
  const match = /^([0-9a-f:.]{2,45})\/(\d{1,3})$/i.exec(refang(text));
  const bytes = match?.[1] === undefined ? undefined : (parseIpv4(match[1]) ?? parseIpv6(match[1]));
  if (match === null || bytes === undefined || Number(match[2]) > bytes.length * 8) return undefined;
  const { bits } = range(match[0]);
  const first = bytes.map((byte, i) => byte & maskOf(bits - 8 * i));
  const last = bytes.map((byte, i) => byte | (~maskOf(bits - 8 * i) & 0xff));
  return { first: addressText(first), last: addressText(last) };
}

/** The first `bits` bits of a byte. */
function maskOf(bits: number): number {
  return (0xff00 >> Math.min(8, Math.max(0, bits))) & 0xff;
}

function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

/** The first moment of a year, month or day in UTC; `end`: the first moment after it. */
function instantOf(text: string, end: boolean): string | undefined {
  const match = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const at = Date.UTC(year as number, (month ?? 1) - 1, day ?? 1);
  const isDate =
    new Date(at).toISOString().slice(0, 10) === `${match[1]}-${match[2] ?? "01"}-${match[3] ?? "01"}`;
  if (!isDate) return undefined;
  if (!end) return new Date(at).toISOString();
  const next =
    day !== undefined
      ? Date.UTC(year as number, (month as number) - 1, day + 1)
      : Date.UTC((year as number) + (month === undefined ? 1 : 0), month ?? 0, 1);
  return new Date(next).toISOString();
}
