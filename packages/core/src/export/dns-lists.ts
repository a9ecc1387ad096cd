/** Lists for resolvers: a hosts file and a response policy zone. */

import { utf8Bytes } from "../bytes/index.ts";
import { sha256 } from "../codecs/index.ts";
import { parseIpv4, parseIpv6 } from "../indicators/index.ts";
import { type ExportOptions, tlpLabel } from "./form.ts";
import type { Gleaned, Listed } from "./listed.ts";
import { blockingOf } from "./policy.ts";

/** RFC 952 and RFC 1123, 2.1: what a hosts file may name. */
const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

function heading(mark: string, what: string, options: ExportOptions): string[] {
  return [`${mark} ${what}`, ...(options.tlp === undefined ? [] : [`${mark} ${tlpLabel(options.tlp)}`])];
}

/** Each name answers with the unspecified address, which goes nowhere at once. */
export function toHosts({ gathered, ties, options }: Gleaned): Listed {
  const { block, omissions, notes } = blockingOf(gathered, ties.relations, options, new Set(["domain"]));
  const lines = heading("#", "Names from malware configs, by assay", options);
  for (const { value } of block) {
    if (HOST_NAME.test(value)) lines.push(`0.0.0.0 ${value}`);
    else omissions.add(value, "no host name that a hosts file may hold");
  }
  return { chunks: lines.map((line) => `${line}\n`), leftOut: omissions.list, notes };
}

/** Seconds that resolvers keep the zone's records, and how often its secondaries look. */
const RPZ_TTL = 300;
/** With the zone's own name behind it a trigger must still be a domain name. */
const MAX_TRIGGER = 240;

/**
 * Response policy zone (draft-vixie-dnsop-dns-rpz): NXDOMAIN for each name and what is under it, and for answers that
 * hold one of the addresses. The serial is made from the content, so that the same list is the same zone.
 */
export function toRpz({ gathered, ties, options }: Gleaned): Listed {
  const { block, omissions, notes } = blockingOf(
    gathered,
    ties.relations,
    options,
    new Set(["domain", "ipv4", "ipv6"]),
  );
  const records: string[] = [];
  for (const { type, value } of block) {
    const trigger = type === "domain" ? value : rpzAddress(value);
    if (trigger === undefined || trigger.length > MAX_TRIGGER)
      omissions.add(value, "too long for a name in a zone");
    else records.push(`${trigger} CNAME .`, ...(type === "domain" ? [`*.${trigger} CNAME .`] : []));
  }
  const serial = serialOf(records.join("\n"));
  const lines = [
    ...heading(";", "Response policy zone from malware configs, by assay", options),
    `$TTL ${RPZ_TTL}`,
    `@ IN SOA localhost. root.localhost. ${serial} ${RPZ_TTL} ${RPZ_TTL} 86400 ${RPZ_TTL}`,
    "@ IN NS localhost.",
    ...records,
  ];
  return {
    chunks: lines.map((line) => `${line}\n`),
    leftOut: omissions.list,
    notes: [
      ...notes,
      "the zone's serial is a digest of its content, not a count: secondaries must transfer it whole after a change",
    ],
  };
}

/** `32.70.132.105.77.rpz-ip`; IPv6 in groups from the last to the first, its run of zeros as `zz`. */
function rpzAddress(value: string): string | undefined {
  const v4 = parseIpv4(value);
  if (v4 !== undefined) return `32.${[...v4].reverse().join(".")}.rpz-ip`;
  const v6 = parseIpv6(value);
  if (v6 === undefined) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((v6[2 * i] as number) << 8) | (v6[2 * i + 1] as number)).toString(16),
  );
  let best = { start: 0, length: 1 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    if (end > i) i = end;
  }
  const parts =
    best.length < 2
      ? groups
      : [...groups.slice(0, best.start), "zz", ...groups.slice(best.start + best.length)];
  return `128.${parts.reverse().join(".")}.rpz-ip`;
}

function serialOf(text: string): number {
  const digest = sha256(utf8Bytes(text));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) >>> 1 || 1;
}
