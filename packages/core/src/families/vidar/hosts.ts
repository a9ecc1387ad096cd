/** Which host of a Vidar config is a dead drop, which a C2, and which neither: by table, never by guess. */
import type { Endpoint } from "../../model/index.ts";
import { isUnder, isUnderBenign } from "../engines/benign-hosts.ts";

export type Platform = "steam" | "telegram" | "mastodon" | "other";

/**
 * Public services that Vidar has kept its C2 address on: Steam, Telegram and Mastodon in most builds since 2021,
 * the others in single campaigns (ASEC, Team Cymru, eSentire, Gen Digital). Subdomains count.
 */
const DEAD_DROP_HOSTS: ReadonlyMap<string, Platform> = new Map([
  ["steamcommunity.com", "steam"],
  ["t.me", "telegram"],
  ["telegram.me", "telegram"],
  ["telegram.dog", "telegram"],
  ["busshi.moe", "mastodon"],
  ["c.im", "mastodon"],
  ["climatejustice.social", "mastodon"],
  ["ieji.de", "mastodon"],
  ["indieweb.social", "mastodon"],
  ["ioc.exchange", "mastodon"],
  ["koyu.space", "mastodon"],
  ["mas.to", "mastodon"],
  ["mastodon.online", "mastodon"],
  ["mastodon.social", "mastodon"],
  ["me.dm", "mastodon"],
  ["mstdn.social", "mastodon"],
  ["nerdculture.de", "mastodon"],
  ["noc.social", "mastodon"],
  ["qoto.org", "mastodon"],
  ["docs.google.com", "other"],
  ["dtf.ru", "other"],
  ["faceit.com", "other"],
  ["pastebin.com", "other"],
  ["pinterest.com", "other"],
  ["telegra.ph", "other"],
  ["tiktok.com", "other"],
  ["tumblr.com", "other"],
  ["ultimate-guitar.com", "other"],
  ["youtube.com", "other"],
]);

/** Services that give every user a host of their own below theirs, whose root is the user's page. */
const USER_HOSTS: ReadonlySet<string> = new Set(["tumblr.com"]);
/** Hosts below those that are the service's own. */
const SERVICE_LABELS: ReadonlySet<string> = new Set(["www", "api", "assets", "static", "media"]);

const URL = /^(https?):\/\/(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}(?:[a-z]{2,24}|xn--[a-z0-9-]{2,40})$/i;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*$/i;
const STEAM_PROFILE = /^\/(?:profiles\/7656119\d{10}|id\/[\w-]{2,64})\/?$/;
const TELEGRAM_CHANNEL = /^\/(?:s\/)?(?:\+[\w-]{8,32}|[A-Za-z]\w{2,31})\/?$/;
const MASTODON_PROFILE = /^\/(?:@|users\/)[\w.-]{1,64}\/?$/;

export type Address = Omit<Endpoint, "usage" | "userAgent">;

/** Domain, IPv4 or IPv6 literal that a machine could talk to: loopback and unspecified addresses are not. */
export function isHost(text: string): boolean {
  if (IPV4.test(text)) {
    const octets = text.split(".").map(Number);
    return octets.every((o) => o <= 255) && octets[0] !== 0 && octets[0] !== 127 && octets[0] !== 255;
  }
  return DOMAIN.test(text) || (IPV6.test(text) && text !== "::1" && text !== "::");
}

/** The parts of an absolute http(s) URL that is all of `text`; undefined when it is not one. */
export function parseUrl(text: string): Address | undefined {
  const match = URL.exec(text);
  if (match === null) return undefined;
  const [, scheme, rawHost, rawPort, path] = match as unknown as [
    string,
    "http" | "https",
    string,
    string?,
    string?,
  ];
  const host = rawHost.replace(/^\[|\]$/g, "");
  const port = rawPort === undefined ? undefined : Number(rawPort);
  if (!isHost(host) || (port !== undefined && (port === 0 || port > 65535))) return undefined;
  return { scheme, host, ...(port === undefined ? {} : { port }), ...(path === undefined ? {} : { path }) };
}

/**
 * The service that a URL is a dead drop on: a known host with a page of somebody's (a blog's host is one), or any
 * Mastodon profile.
 */
export function deadDropPlatform(url: Address): Platform | undefined {
  const host = url.host.toLowerCase();
  const path = url.path ?? "/";
  for (const [parent, platform] of DEAD_DROP_HOSTS) {
    if (isUnder(host, parent)) return path !== "/" || isUsersHost(host, parent) ? platform : undefined;
  }
  if (path === "/") return undefined;
  return MASTODON_PROFILE.test(path) && !IPV4.test(host) ? "mastodon" : undefined;
}

function isUsersHost(host: string, parent: string): boolean {
  const label = host.slice(0, -parent.length - 1);
  return USER_HOSTS.has(parent) && /^[a-z0-9-]+$/.test(label) && !SERVICE_LABELS.has(label);
}

/** True when the page is one user's or channel's, as Vidar's dead drops are; not just any page of the service. */
export function isProfilePage(url: Address): boolean {
  const path = url.path ?? "/";
  switch (deadDropPlatform(url)) {
    case "steam":
      return STEAM_PROFILE.test(path);
    case "telegram":
      return TELEGRAM_CHANNEL.test(path);
    case "mastodon":
      return MASTODON_PROFILE.test(path);
    default:
      return false;
  }
}

/** A host that may never be called a C2. */
export function isBenign(url: Address): boolean {
  const host = url.host.toLowerCase();
  return isUnderBenign(host) || isSharedHost(host);
}

/** Root pages of the dead-drop services themselves: no dead drop, and no C2 either. */
function isSharedHost(host: string): boolean {
  for (const parent of DEAD_DROP_HOSTS.keys()) if (isUnder(host, parent)) return true;
  return false;
}

/** Scheme, host and port alone, as Vidar keeps its C2s. */
export function isOrigin(url: Address): boolean {
  return url.path === undefined || url.path === "/";
}

export function isIpv4(host: string): boolean {
  return IPV4.test(host);
}
