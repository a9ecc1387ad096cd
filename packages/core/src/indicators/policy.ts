/** Whether an indicator may be blocked, and whether it may tie samples together. The facts are in policy-tables.ts. */
import { parse } from "tldts";
import type { ConnUsage, IndicatorType } from "../model/index.ts";
import { inRange, mappedIpv4, parseIpv4, parseIpv6, type Range, range } from "./address.ts";
import type { Host, Url } from "./normalise.ts";
import {
  AUTOSTART_KEYS,
  CDN,
  GENERIC_NAMES,
  type HostEntry,
  type RangeEntry,
  RESERVED,
  RESOLVERS,
  SHARED_HOSTS,
  SINKHOLES,
  SPECIAL_NAMES,
} from "./policy-tables.ts";

export interface Judgement {
  readonly blockable: boolean;
  readonly linkable: boolean;
  /** Absent when both are true, or when the type alone is the reason (nobody blocks a mutex on a network). */
  readonly why?: string;
}

/** What may be added to the tables by whoever asks. */
export interface Policy {
  readonly ranges: readonly RangeEntry[];
  readonly hosts: readonly HostEntry[];
}

export const DEFAULT_POLICY: Policy = {
  // Resolvers first: some lie in a CDN's ranges.
  ranges: [...RESERVED, ...RESOLVERS, ...SINKHOLES, ...CDN],
  hosts: [...SPECIAL_NAMES, ...SHARED_HOSTS],
};

const FREE: Judgement = { blockable: true, linkable: true };
const ON_HOST: Judgement = { blockable: false, linkable: true };
/** Shorter names collide by chance. */
const MIN_NAME = 4;
const SUFFIXES = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;

/** A policy's tables made ready to look up. */
interface Compiled {
  readonly ranges: readonly { readonly range: Range; readonly why: string }[];
  readonly hosts: ReadonlyMap<string, HostEntry>;
}

const compiled = new WeakMap<Policy, Compiled>();

function compile(policy: Policy): Compiled {
  let ready = compiled.get(policy);
  if (ready === undefined) {
    ready = {
      ranges: policy.ranges.flatMap(({ ranges, why }) => ranges.map((text) => ({ range: range(text), why }))),
      hosts: new Map(policy.hosts.flatMap((entry) => entry.hosts.map((host) => [host, entry] as const))),
    };
    compiled.set(policy, ready);
  }
  return ready;
}

export function judgeHost(host: Host, policy: Policy = DEFAULT_POLICY): Judgement {
  return host.type === "domain" ? judgeDomain(host.value, policy) : judgeAddress(host.value, policy);
}

function judgeAddress(text: string, policy: Policy): Judgement {
  const bytes = parseIpv4(text) ?? parseIpv6(text);
  if (bytes === undefined) return neither("no address");
  const address = mappedIpv4(bytes) ?? bytes;
  const hit = compile(policy).ranges.find((entry) => inRange(address, entry.range));
  return hit === undefined ? FREE : neither(hit.why);
}

function judgeDomain(name: string, policy: Policy): Judgement {
  const shared = sharedEntry(name, policy);
  if (shared !== undefined) return neither(shared.why);
  if (!name.includes(".")) return neither("name without a domain");
  // Dynamic DNS and free hosting stand in the list too, so that their customers' names are domains of their own.
  if (parse(name, SUFFIXES).domain === null)
    return neither("public suffix: names under it are other people's");
  return FREE;
}

/**
 * The entry of the name itself or of the nearest parent that has one. None for what a service gives out below itself
 * by the list of public suffixes (`x.blob.core.windows.net`): that is its customer's.
 */
function sharedEntry(name: string, policy: Policy): HostEntry | undefined {
  const { hosts } = compile(policy);
  for (let at = 0; ; at = name.indexOf(".", at) + 1) {
    const entry = hosts.get(name.slice(at));
    if (entry !== undefined) return isCustomers(name, name.length - at) ? undefined : entry;
    if (name.indexOf(".", at) < 0) return undefined;
  }
}

function isCustomers(name: string, shared: number): boolean {
  const { domain, isPrivate, publicSuffix } = parse(name, SUFFIXES);
  return domain !== null && isPrivate === true && (publicSuffix as string).length > shared;
}

/**
 * A URL is as good as its host. On a shared host a page may be one operator's: it ties samples together, but blocking
 * is left to those who know whether their proxies see the path.
 */
export function judgeUrl(url: Url, policy: Policy = DEFAULT_POLICY): Judgement {
  const host = judgeHost(url.host, policy);
  return onShared(url.host, url.rest !== "", host, "page on a", policy);
}

/** A port of a tunnel is one customer's for a while; any other shared host serves all on one port. */
export function judgeSocket(host: Host, policy: Policy = DEFAULT_POLICY): Judgement {
  const tunnel = host.type === "domain" && /\(tunnel/.test(sharedEntry(host.value, policy)?.why ?? "");
  return onShared(host, tunnel, judgeHost(host, policy), "port on a", policy);
}

function onShared(host: Host, own: boolean, judged: Judgement, what: string, policy: Policy): Judgement {
  const entry = host.type === "domain" && own ? sharedEntry(host.value, policy) : undefined;
  if (entry?.ownPages !== true) return judged;
  return { blockable: false, linkable: true, why: `${what} ${entry.why}` };
}

/**
 * What the malware itself says of an address counts too: the host of a dead drop is a public service, also when no
 * table knows it yet, and its page the operator's; a decoy is somebody else's.
 */
export function judgeUsage(type: IndicatorType, usage: ConnUsage, judged: Judgement): Judgement {
  if (usage === "decoy") return neither("decoy: an address that is there to mislead");
  if (usage !== "dead_drop_resolver" || !judged.blockable) return judged;
  if (type === "url") return { blockable: false, linkable: true, why: "page of a dead drop" };
  return neither("host of a dead drop");
}

/** What is seen on an infected machine or nowhere, but not on a network. */
export function judgeName(type: IndicatorType, value: string): Judgement {
  switch (type) {
    case "user_agent":
      return neither("user agents are a family's or a browser's, not an operator's");
    case "registry":
      return AUTOSTART_KEYS.some((end) => value.toLowerCase().endsWith(end))
        ? neither("autostart key of the system")
        : ON_HOST;
    case "certificate":
    case "token":
    case "licence":
    case "file":
      return ON_HOST;
    default:
      if (GENERIC_NAMES.has(value.toLowerCase())) return neither("a name that anybody may choose");
      return value.length < MIN_NAME ? neither("too short to tie samples together") : ON_HOST;
  }
}

/**
 * Whether a value is what the builder fills in when its operator does not. A path is one too when each of its parts
 * is, folders of the system aside.
 */
export function isDefault(
  type: IndicatorType,
  value: string,
  defaults: Readonly<Record<string, readonly string[]>>,
): boolean {
  const known = (defaults[type] ?? []).map((entry) => entry.toLowerCase());
  const text = value.toLowerCase();
  if (known.length === 0) return false;
  if (known.includes(text)) return true;
  if (type !== "file") return false;
  const parts = text
    .split(/[\\/]/)
    .filter((part) => part !== "" && !/^(?:%[^%]*%|<[^>]*>|[a-z]:)$/.test(part));
  return parts.length > 0 && parts.every((part) => known.includes(part));
}

export function neither(why: string): Judgement {
  return { blockable: false, linkable: false, why };
}
