/** Field 0: the list of controllers. */
import { indexesOf, latin1, utf8 } from "../../bytes/index.ts";

export interface C2Entry {
  readonly host: string;
  readonly port: number;
  /** Third part of the entry: whether to speak TLS (3.x and later), or the password of the connection. */
  readonly tls?: boolean;
  readonly password?: string;
  /** Of `host:port`, from the start of the list. */
  readonly offset: number;
  readonly length: number;
  /** Of the third part. */
  readonly thirdOffset: number;
  readonly thirdLength: number;
}

/** What has been seen between entries; a list has one kind, often behind the last entry too. */
const ENTRY_SEPARATORS: readonly Uint8Array[] = [
  Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0x1e),
  Uint8Array.of(0x7c),
];
/** Builders have room for a few dozen. */
const MAX_ENTRIES = 256;
const MAX_ENTRY = 1024;

export interface C2List {
  readonly entries: readonly C2Entry[];
  /** What stands between separators and is not `host:port[:third]`, such as a mistyped address. */
  readonly rejected: readonly { readonly offset: number; readonly length: number }[];
}

/** `newest`: a third part 0 or 1 is the TLS flag, not a password. */
export function parseC2List(list: Uint8Array, newest: boolean): C2List {
  const separator = ENTRY_SEPARATORS.find((s) => !indexesOf(list, s).next().done);
  const ranges: [number, number][] = [];
  let from = 0;
  if (separator !== undefined)
    for (const at of indexesOf(list, separator)) {
      if (at < from) continue;
      ranges.push([from, at]);
      if (ranges.length === MAX_ENTRIES) break;
      from = at + separator.length;
    }
  if (ranges.length < MAX_ENTRIES) ranges.push([from, list.length]);

  const entries: C2Entry[] = [];
  const rejected: { offset: number; length: number }[] = [];
  for (const [start, end] of ranges) {
    let stop = end;
    while (stop > start && list[stop - 1] === 0) stop--;
    if (stop === start) continue;
    const entry = parseEntry(list.subarray(start, stop), start, newest);
    if (entry === undefined) rejected.push({ offset: start, length: stop - start });
    else entries.push(entry);
  }
  return { entries, rejected };
}

function parseEntry(bytes: Uint8Array, offset: number, newest: boolean): C2Entry | undefined {
  if (bytes.length > MAX_ENTRY) return undefined;
  const whole = latin1(bytes);
  const text = whole.trimStart();
  const parts = splitEntry(text);
  if (parts === undefined) return undefined;
  const indent = whole.length - text.length;
  const port = Number(parts.port);
  if (port < 1 || port > 65535) return undefined;
  const thirdStart = Math.min(text.length, parts.hostLength + 1 + parts.port.length + 1);
  const third = text.slice(thirdStart);
  if (hasControls(third)) return undefined;
  const base = {
    host: parts.host,
    port,
    offset: offset + indent,
    length: parts.hostLength + 1 + parts.port.length,
    thirdOffset: offset + indent + thirdStart,
    thirdLength: third.length,
  };
  if (third === "") return base;
  if (newest && (third === "0" || third === "1")) return { ...base, tls: third === "1" };
  return { ...base, password: utf8(bytes.subarray(indent + thirdStart)) ?? third };
}

interface EntryParts {
  readonly host: string;
  /** Of the host as it stands, brackets included. */
  readonly hostLength: number;
  readonly port: string;
}

/**
 * An IPv6 host has colons of its own and is found from the right; any other is split from the left, so that a
 * password may hold colons.
 */
function splitEntry(text: string): EntryParts | undefined {
  const last = text.lastIndexOf(":");
  const before = text.lastIndexOf(":", last - 1);
  if (before > 0) {
    const host = text.slice(0, before);
    const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
    const port = text.slice(before + 1, last);
    if (isIpv6(bare) && /^\d{1,5}$/.test(port)) return { host: bare, hostLength: host.length, port };
  }
  const first = text.indexOf(":");
  // As typed into the builder: with spaces around it, or the dot of the root behind it.
  const host = text.slice(0, first).trimEnd().replace(/\.$/, "");
  const port = /^\d{1,5}(?=:|$)/.exec(text.slice(first + 1))?.[0];
  if (first <= 0 || port === undefined || !isHost(host)) return undefined;
  return { host, hostLength: first, port };
}

/** An IPv4 address, or a name whose last label has a letter in it. */
function isHost(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split(".");
  if (labels.every((label) => /^\d+$/.test(label)))
    return labels.length === 4 && labels.every((label) => label.length <= 3 && Number(label) <= 255);
  return labels.every((label) => /^[A-Za-z0-9_-]{1,63}$/.test(label)) && /[A-Za-z]/.test(labels.at(-1) ?? "");
}

/** RFC 4291 text forms, with or without `::`, with an IPv4 tail too. */
function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(":") || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const tail = groups.at(-1)?.includes(".") ? groups.pop() : undefined;
  if (tail !== undefined && !/^\d{1,3}(\.\d{1,3}){3}$/.test(tail)) return false;
  const count = groups.length + (tail === undefined ? 0 : 2);
  return groups.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g)) && (halves.length === 2 ? count < 8 : count === 8);
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
}
