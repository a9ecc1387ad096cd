/** One text for one thing: how hosts, URLs and sockets are written as indicators. */
import { formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { toAsciiLabel } from "./punycode.ts";

/** What the DNS can carry (RFC 1035, 2.3.4), in the text form. */
const MAX_DOMAIN = 253;
/** Underscores stand in names of hosts that no registrar would sell but any DNS server answers. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** A config's URL is shorter by far; longer ones are kept in the config alone. */
const MAX_URL = 4096;

export interface Host {
  readonly type: "domain" | "ipv4" | "ipv6";
  readonly value: string;
}

/**
 * A domain name: lower-case, without the trailing dot, other scripts as `xn--` labels (RFC 3492 after NFC; `xn--`
 * stays). Undefined when it is none, as is a dotted name whose last label is a number (an address gone wrong).
 */
export function normaliseDomain(text: string): string | undefined {
  const labels = text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\u3002\uff0e\uff61]/g, ".")
    .replace(/\.$/, "")
    .split(".");
  const ascii = labels.map(toAsciiLabel);
  if (!ascii.every((label) => label !== undefined && LABEL.test(label))) return undefined;
  const name = ascii.join(".");
  return name.length > MAX_DOMAIN || /^(?:\d+|0x[0-9a-f]*)$/.test(ascii.at(-1) as string) ? undefined : name;
}

/** An address or a name. IPv6 in the form of RFC 5952, without brackets. */
export function normaliseHost(text: string): Host | undefined {
  if (text.length > MAX_DOMAIN + 2) return undefined;
  if (parseIpv4(text) !== undefined) return { type: "ipv4", value: text };
  const v6 = parseIpv6(text);
  if (v6 !== undefined) return { type: "ipv6", value: formatIpv6(v6) };
  const domain = normaliseDomain(text);
  return domain === undefined ? undefined : { type: "domain", value: domain };
}

/** A host as it stands before a port or a path: IPv6 in brackets. */
export function hostText(host: Host): string {
  return host.type === "ipv6" ? `[${host.value}]` : host.value;
}

/** `host:port`. */
export function socketText(host: Host, port: number): string | undefined {
  return isPort(port) ? `${hostText(host)}:${port}` : undefined;
}

export interface Url {
  readonly value: string;
  readonly scheme: string;
  readonly host: Host;
  readonly port?: number;
  /** Path, query and fragment as they stand; empty for a lone slash. */
  readonly rest: string;
}

/**
 * An absolute URL: scheme and host normalised, a port kept where one stands (also the scheme's default: it is what
 * the config says), path, query and fragment as they are, a path of a lone slash dropped.
 */
export function normaliseUrl(text: string): Url | undefined {
  if (text.length > MAX_URL) return undefined;
  const match = /^([a-z][a-z0-9+.-]{0,15}):\/\/([^/?#\s]+)([^\s]*)$/i.exec(text);
  if (match === null) return undefined;
  const [, rawScheme, authority, rawRest] = match as unknown as [string, string, string, string];
  const parts = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:@]*)(?::(\d{1,5}))?$/.exec(authority);
  const host = parts?.[2] === undefined ? undefined : normaliseHost(parts[2]);
  if (parts === null || host === undefined) return undefined;
  const port = parts[3] === undefined ? undefined : Number(parts[3]);
  if (port !== undefined && !isPort(port)) return undefined;
  const scheme = rawScheme.toLowerCase();
  const rest = rawRest === "/" ? "" : rawRest;
  const user = parts[1] === undefined ? "" : `${parts[1]}@`;
  const value = `${scheme}://${user}${hostText(host)}${port === undefined ? "" : `:${port}`}${rest}`;
  return { value, scheme, host, ...(port === undefined ? {} : { port }), rest };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 0x10000;
}
