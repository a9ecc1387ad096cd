/**
 * Lumma (LummaC2), an information stealer in C for 32-bit Windows, sold since 2022. Its C2 list and the customer's id
 * stand in .rdata; four generations of layouts are known: see LAYOUTS, and l0.ts to l3.ts for each with its sources.
 *
 * `identifier` holds the customer's id (`lid` in the protocol; in L3 the build id), `campaign_id` the customer's own
 * tag (`j` in the protocol). Hosts of L1 and L2 are reported as https://host, as the malware calls them; L3 has paths;
 * L0 is plain HTTP.
 *
 * What is accepted: in L2 and L3 two entries that decrypt to addresses under existing suffixes are `proved` (a keystream
 * yields a strict grammar); one is `structural` if code, table or marker point to its key, and otherwise nothing.
 * In L1 two different hosts under one key and stride are `structural`; under one key but no stride, or a lone host
 * with a customer's id or a rule hit, `heuristic`; a lone host with neither is nothing. L0 is `heuristic`.
 */
import type { Image } from "../../formats/image.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { type BuildId, findBuild, findUser } from "./build-id.ts";
import { readDeadDrop } from "./dead-drop.ts";
import { blobFinding, clearFinding, IDENTITY, slotsFinding, tableFinding } from "./findings.ts";
import {
  type FoundSite,
  type KeySetup,
  keySetups,
  sitesByCode,
  sitesByMarker,
  sitesByTable,
} from "./key-sites.ts";
import { hasSigns, readClear } from "./l0.ts";
import { findSlots } from "./l1.ts";
import { slotsOf } from "./l2.ts";
import { type Blob, blobAt, findBlob } from "./l3.ts";
import { type Details, findDetails, findSigns, type Signs } from "./landmarks.ts";
import { type Range, searchRanges } from "./ranges.ts";
import { traces } from "./traces.ts";
import { findUnplaced } from "./unplaced.ts";

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "L3", title: "ChaCha20, one blob of key, nonce and slots", used: "v6, mid 2025 on" },
  { id: "L2", title: "ChaCha20, slots by a pointer table", used: "21 January 2025 to mid 2025" },
  {
    id: "L1",
    title: "base64 of a key and a XORed host, in slots of 0x81 bytes",
    used: "v4, August 2023 to January 2025",
  },
  { id: "L0", title: "host in clear, texts with or without junk in them", used: "2022 to mid 2023" },
  { id: "memory", title: "requests and hosts in clear, in memory", used: "v4 and v6", inMemory: true },
];

function extract(input: ExtractInput): Extraction {
  const { image } = input;
  const ranges = searchRanges(image);
  const signs = findSigns(image.view.bytes);
  const setups = keySetups(image.view, ranges);
  const extraction =
    byChacha(input, ranges, signs, setups) ?? byBase64(input, ranges) ?? byScan(input, ranges, setups);
  if (extraction !== undefined) return extraction;
  const details = () => findDetails(image.view.bytes);
  return hasSigns(signs, details) ? inClear(input, ranges, signs, details()) : NOT_FOUND;
}

const NOT_FOUND: Extraction = {
  status: "not-found",
  stage: "locate",
  text: "no C2 slots of any known layout",
};

/** Key sites that are tried: a real image has one, a file made against us as many as it likes. */
const MAX_SITES = 4;

/** L3 and L2 from the places where their key is known to be. */
function byChacha(
  input: ExtractInput,
  ranges: readonly Range[],
  signs: Signs,
  setups: readonly KeySetup[],
): Extraction | undefined {
  const { image } = input;
  let left = MAX_SITES;
  for (const site of keySites(image, ranges, signs, setups)) {
    if (left-- === 0) return undefined;
    const blob = blobAt(image, site, ranges);
    if (blob !== undefined) return config(blobFinding(input, blob, idOf(blob, image, ranges)));
    const table = slotsOf(image, site, ranges);
    if (table !== undefined) return config(tableFinding(input, table, idOfL2(image, ranges)));
  }
  return undefined;
}

function* keySites(
  image: Image,
  ranges: readonly Range[],
  signs: Signs,
  setups: readonly KeySetup[],
): Generator<FoundSite> {
  yield* sitesByMarker(image.view.bytes, signs);
  yield* sitesByCode(image, setups);
  yield* sitesByTable(image.view, ranges);
}

function byBase64(input: ExtractInput, ranges: readonly Range[]): Extraction | undefined {
  const group = findSlots(input.image.view, ranges);
  if (group === undefined) return undefined;
  const id = findUser(input.image, ranges);
  const lone = new Set(group.slots.map((slot) => slot.text)).size < 2;
  if (lone && id === undefined && input.rules.length === 0) return undefined;
  return config(slotsFinding(input, group, id));
}

/** L3 where neither its surroundings nor its code are as known, or where it stands is not. */
function byScan(
  input: ExtractInput,
  ranges: readonly Range[],
  setups: readonly KeySetup[],
): Extraction | undefined {
  const { image } = input;
  const unplaced = () => (image.layout === "file" ? undefined : findUnplaced(image.view, ranges, setups));
  const blob = findBlob(image, ranges) ?? unplaced();
  return blob && config(blobFinding(input, blob, idOf(blob, image, ranges)));
}

function idOf(blob: Blob, image: Image, ranges: readonly Range[]): BuildId | undefined {
  return blob.firstCounter === 0
    ? idOfL2(image, ranges)
    : (findBuild(image, ranges) ?? findUser(image, ranges));
}

function idOfL2(image: Image, ranges: readonly Range[]): BuildId | undefined {
  return findUser(image, ranges) ?? findBuild(image, ranges);
}

function inClear(input: ExtractInput, ranges: readonly Range[], signs: Signs, details: Details): Extraction {
  const { image } = input;
  const clear = readClear(image.view, ranges, signs, details);
  if (clear !== undefined) return config(clearFinding(input, clear, findUser(image, ranges)));
  return {
    status: "unknown-layout",
    stage: "L0",
    text: "texts of Lumma's protocol, but no host in clear near them",
    at: [...signs.request, ...signs.upload, ...signs.report]
      .slice(0, 4)
      .map((offset) => image.view.span(offset, 15)),
  };
}

function config(finding: Extract<Extraction, { status: "config" }>["finding"]): Extraction {
  return { status: "config", finding };
}

export const lumma: Family = {
  ...IDENTITY,
  summary:
    "Information stealer; C2 list and customer id in .rdata, in clear, under base64 and XOR, or under ChaCha20",
  references: [
    "https://malpedia.caad.fkie.fraunhofer.de/details/win.lumma",
    "https://github.com/CAPESandbox/CAPE-parsers/blob/main/cape_parsers/CAPE/community/Lumma.py",
    "https://github.com/elastic/nightMARE/blob/main/nightMARE/malware/lumma/configuration.py",
    "https://github.com/RussianPanda95/Configuration_extractors",
    "https://github.com/uky007/LummaStealer",
    "https://github.com/federicofantini/TheTrackerShow",
  ],
  layouts: LAYOUTS,
  defaults: {},
  extract,
  traces,
  deadDrop: readDeadDrop,
};
