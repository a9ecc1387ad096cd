/**
 * Plain lists as PAN-OS takes them for external dynamic lists, one entry a line, best first: a firewall that is full
 * skips what comes last. Syntax and caps: "Formatting Guidelines for an External Dynamic List" of PAN-OS 11.
 */
import { normaliseUrl } from "../indicators/index.ts";
import type { Gathered } from "./gather.ts";
import type { Gleaned, Listed } from "./listed.ts";
import { blockingOf } from "./policy.ts";

/** What the smallest platforms hold of each kind, over all their lists. */
export const EDL_CAPS = { ip: 50_000, domain: 50_000, url: 50_000 } as const;
/** Longest entry of a domain or URL list. */
const MAX_ENTRY = 255;

interface EdlKind {
  readonly types: ReadonlySet<Gathered["type"]>;
  readonly cap: number;
  /** The line of an indicator, or why the list cannot say it. */
  readonly line: (value: string) => { readonly line: string } | { readonly why: string };
}

const IP: EdlKind = {
  types: new Set(["ipv4", "ipv6"]),
  cap: EDL_CAPS.ip,
  line: (value) => ({ line: value }),
};

const DOMAIN: EdlKind = {
  types: new Set(["domain"]),
  cap: EDL_CAPS.domain,
  line: (value) =>
    value.length > MAX_ENTRY ? { why: `longer than an entry may be (${MAX_ENTRY})` } : { line: value },
};

const URL: EdlKind = { types: new Set(["url"]), cap: EDL_CAPS.url, line: urlLine };

/**
 * Without the scheme; a host alone ends in a slash, else `example.com` would also match `example.com.evil.test`.
 * `*` and `^` are wildcards there and cannot be escaped; what is not printable ASCII is no URL on the wire.
 */
function urlLine(value: string): { readonly line: string } | { readonly why: string } {
  const url = normaliseUrl(value);
  if (url === undefined) return { why: "no URL" };
  if (url.scheme !== "http" && url.scheme !== "https")
    return { why: `no URL of the web (${url.scheme}): a URL list never meets it` };
  const rest = url.rest.replace(/#.*$/, "");
  const authority = value.slice(url.scheme.length + 3, value.length - url.rest.length);
  if (authority.includes("@")) return { why: "a URL list cannot say user names" };
  if (/[*^]/.test(value)) return { why: "`*` and `^` are wildcards in a URL list" };
  if (!/^[\x21-\x7e]*$/.test(value)) return { why: "not printable ASCII" };
  const line = `${authority}${rest === "" ? "/" : rest}`;
  return line.length > MAX_ENTRY ? { why: `longer than an entry may be (${MAX_ENTRY})` } : { line };
}

function toEdl(kind: EdlKind): (gleaned: Gleaned) => Listed {
  return ({ gathered, ties, options }) => {
    const { block, omissions, notes } = blockingOf(gathered, ties.relations, options, kind.types);
    const lines = new Set<string>();
    let cut = 0;
    for (const { value } of block) {
      const entry = kind.line(value);
      if ("why" in entry) omissions.add(value, entry.why);
      else if (lines.size < kind.cap || lines.has(entry.line)) lines.add(entry.line);
      else {
        cut++;
        omissions.add(value, `beyond the ${kind.cap} entries that every platform holds`);
      }
    }
    const told = cut === 0 ? [] : [`${cut} entries of least confidence cut off at the cap of ${kind.cap}`];
    return {
      chunks: [...lines].map((line) => `${line}\n`),
      leftOut: omissions.list,
      notes: [...told, ...notes],
    };
  };
}

export const toEdlIp = toEdl(IP);
export const toEdlDomain = toEdl(DOMAIN);
export const toEdlUrl = toEdl(URL);
