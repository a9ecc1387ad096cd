/**
 * Vidar (Malpedia win.vidar): native infostealer of the Arkei lineage, since 2018. Its config is a list of addresses,
 * direct C2s and dead drops mixed (profile pages that name the C2), with a version and a build or profile id, kept in
 * one of six ways. What was read of each, and whence, stands at the head of the file that reads it: blob.ts (Vf),
 * substitution.ts (Ve), clear.ts (Vd), hidden-strings.ts (Va to Vc).
 *
 * No kin is taken for Vidar: a layout that Arkei, Oski, Mars or Stealc have too counts only with texts of Vidar's own
 * or with a dead drop, which none of the kin uses.
 *
 * The 32-digit build id is reported as `identifier`, the numeric profile id of versions up to 2021 as `campaign_id`.
 * Versions 18.7 and 1.0 to 1.5 decrypt each string by code of its own, which static reading does not reach.
 */
import type { Image } from "../../formats/image.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { findBlob, reportBlob } from "./blob.ts";
import { readClear, reportClear } from "./clear.ts";
import { readDeadDrop, unresolvedDrop } from "./deaddrop.ts";
import { readHidden, reportHidden, textsOf, withClearAddresses } from "./hidden.ts";
import { findHiddenStrings } from "./hidden-strings.ts";
import { IDENTITY } from "./identity.ts";
import { scanImage } from "./scan.ts";
import { readTable, reportTable } from "./substitution.ts";
import { traces } from "./traces.ts";

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "Va", title: "strings XORed with one text key, C2 in clear", used: "2018 to 2021" },
  { id: "Vb", title: "strings in base64 and RC4, the key named first", used: "2022 to 2023" },
  { id: "Vc", title: "strings XORed with a key each, as Arkei, Mars and Stealc do", used: "2021 to 2023" },
  { id: "Vd", title: "addresses, version and build id in clear", used: "2022 to 2025" },
  { id: "Ve", title: "strings through a 91-character substitution table", used: "17.7, 2025" },
  { id: "Vf", title: "XOR blob with tag and user agent for each address", used: "1.5 (rework) to 1.8, 2026" },
  { id: "memory", title: "decrypted strings on the heap", used: "all", inMemory: true },
];

const CLR_HEADER = 14;

/** String tables are x86 code: a raw region may hold it, a PE32+ or a .NET assembly does not. */
function mayHoldX86(image: Image): boolean {
  const { pe } = image;
  return pe === undefined || (!pe.is64 && (pe.dataDirectories[CLR_HEADER]?.size ?? 0) === 0);
}

function extract({ image, ledger }: ExtractInput): Extraction {
  const { view } = image;
  const blob = findBlob(view);
  if (blob !== undefined) return { status: "config", finding: reportBlob(blob, view, ledger) };
  const scan = scanImage(view);
  const table = readTable(image, scan.tables);
  if (table !== undefined) return { status: "config", finding: reportTable(table, view, ledger) };

  const hidden = mayHoldX86(image) ? findHiddenStrings(image) : [];
  const read = hidden.flatMap((strings) => readHidden(image, strings, scan) ?? []);
  const withAddress = read.find((config) => config.entries.length > 0);
  if (withAddress !== undefined)
    return { status: "config", finding: reportHidden(withAddress, view, ledger) };
  const clear = readClear(image, scan, textsOf(hidden));
  if (clear !== undefined) return { status: "config", finding: reportClear(clear, view, ledger) };

  const own = read[0];
  const beside = own && withClearAddresses(view, own, scan);
  if (beside !== undefined) return { status: "config", finding: reportHidden(beside, view, ledger) };
  if (own !== undefined)
    return {
      status: "unknown-layout",
      stage: "addresses",
      text: `${own.table.strings.length} strings decrypt and are Vidar's, but none of them is an address`,
      at: [own.table.code],
    };
  const kin = hidden[0];
  if (kin !== undefined)
    return {
      status: "not-found",
      stage: "kin",
      text: "string table of the Arkei lineage; nothing in it is Vidar's own",
      at: [kin.code],
    };
  return { status: "not-found", stage: "scan", text: "no config of any known layout" };
}

export const vidar: Family = {
  ...IDENTITY,
  summary: "Infostealer of the Arkei lineage that finds its C2 on profile pages of public services",
  references: [
    "https://malpedia.caad.fkie.fraunhofer.de/details/win.vidar",
    "https://github.com/gendigitalinc/ioc/tree/master/Vidar",
    "https://github.com/elastic/nightMARE/tree/main/nightMARE/malware/vidar",
    "https://github.com/RussianPanda95/Configuration_extractors/blob/main/vidar_config_extractor.py",
    "https://github.com/CAPESandbox/CAPE-parsers/blob/main/cape_parsers/CAPE/community/Vidar.py",
  ],
  layouts: LAYOUTS,
  defaults: {},
  extract,
  traces,
  deadDrop: readDeadDrop,
  unresolvedDrops: unresolvedDrop,
};
