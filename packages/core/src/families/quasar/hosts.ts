/** `host:port;host:port;` as HostsConverter.RawHostsToList reads it: the port stands behind the last colon. */
import { type Span, utf8Bytes, type View } from "../../bytes/index.ts";

export interface HostEntry {
  readonly host: string;
  readonly port: number;
  readonly at: Span;
}

export interface HostList {
  readonly hosts: readonly HostEntry[];
  /** Entries that the client would not understand either, or that are no host. */
  readonly rejected: readonly { readonly text: string; readonly at: Span }[];
}

/** Entries read of one list. */
const MAX_HOSTS = 512;
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,253}$/u;
const IPV6 = /^[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?:%[0-9A-Za-z]{1,16})?$/;
const DOTTED = /^\d+(?:\.\d+){3}$/;

/** True for a DNS name, an IPv4 or an IPv6 address (without brackets). */
export function isHost(text: string): boolean {
  if (text.includes(":")) return IPV6.test(text) && text.split(":").length <= 9 && text.split(":").length >= 3;
  if (DOTTED.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return NAME.test(text) && !text.includes("..") && !/^\d+$/.test(text);
}

/** Reads the list whose UTF-8 bytes are `view`. */
export function parseHosts(text: string, view: View): HostList {
  const hosts: HostEntry[] = [];
  const rejected: { text: string; at: Span }[] = [];
  let offset = 0;
  for (const part of text.split(";", MAX_HOSTS)) {
    const size = utf8Bytes(part).length;
    const lead = part.length - part.trimStart().length;
    const entry = part.trim();
    const at = view.span(offset + lead, utf8Bytes(entry).length);
    offset += size + 1;
    if (entry === "") continue;
    const colon = entry.lastIndexOf(":");
    const host = entry.slice(0, Math.max(0, colon)).replace(/^\[([^\]]*)\]$/, "$1");
    const port = /^\d{1,5}$/.test(entry.slice(colon + 1)) ? Number(entry.slice(colon + 1)) : 0;
    if (colon > 0 && port > 0 && port < 0x10000 && isHost(host)) hosts.push({ host, port, at });
    else rejected.push({ text: entry, at });
  }
  return { hosts, rejected };
}
