/** `host:port;host:port;` as HostsConverter.RawHostsToList reads it: the port stands behind the last colon. */
import { type Span, utf8Bytes, type View } from "../../bytes/index.ts";

/** Place of `length` characters from `start` of a text. */
export type Locate = (start: number, length: number) => Span;

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
  if (text.includes(":"))
    return IPV6.test(text) && text.split(":").length <= 9 && text.split(":").length >= 3;
  if (DOTTED.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return NAME.test(text) && !text.includes("..") && !/^\d+$/.test(text);
}

/** Where characters of `text` lie in `view`, which holds its UTF-8 or UTF-16LE bytes. */
export function locator(text: string, view: View, as: "utf8" | "utf16le"): Locate {
  if (as === "utf16le") return (start, length) => view.span(2 * start, 2 * length);
  if (view.length === text.length) return (start, length) => view.span(start, length);
  return (start, length) =>
    view.span(utf8Bytes(text.slice(0, start)).length, utf8Bytes(text.slice(start, start + length)).length);
}

export function parseHosts(text: string, locate: Locate): HostList {
  const hosts: HostEntry[] = [];
  const rejected: { text: string; at: Span }[] = [];
  let start = 0;
  for (const part of text.split(";", MAX_HOSTS)) {
    const entry = part.trim();
    const at = locate(start + part.length - part.trimStart().length, entry.length);
    start += part.length + 1;
    if (entry === "") continue;
    const endpoint = parseHost(entry);
    if (endpoint === undefined) rejected.push({ text: entry, at });
    else hosts.push({ ...endpoint, at });
  }
  return { hosts, rejected };
}

/** One `host:port`; an IPv6 address may stand in brackets. */
export function parseHost(entry: string): { readonly host: string; readonly port: number } | undefined {
  const colon = entry.lastIndexOf(":");
  const host = entry.slice(0, Math.max(0, colon)).replace(/^\[([^\]]*)\]$/, "$1");
  const port = /^\d{1,5}$/.test(entry.slice(colon + 1)) ? Number(entry.slice(colon + 1)) : 0;
  return colon > 0 && port > 0 && port < 0x10000 && isHost(host) ? { host, port } : undefined;
}
