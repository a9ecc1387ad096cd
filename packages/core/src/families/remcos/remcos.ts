/**
 * Remcos (win.remcos), a remote access trojan in C++ that Breaking-Security has sold since 2016.
 *
 * The config is one blob in the resource RCDATA/SETTINGS, encrypted with RC4 under a key of its own (blob.ts); crypters
 * and forks rename the resource, so any resource is taken whose decryption validates. Inside are fields without names
 * between separators; three separators tell three generations, and the index tells the meaning (fields.ts).
 *
 * Sources: Elastic Security Labs, "Dissecting REMCOS RAT" parts one and three (4.9.3 Pro); CAPE-parsers
 * core/Remcos.py; JPCERT/CC MalConfScan remcosscan.py (memory); nightMARE malware/remcos; Cisco Talos, "Picking Apart
 * Remcos" (2018).
 */
import { hex, type View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import type { Resource } from "../../formats/pe/model.ts";
import { FindingBuilder } from "../../model/index.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { blobAt, couldBeBlob, type DecryptedBlob, decryptBlob, endOfText, MAX_BLOB } from "./blob.ts";
import { readFields } from "./fields.ts";
import { IDENTITY } from "./identity.ts";
import { lostSettings } from "./lost-tree.ts";
import { reportC2, reportFields } from "./report.ts";
import { aroundName, findVersion, markerOffsets, namesRemcos, randomOffsets } from "./scan.ts";
import { traces } from "./traces.ts";

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "R3", title: "RC4, fields between 7C 1E 1E 1F 7C", used: "3.x to 7.x; seen in 4.2.0, 4.9.3" },
  { id: "R2", title: "RC4, fields between 1E", used: "2.x" },
  { id: "R1", title: "RC4, fields between @@", used: "1.x to 2.x; seen in 1.7" },
  {
    id: "memory",
    title: "the decrypted text of any of these, in memory",
    used: "1.x to 7.x",
    inMemory: true,
  },
];

/** Resources looked at. The malware has a dozen; Windows' own files have thousands. */
const MAX_RESOURCES = 4096;
const RT_RCDATA = 10;

interface Located {
  readonly blob: View;
  readonly source: string;
  readonly decrypted: DecryptedBlob;
  /** Of the blob by the resource's entry; undefined when only a region's content says where it ends. */
  readonly size?: number;
}

/** The end of a search that found none: the best trace of the family on the way, if any. */
interface Trace {
  readonly blob: View;
  readonly source: string;
}

function fromResources(image: Image): Located | { readonly trace: Trace | undefined } {
  const named = image.resources.filter((r) => r.name === "SETTINGS");
  const rest = image.resources.filter((r) => r.name !== "SETTINGS").slice(0, MAX_RESOURCES);
  let trace: Trace | undefined;
  for (const resource of [...named, ...rest]) {
    if (resource.data.length > MAX_BLOB) continue;
    // The usual name is worth a full try; of others only those that start like a C2 list are.
    if (resource.name !== "SETTINGS" && !couldBeBlob(resource.data.bytes)) continue;
    const decrypted = decryptBlob(resource.data.bytes);
    const source = `resource ${nameOf(resource)}`;
    if (typeof decrypted !== "string") return { blob: resource.data, source, decrypted, size: resource.size };
    if (decrypted === "unsplit") trace ??= { blob: resource.data, source };
  }
  return { trace };
}

function nameOf({ type, name }: Resource): string {
  return `${type === RT_RCDATA ? "RCDATA" : type}/${name}`;
}

/** Blobs that no directory leads to: by a lost tree, behind the icon's tail, and when `closely` wherever a key may be. */
function fromContent(image: Image, closely: boolean): Located | undefined {
  const { view } = image;
  for (const { offset, size } of lostSettings(view, MAX_BLOB)) {
    const blob = view.clip(offset, size);
    const decrypted = couldBeBlob(blob.bytes) ? decryptBlob(blob.bytes) : "foreign";
    if (typeof decrypted !== "string")
      return { blob, source: `resource SETTINGS at 0x${offset.toString(16)}`, decrypted, size };
  }
  for (const offset of markerOffsets(image)) {
    const located = tryAt(view, offset, "blob behind the icon");
    if (located !== undefined) return located;
  }
  if (!closely) return undefined;
  for (const part of aroundName(view)) {
    for (const offset of randomOffsets(part)) {
      const located = tryAt(view, part.base - view.base + offset, "blob");
      if (located !== undefined) return located;
    }
  }
  return undefined;
}

