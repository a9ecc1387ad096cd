/**
 * Which hosts may be called a C2 where nothing but their surroundings says so: in memory, where a browser's history
 * lies beside the malware's heap. In doubt a host is none.
 */
import { parse } from "tldts";
import { isUnderBenign } from "./benign-hosts.ts";

export type HostKind =
  /** A public address, or a name under a suffix that exists. */
  | "public"
  /** Loopback, private, link-local, unspecified or multicast, or a name without a domain. */
  | "private"
  /** Of a vendor, a certificate authority or a public service. */
  | "vendor"
  /** No host, or under no suffix that is known. */
  | "unknown";

const OCTETS = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const NAME =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,10}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/i;
const GROUPS = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?$/i;

/** RFC 2606: suffixes that nobody can register, so that naming a host under one hurts nobody. */
const RESERVED_SUFFIX = /\.(?:example|test|invalid)$/i;
/** What a host is: `host` without brackets or port. */
export function hostKind(host: string): HostKind {
  if (host.includes(":")) return kindOfIpv6(host);
  const octets = OCTETS.exec(host)?.slice(1).map(Number);
  if (octets !== undefined) return kindOfIpv4(octets);
  if (/^[a-z][a-z0-9-]{0,62}$/i.test(host) || /\.(?:local|lan|localdomain|internal)$/i.test(host))
    return "private";
  if (!NAME.test(host)) return "unknown";
  if (isUnderBenign(host.toLowerCase())) return "vendor";
  if (RESERVED_SUFFIX.test(host)) return "public";
  return parse(host).isIcann === true ? "public" : "unknown";
}

function kindOfIpv4(octets: readonly number[]): HostKind {
  const [a = 0, b = 0] = octets;
  if (octets.some((octet) => octet > 255)) return "unknown";
  const isPrivate =
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    a >= 224;
  return isPrivate ? "private" : "public";
}

/** By the first group: all global addresses but 64:ff9b::/96 lie in 2000::/3 (RFC 4291, IANA). */
function kindOfIpv6(host: string): HostKind {
  if (!GROUPS.test(host) || host.split("::").length > 2) return "unknown";
  const first = Number.parseInt(host.split(":")[0] || "0", 16);
  return first >= 0x2000 && first < 0x4000 ? "public" : "private";
}
