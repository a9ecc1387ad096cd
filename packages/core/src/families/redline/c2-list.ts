/** The `host:port|host:port` grammar of RedLine's IP field. */

/** Entries of one list; builders allow a handful. */
const MAX_ENTRIES = 64;
const MAX_TEXT = 4096;
const MAX_HOST = 253;

export interface C2 {
  /** IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** Where `host:port` stands in the text, in chars. */
  readonly offset: number;
  readonly length: number;
}

/**
 * All entries of a list, or undefined as soon as one is no `host:port`. A host is an IPv4 address, a bracketed IPv6
 * address or a domain name; one without a dot (`localhost`) counts only where `dotless` says so, as plain text has
 * many of these. Empty entries, which the malware skips by failing to connect, are left out.
 */
export function parseC2List(text: string, dotless: boolean): readonly C2[] | undefined {
  if (text.length === 0 || text.length > MAX_TEXT) return undefined;
  const list: C2[] = [];
  let at = 0;
  for (const part of text.split("|", MAX_ENTRIES + 1)) {
    const entry = part.trim();
    if (entry !== "") {
      const c2 = parseEntry(entry, at + part.indexOf(entry), dotless);
      if (c2 === undefined || list.length === MAX_ENTRIES) return undefined;
      list.push(c2);
    }
    at += part.length + 1;
  }
  return list.length === 0 ? undefined : list;
}

function parseEntry(entry: string, offset: number, dotless: boolean): C2 | undefined {
  const colon = entry.lastIndexOf(":");
  const port = colon < 1 ? undefined : parsePort(entry.slice(colon + 1));
  if (port === undefined) return undefined;
  const written = entry.slice(0, colon);
  const isBracketed = written.startsWith("[") && written.endsWith("]");
  const host = isBracketed ? written.slice(1, -1) : written;
  const isHost = isBracketed ? isIpv6(host) : isIpv4(host) || isDomain(host, dotless);
  return isHost ? { host, port, offset, length: entry.length } : undefined;
}

function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 0xffff ? port : undefined;
}

function isIpv4(host: string): boolean {
  const parts = host.split(".", 5);
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(host: string): boolean {
  const halves = host.split("::", 3);
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const isEachGroup = groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group));
  return (
    isEachGroup && (halves.length === 2 ? groups.length <= 7 : halves.length === 1 && groups.length === 8)
  );
}

function isDomain(host: string, dotless: boolean): boolean {
  if (host.length > MAX_HOST) return false;
  const labels = host.split(".");
  if (labels.length < 2 && !dotless) return false;
  const isEachLabel = labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
  return isEachLabel && /[A-Za-z]/.test(labels[labels.length - 1] as string);
}
