/**
 * Addresses that differ by one character: a slip of the operator's hand, or of a report's. Flagged for people to look
 * at; never merged, never mended.
 *
 * Most pairs at distance one are no slip, so only these count:
 * - IPv4: one octet has a digit more than the other's (177.105.132.70 and 77.105.132.70). Octets of equal length that
 *   differ in a digit are neighbours in a network, which operators rent by the row (1.2.3.4 and 1.2.3.5), and so are
 *   the last octets of one /24 however they are written (1.2.3.4 and 1.2.3.14).
 * - Domains: one character inserted, deleted or changed in the registrable label when the shorter has 8 characters or
 *   more, the public suffix and everything before the label alike. In shorter labels chance does it, and a changed or
 *   added digit is a numbered series (gate-server1, gate-server2). Punycode labels are left out: one edit of
 *   them is not one of the name.
 */
import { parse } from "tldts";
import { parseIpv4 } from "./address.ts";

const MIN_LABEL = 8;
/** Deletions of a label make its neighbourhood; the DNS has no longer one. */
const MAX_LABEL = 63;
/** Values that share a deletion are compared two by two; more than this many are a generated series, not slips. */
const MAX_BUCKET = 16;
/** As is a value with more partners than this. */
const MAX_PARTNERS = 4;
const SUFFIXES = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;

export interface NearDuplicate {
  /** Of two, the one that sorts first. */
  readonly a: string;
  readonly b: string;
  readonly why: string;
}

interface Name {
  readonly before: string;
  readonly label: string;
  readonly suffix: string;
}

/**
 * The pairs among IPv4 addresses and domain names (normalised). Each value is hashed under every text that deleting
 * one character of it gives, so that the work grows with the values and not with their pairs.
 */
export function nearDuplicates(values: Iterable<string>): NearDuplicate[] {
  const buckets = new Map<string, string[]>();
  const names = new Map<string, Name>();
  for (const value of new Set(values)) {
    const name = parseIpv4(value) === undefined ? registrable(value) : undefined;
    if (name !== undefined) names.set(value, name);
    for (const key of neighbourhood(value, name)) {
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [value]);
      else bucket.push(value);
    }
  }
  const pairs = new Map<string, NearDuplicate>();
  const partners = new Map<string, number>();
  for (const bucket of buckets.values()) {
    if (bucket.length < 2) continue;
    if (bucket.length > MAX_BUCKET) {
      for (const value of bucket) partners.set(value, bucket.length);
      continue;
    }
    for (const [i, first] of bucket.entries()) {
      for (const second of bucket.slice(i + 1)) {
        const [a, b] = first < second ? [first, second] : [second, first];
        const key = `${a} ${b}`;
        const why = pairs.has(key) ? undefined : slip(a, b, names);
        if (why === undefined) continue;
        pairs.set(key, { a, b, why });
        for (const value of [a, b]) partners.set(value, (partners.get(value) ?? 0) + 1);
      }
    }
  }
  const few = (value: string) => (partners.get(value) as number) <= MAX_PARTNERS;
  return [...pairs.values()]
    .filter(({ a, b }) => few(a) && few(b))
    .sort((x, y) => compare(x.a, y.a) || compare(x.b, y.b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An address with its deletions; a name with those of its label; nothing for names that do not count. */
function neighbourhood(value: string, name: Name | undefined): Set<string> {
  if (name === undefined)
    return parseIpv4(value) === undefined ? new Set() : new Set([value, ...deletions(value)]);
  const { before, label, suffix } = name;
  return new Set([label, ...deletions(label)].map((text) => `${before}|${text}|${suffix}`));
}

function* deletions(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) yield text.slice(0, i) + text.slice(i + 1);
}

function registrable(name: string): Name | undefined {
  const { domain, domainWithoutSuffix: label, publicSuffix: suffix, subdomain } = parse(name, SUFFIXES);
  if (domain === null || label === null || label === "" || suffix === null || label.startsWith("xn--"))
    return undefined;
  return label.length < MIN_LABEL || label.length > MAX_LABEL
    ? undefined
    : { before: subdomain ?? "", label, suffix };
}

/** Why two values may be one that was mistyped; undefined when they are not one edit apart, or are not worth a flag. */
function slip(a: string, b: string, names: ReadonlyMap<string, Name>): string | undefined {
  const [x, y] = [names.get(a), names.get(b)];
  if (x === undefined && y === undefined) return addressSlip(a.split("."), b.split("."));
  if (x === undefined || y === undefined || x.before !== y.before || x.suffix !== y.suffix) return undefined;
  return labelSlip(x.label, y.label);
}

function addressSlip(a: readonly string[], b: readonly string[]): string | undefined {
  const differing = a.flatMap((octet, i) => (octet === b[i] ? [] : [i]));
  const [index] = differing;
  if (differing.length !== 1 || index === undefined || index === 3) return undefined;
  const [x, y] = [a[index] as string, b[index] as string];
  const [short, long] = x.length < y.length ? [x, y] : [y, x];
  if (long.length !== short.length + 1 || ![...deletions(long)].includes(short)) return undefined;
  return `octet ${index + 1} has one digit more or less: ${short} and ${long}`;
}

function labelSlip(a: string, b: string): string | undefined {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  const extra = long.length - short.length;
  if (extra > 1 || short.slice(start + 1 - extra) !== long.slice(start + 1)) return undefined;
  const [gone, come] = [extra === 1 ? "" : (short[start] as string), long[start] as string];
  if (/^\d?$/.test(gone) && /^\d$/.test(come)) return undefined;
  return gone === ""
    ? `one character more or less: "${come}" at place ${start + 1}`
    : `one character differs at place ${start + 1}: "${gone}" and "${come}"`;
}

/** What may stand in a label. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz-";
const DIGITS = "0123456789";

/**
 * Every value that `nearDuplicates` could pair with this one, and some that it would not: to look them up where comparing
 * all is too much. Some hundred for a name, some dozen for an address; none for what no slip is flagged of.
 */
export function slipsOf(value: string): Set<string> {
  const slips = new Set(parseIpv4(value) === undefined ? nameSlips(value) : addressSlips(value.split(".")));
  slips.delete(value);
  return slips;
}

function* addressSlips(octets: readonly string[]): Generator<string> {
  // An octet is written without leading zeros.
  for (const [i, octet] of octets.slice(0, 3).entries())
    for (const other of [...deletions(octet), ...insertions(octet, DIGITS)])
      if (/^(?:0|[1-9]\d{0,2})$/.test(other) && Number(other) < 256)
        yield octets.map((same, at) => (at === i ? other : same)).join(".");
}

function* nameSlips(value: string): Generator<string> {
  const name = registrable(value);
  if (name === undefined) return;
  const { before, label, suffix } = name;
  const alphabet = LETTERS + DIGITS;
  for (const other of [...deletions(label), ...insertions(label, alphabet), ...changes(label, alphabet)])
    if (other.length >= MIN_LABEL) yield `${before === "" ? "" : `${before}.`}${other}.${suffix}`;
}

function* insertions(text: string, alphabet: string): Generator<string> {
  for (let i = 0; i <= text.length; i++)
    for (const char of alphabet) yield text.slice(0, i) + char + text.slice(i);
}

function* changes(text: string, alphabet: string): Generator<string> {
  for (let i = 0; i < text.length; i++)
    for (const char of alphabet) yield text.slice(0, i) + char + text.slice(i + 1);
}
