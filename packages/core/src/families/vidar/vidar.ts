/**
 * Vidar (Malpedia win.vidar): native infostealer of the Arkei lineage, since 2018. Its config is a list of addresses,
 * direct C2s and dead drops mixed (profile pages that name the C2), with a version and a build or profile id, kept in
 * one of six ways. What was read of each, and whence, stands at the head of the file that reads it.
 *
 * No kin is taken for Vidar: layouts that Arkei, Oski, Mars and Stealc share count only with texts of Vidar's own or
 * with a dead drop, which none of the kin uses.
 *
 * The 32-digit build id is reported as `identifier`, the numeric profile id of 2018-2021 as `campaign_id`.
 * Versions 18.7 and 1.0 to 1.5 decrypt each string by code of its own, which static reading does not reach.
 */
import { found, hex, type Found, type Span, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../../formats/address-space.ts";
import { FindingBuilder, type FamilyIdentity, type Ledger, type Reading, type Step } from "../../model/index.ts";
import type { Extraction, ExtractInput, Family, LayoutInfo } from "../family.ts";
import { type Blob, type Field, findBlob } from "./blob.ts";
import { type ClearConfig, readClear } from "./clear.ts";
import { type ClearScan, type FoundUrl, scanClear, textAt } from "./clear-scan.ts";
import { readDeadDrop, unresolvedDrop } from "./deaddrop.ts";
import { ENOUGH, weigh } from "./evidence.ts";
import { findHiddenStrings, type HiddenString, type HiddenStrings } from "./hidden-strings.ts";
import { type Address, deadDropPlatform, isBenign, isHost, isOrigin, parseUrl } from "./hosts.ts";
import { ALPHABET, type Coded, findTables, referredNear, type Table } from "./substitution.ts";

const IDENTITY: FamilyIdentity = {
  id: "win.vidar",
  name: "Vidar",
  aliases: ["Vidar Stealer"],
  category: ["infostealer"],
};

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "Va", title: "strings XORed with one text key, C2 in clear", used: "2018 to 2021" },
  { id: "Vb", title: "strings in base64 and RC4, the key named first", used: "2022 to 2023" },
  { id: "Vc", title: "strings XORed with a key each, as Arkei, Mars and Stealc do", used: "2021 to 2023" },
  { id: "Vd", title: "addresses, version and build id in clear", used: "2022 to 2025" },
  { id: "Ve", title: "strings through a 91-character substitution table", used: "17.7, 2025" },
  { id: "Vf", title: "XOR blob with tag and user agent for each address", used: "1.5 (rework) to 1.8, 2026" },
];

const VERSION = /^\d{1,2}\.\d{1,2}$/;
const BUILD_ID = /^[0-9a-f]{32}$/;
/** Number of the customer's profile, which the early versions put into the path of their requests. */
const PROFILE_ID = /^\d{1,5}$/;
const PLAIN: Reading = { as: "latin1" };

function builder(layout: string, view: View): FindingBuilder {
  return new FindingBuilder(IDENTITY, layout, view.artifact);
}

// ---------------------------------------------------------------------------------------------------------- Vf

/** A tagged address on a host of no known service is still a dead drop when it names a page. */
function blobUsage(address: Address, tagged: boolean): "c2" | "dead_drop_resolver" {
  return deadDropPlatform(address) !== undefined || (tagged && !isOrigin(address)) ? "dead_drop_resolver" : "c2";
}

function reportBlob(blob: Blob, view: View, ledger: Ledger): Extraction {
  const out = builder("Vf", view);
  const keySpan = view.span(blob.offset, blob.key.length);
  const steps: Step[] = [{ op: "xor", params: { key: hex(blob.key) }, at: [keySpan] }];
  const read = (field: Field, source: string): Found<string> => {
    const plain = ledger.derive([view.span(field.offset, field.length)], steps, source);
    return plain === undefined ? found(field.text) : found(field.text, plain.span());
  };
  out.version(read(blob.version, "blob version"), PLAIN);
  if (blob.buildId !== undefined) out.text("identifier", read(blob.buildId, "blob build id"), PLAIN);
  const tags = new Set<string>();
  blob.records.forEach((record, i) => {
    const url = read(record.url, `blob record ${i} url`);
    const agent = record.userAgent && read(record.userAgent, `blob record ${i} user agent`);
    const usage = blobUsage(record.address, record.tag !== undefined);
    out.endpoint(
      { ...record.address, usage, ...(agent === undefined ? {} : { userAgent: agent.value }) },
      [...url.at, ...(agent?.at ?? [])],
      PLAIN,
    );
    if (usage === "dead_drop_resolver" && deadDropPlatform(record.address) === undefined)
      out.reason("unlisted-dead-drop", `${record.address.host} is taken for a dead drop: its record has a tag and a page`, url.at);
    if (record.tag === undefined || tags.has(record.tag.text)) return;
    out.other(tagName(tags.size), read(record.tag, `blob record ${i} tag`), PLAIN);
    tags.add(record.tag.text);
  });
  out.encryption({ algorithm: "xor", key: hex(blob.key), usage: "config" }, [keySpan], { as: "hex" });
  if (blob.cutShort) out.reason("list-cut-short", "a further record begins as a URL but does not hold together");
  return { status: "config", finding: out.build("structural", ledger) };
}

