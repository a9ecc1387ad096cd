/** Indicator patterns (STIX 2.1, 9). */
import { parseIpv4 } from "../../indicators/index.ts";
import type { Gathered } from "../gather.ts";
import { registryOf } from "./registry-key.ts";

/** A string constant: backslash and apostrophe are the only two that need a backslash before them. */
export function patternString(text: string): string {
  return `'${text.replace(/[\\']/g, (char) => `\\${char}`)}'`;
}

function equals(path: string, value: string): string {
  return `${path} = ${patternString(value)}`;
}

/** Undefined for what no pattern says well. */
export function patternOf({ type, value }: Pick<Gathered, "type" | "value">): string | undefined {
  switch (type) {
    case "domain":
      return `[${equals("domain-name:value", value)}]`;
    case "ipv4":
      return `[${equals("ipv4-addr:value", value)}]`;
    case "ipv6":
      return `[${equals("ipv6-addr:value", value)}]`;
    case "url":
      return `[${equals("url:value", value)}]`;
    case "socket":
      return socketPattern(value);
    case "mutex":
      return `[${equals("mutex:name", value)}]`;
    case "certificate":
      return `[${equals(`x509-certificate:hashes.${value.length === 64 ? "'SHA-256'" : "'SHA-1'"}`, value)}]`;
    case "registry": {
      const registry = registryOf(value);
      if (registry === undefined) return undefined;
      const name =
        registry.name === undefined
          ? ""
          : ` AND ${equals("windows-registry-key:values[*].name", registry.name)}`;
      return `[${equals("windows-registry-key:key", registry.key)}${name}]`;
    }
    default:
      return undefined;
  }
}

export function filePattern(sha256: string): string {
  return `[${equals("file:hashes.'SHA-256'", sha256)}]`;
}

function socketPattern(value: string): string {
  const colon = value.lastIndexOf(":");
  const host = value.slice(0, colon).replace(/^\[|\]$/g, "");
  const type = parseIpv4(host) !== undefined ? "ipv4-addr" : host.includes(":") ? "ipv6-addr" : "domain-name";
  return `[${equals("network-traffic:dst_ref.type", type)} AND ${equals("network-traffic:dst_ref.value", host)} AND network-traffic:dst_port = ${Number(value.slice(colon + 1))}]`;
}
