/**
 * Ve, the substitution table of version 17.7 (x64). Strings are written in a 91-character alphabet through a table T,
 * itself a string of the image: character n becomes A[(T.indexOf(c) - n) mod 91]. After Elastic's nightMARE
 * (malware/vidar/v17_7). The table is found by what it is, a permutation of A, so that changed code does not hide it.
 */
import { type Found, found, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../../formats/address-space.ts";
import type { Finding, Ledger, Step } from "../../model/index.ts";
import { type Address, deadDropPlatform, isBenign, parseUrl } from "./hosts.ts";
import { BUILD_ID, builder, PLAIN, usageOf, VERSION } from "./identity.ts";
import { ALPHABET, decodeText, SIZE } from "./substitution-table.ts";
import { type FoundText, textsIn } from "./texts.ts";

/** Bytes on either side of the table in which its strings are looked for. */
const REACH = 0x8000;
const MAX_TEXT = 0x200;
/** References to the table that are followed. */
const MAX_REFERENCES = 16;
/** Bytes on either side of a reference to the table in which its code refers to the config's strings. */
const CODE_REACH = 0x800;

interface Coded extends FoundText {
  /** Decoded text; `value` is the ciphertext. */
  readonly plain: string;
}

interface Table extends FoundText {
  /** Every string near the table that reads in it, in order of place. */
  readonly texts: readonly Coded[];
}

function decodeAround(view: View, table: FoundText): Coded[] {
  const out: Coded[] = [];
  for (const text of textsIn(view, table.offset - REACH, table.offset + SIZE + REACH, 3, MAX_TEXT)) {
    if (text.offset === table.offset) continue;
    const plain = decodeText(table.value, text.value);
    if (plain !== undefined) out.push({ ...text, plain });
  }
  return out;
}

/** `lea r64, [rip + disp32]` behind a REX.W prefix: the ModRM byte without its register. */
const LEA = 0x8d;
const RIP_RELATIVE = 0x05;

/**
 * Offsets that x64 code near a reference to the table refers to: the strings of the config function, which tell a
 * version from any short string that happens to decode to one.
 */
function referredNear(image: AddressSpace, table: FoundText): ReadonlySet<number> {
  const { bytes } = image.view;
  const all: { at: number; to: number }[] = [];
  const toTable: number[] = [];
  for (const region of image.regions) {
    if (!region.executable) continue;
    const end = Math.min(region.offset + region.size, bytes.length) - 6;
    for (let at = bytes.indexOf(LEA, region.offset); at >= 0 && at < end; at = bytes.indexOf(LEA, at + 1)) {
      if (((bytes[at + 1] as number) & 0xc7) !== RIP_RELATIVE || ((bytes[at - 1] as number) & 0xf8) !== 0x48)
        continue;
      const next = image.rvaOfOffset(at + 6);
      const disp = image.view.i32(at + 2);
      const to = next === undefined || disp === undefined ? undefined : image.offsetOfRva(next + disp);
      if (to === undefined) continue;
      all.push({ at, to });
      if (to === table.offset && toTable.length < MAX_REFERENCES) toTable.push(at);
    }
  }
  return new Set(all.filter((r) => toTable.some((t) => Math.abs(t - r.at) <= CODE_REACH)).map((r) => r.to));
}

export interface TableConfig {
  readonly table: Table;
  readonly urls: readonly (Coded & { readonly url: Address })[];
  readonly version: Coded | undefined;
  readonly buildId: Coded | undefined;
}

/** Bytes between a version that no code names and another string of the config. */
const VERSION_REACH = 0x100;

export function readTable(image: AddressSpace, tables: readonly FoundText[]): TableConfig | undefined {
  for (const place of tables) {
    const table = { ...place, texts: decodeAround(image.view, place) };
    const urls = table.texts.flatMap((text) => {
      const url = parseUrl(text.plain);
      return url === undefined || (isBenign(url) && deadDropPlatform(url) === undefined)
        ? []
        : [{ ...text, url }];
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

export function reportTable(config: TableConfig, view: View, ledger: Ledger): Finding {
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
  return out.build("structural", ledger);
}