/** Words before the C2 on the dead-drop pages, in the order of the list. */
function tagName(index: number): string {
  return index === 0 ? "dead_drop_tag" : `dead_drop_tag_${index + 1}`;
}

// ---------------------------------------------------------------------------------------------------------- Ve

interface TableConfig {
  readonly table: Table;
  readonly urls: readonly (Coded & { readonly url: Address })[];
  readonly version: Coded | undefined;
  readonly buildId: Coded | undefined;
}

/** Bytes between a version that no code names and another string of the config. */
const VERSION_REACH = 0x100;

function readTable(image: AddressSpace): TableConfig | undefined {
  for (const table of findTables(image.view)) {
    const urls = table.texts.flatMap((text) => {
      const url = parseUrl(text.plain);
      return url === undefined || (isBenign(url) && deadDropPlatform(url) === undefined) ? [] : [{ ...text, url }];
    });
    const buildId = table.texts.find((text) => BUILD_ID.test(text.plain));
    if (urls.length === 0 && buildId === undefined) continue;
    const versions = table.texts.filter((text) => VERSION.test(text.plain));
    const named = referredNear(image, table);
    const near = [...urls, ...(buildId === undefined ? [] : [buildId])];
    const version =
      versions.find((v) => named.has(v.offset)) ??
      versions.find((v) => near.some((n) => Math.abs(n.offset - v.offset) <= VERSION_REACH));
    // One address proves the table; an id alone takes the version with it.
    if (urls.length > 0 || version !== undefined) return { table, urls, version, buildId };
  }
  return undefined;
}

function reportTable(config: TableConfig, view: View, ledger: Ledger): Extraction {
  const out = builder("Ve", view);
  const { table } = config;
  const steps: Step[] = [
    { op: "shifted-substitution", params: { alphabet: ALPHABET, table: table.value }, at: [...table.at] },
  ];
  const read = (text: Coded, source: string): Found<string> => {
    const plain = ledger.derive(text.at, steps, source);
    return plain === undefined ? found(text.plain) : found(text.plain, plain.span());
  };
  if (config.version !== undefined) out.version(read(config.version, "config version"), PLAIN);
  if (config.buildId !== undefined) out.text("identifier", read(config.buildId, "config build id"), PLAIN);
  for (const entry of config.urls)
    out.endpoint({ ...entry.url, usage: usageOf(entry.url) }, read(entry, "config url").at, PLAIN);
  out.encryption({ algorithm: "substitution", constants: [table.value], usage: "config" }, table.at, PLAIN);
  if (config.urls.length === 0) out.reason("no-address", "no address reads through the table");
  return { status: "config", finding: out.build("structural", ledger) };
}

function usageOf(url: Address): "c2" | "dead_drop_resolver" {
  return deadDropPlatform(url) === undefined ? "c2" : "dead_drop_resolver";
}

// ---------------------------------------------------------------------------------------------------- Va, Vb, Vc

/** The instruction of Va's decode function that no kin has: key character by `i mod lstrlenA(key)`, XOR, store. */
const VA_DECODER = Uint8Array.of(0x33, 0xd2, 0x8b, 0xc7, 0xf7, 0xf1, 0x8b, 0x45, 0x0c, 0x8b, 0x4d, 0x08, 0x8a, 0x04, 0x02, 0x32, 0x04, 0x31);

interface HiddenConfig {
  readonly table: HiddenStrings;
  readonly urls: readonly { readonly url: Address; readonly parts: readonly HiddenString[] }[];
  readonly clearUrls: readonly FoundUrl[];
  readonly version: HiddenString | undefined;
  readonly buildId: HiddenString | undefined;
  readonly profileId: HiddenString | undefined;
  readonly clear: ClearConfig | undefined;
  readonly why: string;
}
