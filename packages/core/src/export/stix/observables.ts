/** Indicators and files as STIX Cyber-observable Objects. */

import type { ReportedFile } from "../files.ts";
import { type Gathered, NETWORK_TYPES } from "../gather.ts";
import { isAddress, NO_ADDRESS } from "../policy.ts";
import { hostOf } from "../user-list.ts";
import { scoId } from "./ids.ts";
import type { Frame, StixObject } from "./object.ts";
import { registryOf } from "./registry-key.ts";

/** RFC 3986, 2 and 3: what may stand in a URI, with every percent sign before two digits and one fragment at most. */
const URI =
  /^[a-z][a-z0-9+.-]*:\/\/(?:[\w.~!$&'()*+,;=:-]|%[0-9a-f]{2})*@?(?:\[[0-9a-f:.]+\]|[\w.~-]+)(?::\d+)?(?:\/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?(?:\?(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?(?:#(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?$/i;
/** RFC 1034, 3.5, with labels that begin with a digit. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** The object that stands for the indicator last, what it refers to before it; or why there is none. */
export type Observed = { readonly objects: readonly StixObject[] } | { readonly why: string };

export function observe(frame: Frame, { type, value }: Pick<Gathered, "type" | "value">): Observed {
  if (NETWORK_TYPES.has(type) && !isAddress(type, value)) return { why: NO_ADDRESS };
  switch (type) {
    case "domain":
    case "ipv4":
    case "ipv6": {
      const host = hostObject(frame, { type, value });
      return host === undefined ? { why: "no host name by RFC 1034" } : { objects: [host] };
    }
    case "url":
      return URI.test(value)
        ? { objects: [frame.sco("url", scoId("url", { value }), { value })] }
        : { why: "no URI by RFC 3986" };
    case "socket":
      return socketObjects(frame, value);
    case "mutex":
      return { objects: [frame.sco("mutex", scoId("mutex", { name: value }), { name: value })] };
    case "file":
      return pathObjects(frame, value);
    case "registry": {
      const registry = registryOf(value);
      if (registry === undefined) return { why: "a key that the STIX schema refuses" };
      const properties = {
        key: registry.key,
        ...(registry.name === undefined ? {} : { values: [{ name: registry.name }] }),
      };
      return {
        objects: [frame.sco("windows-registry-key", scoId("windows-registry-key", properties), properties)],
      };
    }
    case "certificate": {
      const name = /^[0-9a-f]{64}$/.test(value)
        ? "SHA-256"
        : /^[0-9a-f]{40}$/.test(value)
          ? "SHA-1"
          : undefined;
      if (name === undefined) return { why: "no digest of a certificate" };
      const hashes = { [name]: value };
      return { objects: [frame.sco("x509-certificate", scoId("x509-certificate", { hashes }), { hashes })] };
    }
    default:
      return { why: "STIX has no observable for it: it stands in the analysis alone" };
  }
}

const HOST_TYPES = { domain: "domain-name", ipv4: "ipv4-addr", ipv6: "ipv6-addr" } as const;

function hostObject(
  frame: Frame,
  { type, value }: { readonly type: keyof typeof HOST_TYPES; readonly value: string },
): StixObject | undefined {
  if (type === "domain" && !DOMAIN.test(value)) return undefined;
  const stixType = HOST_TYPES[type];
  return frame.sco(stixType, scoId(stixType, { value }), { value });
}

function socketObjects(frame: Frame, value: string): Observed {
  const host = hostOf("socket", value);
  const object = host === undefined ? undefined : hostObject(frame, host);
  if (object === undefined) return { why: "no host name by RFC 1034" };
  const properties = {
    dst_ref: object.id,
    dst_port: Number(value.slice(value.lastIndexOf(":") + 1)),
    protocols: ["tcp"],
  };
  return {
    objects: [object, frame.sco("network-traffic", scoId("network-traffic", properties), properties)],
  };
}

/** A file by its name, in a directory when the path has one. */
function pathObjects(frame: Frame, path: string): Observed {
  const at = Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/"));
  const name = path.slice(at + 1);
  const folder = path.slice(0, Math.max(at, 0));
  const directory =
    folder === ""
      ? undefined
      : frame.sco("directory", scoId("directory", { path: folder }), { path: folder });
  if (name === "") return directory === undefined ? { why: "no path" } : { objects: [directory] };
  const properties = { name, ...(directory === undefined ? {} : { parent_directory_ref: directory.id }) };
  const file = frame.sco("file", scoId("file", properties), properties);
  return { objects: directory === undefined ? [file] : [directory, file] };
}

/** A file by its digests. Its names are the analysis', not its own: they would make another id of the same bytes. */
export function fileObject(frame: Frame, { sha256, sha1, md5, size }: ReportedFile): StixObject {
  const hashes = {
    ...(md5 === undefined ? {} : { MD5: md5 }),
    ...(sha1 === undefined ? {} : { "SHA-1": sha1 }),
    "SHA-256": sha256,
  };
  // Of several digests one makes the id: MD5, else SHA-1, else SHA-256 (STIX 2.1, 2.9).
  const first = Object.entries(hashes).slice(0, 1);
  const id = scoId("file", { hashes: Object.fromEntries(first) });
  return frame.sco("file", id, { hashes, ...(size === undefined ? {} : { size }) });
}
