/** What somebody put into the box: one value, a search, or a text with indicators in it. */
import { readForeign } from "@assay/core/foreign/read";
import { refang } from "@assay/core/indicators/defang";
import { parseQuery } from "@assay/core/search/query";

export interface Picked {
  /** As `GET /api/v1/pivot` takes it: `domain:…`, or a hash. */
  readonly key: string;
  readonly type: string;
  readonly value: string;
}

export type Asked =
  | { readonly kind: "nothing" }
  /** What shares this value. */
  | { readonly kind: "value"; readonly value: string }
  /** Samples that meet this query. */
  | { readonly kind: "search"; readonly query: string }
  | { readonly kind: "text"; readonly text: string };

/** Longer lines are no value: the server takes no longer ones. */
const MAX_VALUE = 4096;
/** `family:`, `-outcome:`, `since:` …: keys of the search that are no indicator's type. */
const SEARCH =
  /(?:^|\s)-?(?:family|version|layout|confidence|outcome|format|name|since|before|until|c2|config(?:\.[\w.]+)?):\S/i;

export function askedFor(text: string): Asked {
  const value = text.trim();
  if (value === "") return { kind: "nothing" };
  if (/[\r\n]/.test(value) || value.length > MAX_VALUE) return { kind: "text", text };
  if (SEARCH.test(value) && parseQuery(value).ok) return { kind: "search", query: value };
  if (!/\s/.test(value) || /^[a-z0-9_]+:/i.test(value)) return { kind: "value", value };
  // A sentence with indicators in it is a text; a few words without are a value as configs have them.
  return pick(value).found.length > 0 ? { kind: "text", text } : { kind: "value", value };
}

export interface Reading {
  readonly found: readonly Picked[];
  /** What stands there and may be meant, but was not defanged; or is none. Hostile. */
  readonly leftOut: readonly { readonly what: string; readonly why: string }[];
  readonly leftOutCount: number;
  /** As what it was read: `text with indicators`, `MISP event`. */
  readonly title: string;
}

const NOTHING: Reading = { found: [], leftOut: [], leftOutCount: 0, title: "" };

export function pick(text: string): Reading {
  const read = readForeign(new TextEncoder().encode(text));
  const hashes = new Set<string>();
  const found = new Map<string, Picked>();
  if (!read.ok) return { ...NOTHING, title: read.error };
  for (const claim of read.value.claims) {
    for (const hash of claim.subjects) hashes.add(hash);
    for (const { type, value } of claim.indicators)
      found.set(`${type}:${value}`, { key: `${type}:${value}`, type, value });
  }
  // A text that holds hashes alone makes no claim.
  for (const [hash] of text.matchAll(HASH)) hashes.add(hash.toLowerCase());
  for (const hash of hashes) found.set(hash, { key: hash, type: hashType(hash), value: hash });
  const { leftOut, leftOutCount, title } = read.value;
  return { found: [...found.values()], leftOut, leftOutCount, title };
}

const HASH = /(?<![0-9a-z])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-z])/gi;

function hashType(hash: string): string {
  return hash.length === 64 ? "sha256" : hash.length === 40 ? "sha1" : "md5";
}

/** A word that was left out, as a pivot takes it. */
export function meant(what: string): string {
  return refang(what.trim().replace(/^[("'<[]+|[)"'>\],;:.!?]+$/g, ""));
}
