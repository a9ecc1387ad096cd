/** Va, Vb and Vc: whether a string table of the Arkei lineage is Vidar's, and which of its strings are the config. */

import { parse as parseHost } from "tldts";
import { type Found, found, indexOf, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../../formats/address-space.ts";
import type { Finding, Ledger } from "../../model/index.ts";
import { ENOUGH, type Verdict, weigh } from "./evidence.ts";
import type { HiddenString, HiddenStrings } from "./hidden-strings.ts";
import {
  type Address,
  deadDropPlatform,
  isBenign,
  isHost,
  isIpv4,
  isOrigin,
  isProfilePage,
  parseUrl,
} from "./hosts.ts";
import { BUILD_ID, builder, PLAIN, usageOf, VERSION } from "./identity.ts";
import type { Scan } from "./scan.ts";
import { textsIn } from "./texts.ts";

/**
 * Va's decode function picks the key's character by `i mod lstrlenA(key)`:
 * xor edx,edx; mov eax,edi; div ecx; mov eax,[ebp+0C]; mov ecx,[ebp+8]; mov al,[edx+eax]; xor al,[ecx+esi]
 */
const VA_DECODER = Uint8Array.of(
  ...[0x33, 0xd2, 0x8b, 0xc7, 0xf7, 0xf1, 0x8b, 0x45, 0x0c],
  ...[0x8b, 0x4d, 0x08, 0x8a, 0x04, 0x02, 0x32, 0x04, 0x31],
);
/** What that function counts for: Vidar's in every report of it, but Oski's and Arkei's are not public. */
const VA_DECODER_SCORE = 3;

/** Number of the customer's profile, which versions up to 2021 put into the path of their requests. */
const PROFILE_ID = /^\d{1,5}$/;
/** Suffixes of files that are top-level domains too. */
const FILE_SUFFIXES: ReadonlySet<string> = new Set([
  "app",
  "cab",
  "md",
  "mov",
  "pl",
  "ps",
  "py",
  "rs",
  "sh",
  "so",
  "zip",
]);
/** Bytes between the key of Va and an address in clear whose host is a name. */
const NEAR = 0x1000;
const MAX_HOST = 253;

interface Entry {
  readonly url: Address;
  /** The host alone stood there, without a scheme. */
  readonly bare: boolean;
  readonly parts: readonly HiddenString[];
}

export interface HiddenConfig {
  readonly table: HiddenStrings;
  readonly verdict: Verdict;
  readonly decoder: boolean;
  readonly entries: readonly Entry[];
  readonly version: HiddenString | undefined;
  readonly buildId: HiddenString | undefined;
  readonly profileId: HiddenString | undefined;
}

/** The texts of a table, for those who weigh them with others. */
export function textsOf(tables: readonly HiddenStrings[]): string[] {
  return tables.flatMap((table) => table.strings.map((s) => s.text));
}

/** Undefined when nothing in or beside the table is Vidar's own. `entries` may be empty. */
export function readHidden(image: AddressSpace, table: HiddenStrings, scan: Scan): HiddenConfig | undefined {
  const texts = table.strings.map((s) => s.text);
  const verdict = weigh([...texts, ...scan.texts]);
  const decoder = table.layout === "Va" && indexOf(image.view.bytes, VA_DECODER) >= 0;
  const entries = [
    ...entriesOf(table),
    ...(table.layout === "Va" ? clearEntries(image.view, table, scan) : []),
  ];
  const profile = [...entries.map((e) => e.url), ...scan.urls.map((u) => u.url)].some(isProfilePage);
  const score = verdict.score + (decoder ? VA_DECODER_SCORE : 0);
  if (!profile && (score < ENOUGH || verdict.kin !== undefined)) return undefined;
  const versions = table.strings.filter((s) => VERSION.test(s.text));
  return {
    table,
    verdict,
    decoder,
    entries,
    version: versions.length === 1 ? versions[0] : undefined,
    buildId: table.strings.find((s) => BUILD_ID.test(s.text)),
    profileId: profileIdAfter(image.view, table, entries),
  };
}

/** The config of a table that hides no address, with those that stand in clear; undefined when there are none. */
export function withClearAddresses(view: View, config: HiddenConfig, scan: Scan): HiddenConfig | undefined {
  const entries = clearEntries(view, config.table, scan);
  if (entries.length === 0) return undefined;
  return { ...config, entries, profileId: profileIdAfter(view, config.table, entries) };
}

/** Addresses among the strings: whole URLs, a scheme and the string behind it, and hosts that stand in clear. */
function entriesOf(table: HiddenStrings): Entry[] {
  const entries: Entry[] = [];
  table.strings.forEach((string, i) => {
    const next = table.strings[i + 1];
    if ((string.text === "http://" || string.text === "https://") && next !== undefined) {
      const url = parseUrl(string.text + next.text);
      if (url !== undefined && isAddress(url)) entries.push({ url, bare: false, parts: [string, next] });
      return;
    }
    const url = parseUrl(string.text);
    if (url !== undefined) {
      if (deadDropPlatform(url) !== undefined || (isOrigin(url) && isAddress(url)))
        entries.push({ url, bare: false, parts: [string] });
      return;
    }
    const before = table.strings[i - 1]?.text;
    if (before === "http://" || before === "https://" || (string.steps.length > 0 && table.layout === "Vc"))
      return;
    const host = bareHost(string.text);
    if (host !== undefined && isAddress(host)) entries.push({ url: host, bare: true, parts: [string] });
  });
  return entries;
}

/** What a table may hold as an address: a dead drop, or any host but a well-known one. */
function isAddress(url: Address): boolean {
  return deadDropPlatform(url) !== undefined || !isBenign(url);
}

/** `host[:port]` that is no file name. Vidar of that time spoke http only. */
function bareHost(text: string): Address | undefined {
  const url = parseUrl(`http://${text}`);
  if (url === undefined || !isOrigin(url) || text.endsWith("/") || !isHost(url.host)) return undefined;
  if (isIpv4(url.host)) return url;
  const { domain, publicSuffix, isIcann } = parseHost(url.host);
  const known = domain !== null && isIcann === true && !FILE_SUFFIXES.has(publicSuffix ?? "");
  return known ? url : undefined;
}

/** Addresses in clear, as Va's are: profile pages and IPv4 addresses anywhere, names only near the key. */
function clearEntries(view: View, table: HiddenStrings, scan: Scan): Entry[] {
  const key = table.key?.at.offset;
  const near = (offset: number) => key !== undefined && Math.abs(offset - key) <= NEAR;
  const urls = scan.urls.filter(({ url, offset }) => {
    if (isProfilePage(url)) return true;
    const isKind = deadDropPlatform(url) !== undefined || (isOrigin(url) && !isBenign(url));
    return isKind && (isIpv4(url.host) || near(offset));
  });
  const entries: Entry[] = urls.map(({ url, value, offset }) => ({
    url,
    bare: false,
    parts: [{ text: value, from: view.span(offset, value.length), steps: [] }],
  }));
  if (key === undefined) return entries;
  for (const text of textsIn(view, key - NEAR, key + NEAR, 4, MAX_HOST)) {
    const host = bareHost(text.value);
    if (host !== undefined && isAddress(host))
      entries.push({
        url: host,
        bare: true,
        parts: [{ text: text.value, from: view.span(text.offset, text.value.length), steps: [] }],
      });
  }
  return entries;
}

/** A number of the table's strings, or in clear, right behind an address. */
function profileIdAfter(
  view: View,
  table: HiddenStrings,
  entries: readonly Entry[],
): HiddenString | undefined {
  for (const { parts } of entries) {
    const last = parts.at(-1);
    if (last === undefined) continue;
    const index = table.strings.indexOf(last);
    const next = index < 0 ? undefined : table.strings[index + 1];
    if (next !== undefined && PROFILE_ID.test(next.text)) return next;
    if (last.steps.length > 0) continue;
    const end = last.from.offset - view.base + last.from.length;
    for (const text of textsIn(view, end + 1, end + 16, 1, 5))
      if (PROFILE_ID.test(text.value))
        return { text: text.value, from: view.span(text.offset, text.value.length), steps: [] };
  }
  return undefined;
}

export function reportHidden(config: HiddenConfig, view: View, ledger: Ledger): Finding {
  const { table } = config;
  const out = builder(table.layout, view);
  const read = (string: HiddenString, source: string): Found<string> => {
    if (string.steps.length === 0) return found(string.text, string.from);
    const plain = ledger.derive([string.from], string.steps, source);
    return plain === undefined ? found(string.text) : found(string.text, plain.span());
  };
  if (config.version !== undefined) out.version(read(config.version, "string table: version"), PLAIN);
  if (config.buildId !== undefined)
    out.text("identifier", read(config.buildId, "string table: build id"), PLAIN);
  if (config.profileId !== undefined)
    out.text("campaign_id", read(config.profileId, "string table: profile id"), PLAIN);
  for (const { url, bare, parts } of config.entries) {
    const at = parts.flatMap((part) => read(part, "string table: address").at);
    out.endpoint({ ...url, usage: usageOf(url) }, at, PLAIN);
    if (bare)
      out.reason("scheme-assumed", `${url.host} stands without a scheme; Vidar of that time spoke http`, at);
  }
  if (table.key !== undefined)
    out.encryption(
      { algorithm: table.layout === "Vb" ? "rc4" : "xor", key: table.key.text, usage: "config" },
      [table.key.at],
      PLAIN,
    );
  const why = [...config.verdict.texts, ...(config.decoder ? ["the decode function"] : [])];
  out.reason(
    "told-from-kin",
    `${table.strings.length} strings in a table as Arkei, Mars and Stealc have it; Vidar by ${
      why.length > 0 ? why.join(", ") : "its dead drop"
    }`,
    [table.code],
  );
  return out.build("structural", ledger);
}