/** Enough for the longest key and the first bytes of text. */
const MAX_HEAD = 0x200;

function tryAt(view: View, offset: number, what: string): Located | undefined {
  if (!couldBeBlob(view.bytes.subarray(offset, offset + MAX_HEAD))) return undefined;
  const blob = blobAt(view, offset);
  const decrypted = decryptBlob(blob.bytes);
  return typeof decrypted === "string"
    ? undefined
    : { blob, source: `${what} at 0x${offset.toString(16)}`, decrypted };
}

function extract({ image, rules, ledger }: ExtractInput): Extraction {
  const fromTree = fromResources(image);
  let located = "blob" in fromTree ? fromTree : undefined;
  const hinted = rules.length > 0;
  if (located === undefined && (hinted || image.layout !== "file" || image.resources.length === 0))
    located = fromContent(image, hinted || namesRemcos(image.view));
  if (located === undefined) return failure(image, hinted, "trace" in fromTree ? fromTree.trace : undefined);

  const { blob, source, decrypted, size } = located;
  const { keyLength, layout, c2 } = decrypted;
  const { fields, length } =
    size === undefined ? endOfText(decrypted) : { fields: decrypted.fields, length: decrypted.plain.length };
  const keySpan = blob.span(1, keyLength);
  const key = hex(blob.bytes.subarray(1, 1 + keyLength));
  const plain = ledger.derive(
    [blob.span(1 + keyLength, length)],
    [{ op: "rc4", params: { key }, at: [keySpan] }],
    source,
  );
  // The spans are those just read, so this is a bug and no property of the sample.
  if (plain === undefined) throw new Error("an accepted blob cannot be derived");

  const builder = new FindingBuilder(IDENTITY, layout, image.view.artifact);
  reportC2(builder, plain, c2);
  reportFields(builder, readFields(plain, fields, layout));
  builder.encryption({ algorithm: "RC4", key, usage: "config" }, [keySpan], { as: "code", steps: [source] });
  const version = findVersion(image.view);
  if (version !== undefined)
    builder.version(
      { value: version.text, at: [image.view.span(version.offset, version.text.length)] },
      { as: "latin1" },
    );
  if (size === undefined)
    builder.reason(
      "end-unknown",
      "No resource entry says where the config ends; its last field may be missing",
      [blob.span()],
    );
  else if (size > blob.length)
    builder.reason("truncated", `Only ${blob.length} of the config's ${size} bytes are there`, [blob.span()]);
  return { status: "config", finding: builder.build("proved", ledger) };
}

function failure(image: Image, hinted: boolean, trace: Trace | undefined): Extraction {
  if (trace !== undefined)
    return {
      status: "unknown-layout",
      stage: "fields",
      text: `${trace.source} decrypts to a C2 list, but no known separator splits it into fields`,
      at: [trace.blob.span()],
    };
  const settings = image.resources.find((r) => r.type === RT_RCDATA && r.name === "SETTINGS");
  if (hinted && settings !== undefined) {
    const text = "resource RCDATA/SETTINGS does not decrypt to a config under the key before it";
    return { status: "malformed", stage: "decrypt", text, at: [settings.data.span()] };
  }
  return { status: "not-found", stage: "resource", text: "no resource or region decrypts to a config" };
}

export const remcos: Family = {
  ...IDENTITY,
  summary: "Remote access trojan sold as an administration tool; config in an RC4-encrypted resource.",
  references: [
    "https://malpedia.caad.fkie.fraunhofer.de/details/win.remcos",
    "https://www.elastic.co/security-labs/dissecting-remcos-rat-part-one",
    "https://www.elastic.co/security-labs/dissecting-remcos-rat-part-three",
    "https://blog.talosintelligence.com/picking-apart-remcos/",
  ],
  layouts: LAYOUTS,
  defaults: {
    campaign_id: ["RemoteHost", "Host"],
    password: ["pass"],
    file: [
      "%AppData%\\remcos\\logs.dat",
      "%ProgramData%\\remcos\\logs.dat",
      "%AppData%\\remcos\\remcos.exe",
      "%ProgramData%\\remcos\\remcos.exe",
      "%AppData%\\Screenshots",
      "%AppData%\\MicRecords",
      "%ProgramFiles%\\MicRecords",
      "<malware directory>\\MicRecords",
    ],
    registry: ["HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Remcos"],
  },
  extract,
  traces,
};
