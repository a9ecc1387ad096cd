/**
 * A user's allow and deny lists: one entry a line, a domain (with everything under it), an IP address, a range in CIDR
 * form, a socket `host:port`, or a URL. `#` and `;` begin comments, defanged forms are read as what they mean.
 */
import {
  type Host,
  inRange,
  normaliseDomain,
  normaliseHost,
  normaliseUrl,
  parseIpv4,
  parseIpv6,
  type Range,
  range,
  refang,
  socketText,
} from "../indicators/index.ts";
import type { IndicatorType } from "../model/index.ts";

/** Longer lines are no entries. */
const MAX_LINE = 4096;

export interface UserList {
  /** The entry that covers an indicator, as normalised; undefined when none does. */
  readonly covers: (type: IndicatorType, value: string) => string | undefined;
  /** The entry about one page or port of a host: a block of the host would block that too. */
  readonly within: (host: string) => string | undefined;
  readonly size: number;
}

export interface BadLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Every line that is no entry is told: an allow list that is read by half does harm. */
export function parseUserList(text: string): { readonly list: UserList; readonly bad: readonly BadLine[] } {
  const list = new Entries();
  const bad: BadLine[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const entry = raw.replace(/(?:^|\s)[#;].*$/s, "").trim();
    if (entry === "") continue;
    if (entry.length > MAX_LINE || !list.add(refang(entry))) bad.push({ line: index + 1, text: raw });
  }
  return { list, bad };
}

class Entries implements UserList {
  readonly #domains = new Set<string>();
  readonly #exact = new Set<string>();
  readonly #ranges: { readonly text: string; readonly range: Range }[] = [];
  /** Host → entry about a part of it. */
  readonly #parts = new Map<string, string>();
  size = 0;

  add(entry: string): boolean {
    const added =
      this.#addUrl(entry) || this.#addRange(entry) || this.#addHost(entry) || this.#addSocket(entry);
    if (added) this.size++;
    return added;
  }

  #addUrl(entry: string): boolean {
    const url = normaliseUrl(entry);
    if (url === undefined) return false;
    this.#exact.add(url.value);
    this.#parts.set(url.host.value, url.value);
    return true;
  }

  #addRange(entry: string): boolean {
    const match = /^([0-9a-fA-F:.]{2,45})\/(\d{1,3})$/.exec(entry);
    const bytes = match?.[1] === undefined ? undefined : (parseIpv4(match[1]) ?? parseIpv6(match[1]));
    if (bytes === undefined || Number(match?.[2]) > bytes.length * 8) return false;
    this.#ranges.push({ text: entry, range: range(entry) });
    return true;
  }

  #addHost(entry: string): boolean {
    const host = normaliseHost(entry.replace(/^\*\.|\.$/, ""));
    if (host === undefined) return false;
    if (host.type === "domain") this.#domains.add(host.value);
    else this.#exact.add(host.value);
    return true;
  }

  #addSocket(entry: string): boolean {
    const colon = entry.lastIndexOf(":");
    const host = normaliseHost(entry.slice(0, Math.max(colon, 0)));
    const port = /^\d{1,5}$/.test(entry.slice(colon + 1)) ? Number(entry.slice(colon + 1)) : 0;
    const socket = host === undefined ? undefined : socketText(host, port);
    if (host === undefined || socket === undefined) return false;
    this.#exact.add(socket);
    this.#parts.set(host.value, socket);
    return true;
  }

  covers(type: IndicatorType, value: string): string | undefined {
    if (this.size === 0) return undefined;
    if (this.#exact.has(value)) return value;
    const host = hostOf(type, value);
    if (host === undefined) return undefined;
    if (host.type === "domain") return this.#parentOf(host.value);
    if (this.#exact.has(host.value)) return host.value;
    const bytes = parseIpv4(host.value) ?? parseIpv6(host.value);
    return bytes && this.#ranges.find((entry) => inRange(bytes, entry.range))?.text;
  }

  #parentOf(name: string): string | undefined {
    for (let at = 0; ; ) {
      if (this.#domains.has(name.slice(at))) return name.slice(at);
      const dot = name.indexOf(".", at);
      if (dot < 0) return undefined;
      at = dot + 1;
    }
  }

  within(host: string): string | undefined {
    return this.#parts.get(host);
  }
}

/** The host of an address in an indicator's normalised form; undefined for what is no address. */
export function hostOf(type: IndicatorType, value: string): Host | undefined {
  switch (type) {
    case "domain": {
      const name = normaliseDomain(value);
      return name === undefined ? undefined : { type, value: name };
    }
    case "ipv4":
    case "ipv6":
      return normaliseHost(value);
    case "socket":
      return normaliseHost(value.slice(0, Math.max(value.lastIndexOf(":"), 0)));
    case "url":
      return normaliseUrl(value)?.host;
    default:
      return undefined;
  }
}
