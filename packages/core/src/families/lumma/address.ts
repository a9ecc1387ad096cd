/** What a C2 entry of Lumma may read as: `host`, `host:port`, `host/path`, or a URL of these. */
import { parse } from "tldts";
import type { Endpoint } from "../../model/index.ts";

export interface Address {
  readonly scheme: "http" | "https" | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** With its leading slash. */
  readonly path: string | undefined;
  /** The host is an IP address, or its last label is a top-level domain that the public suffix list knows. */
  readonly knownSuffix: boolean;
}

/** Bytes of a name under RFC 1035; an entry is never longer than its slot of 128 bytes anyway. */
const MAX_HOST = 253;
const ADDRESS =
  /^(?:(https?):\/\/)?((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])|\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(\/[\w.~!$&'()*+,;=:@/?#%-]*)?$/i;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Reads the whole of `text` as an address; undefined when it is none. */
export function readAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const [, scheme, host = "", portText, path] = match;
  if (host.length > MAX_HOST) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port === 0 || port > 0xffff)) return undefined;
  let knownSuffix = true;
  if (IPV4.test(host)) {
    if (!isUnicastIpv4(host)) return undefined;
  } else knownSuffix = parse(host).isIcann === true;
  return {
    scheme: scheme?.toLowerCase() as Address["scheme"],
    host,
    port,
    path: path === undefined || path === "/" ? undefined : path,
    knownSuffix,
  };
}

/** Dotted quads as builders write them: no leading zeros, not 0/8, not multicast or above. */
function isUnicastIpv4(host: string): boolean {
  const octets = host.split(".");
  return (
    octets.every((octet) => Number(octet) <= 255 && String(Number(octet)) === octet) &&
    Number(octets[0]) > 0 &&
    Number(octets[0]) < 224
  );
}

/** Public sites whose profiles Lumma reads a C2 from (families.md 1.6: Steam profile names, Telegram titles). */
const DEAD_DROP_HOSTS: ReadonlySet<string> = new Set([
  "steamcommunity.com",
  "t.me",
  "telegram.me",
  "telegram.org",
]);

/** The endpoint that an address stands for. `scheme` where the text names none; a profile page is a dead drop. */
export function endpointOf(address: Address, scheme: "http" | "https", userAgent?: string): Endpoint {
  const deadDrop = DEAD_DROP_HOSTS.has(address.host.toLowerCase().replace(/^www\./, ""));
  return {
    scheme: address.scheme ?? scheme,
    host: address.host,
    ...(address.port === undefined ? {} : { port: address.port }),
    ...(address.path === undefined ? {} : { path: address.path }),
    usage: deadDrop ? "dead_drop_resolver" : "c2",
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}
