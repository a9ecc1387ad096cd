/**
 * Lumma (LummaC2), an information stealer in C for 32-bit Windows, sold since 2022. Its C2 list and the id of the
 * customer are in .rdata; four generations of layouts are known (see LAYOUTS and the file of each).
 *
 * `identifier` holds the id of the customer (`lid` in its protocol; in L3 the build id), `campaign_id` the customer's
 * own tag (`j` in its protocol). Hosts of L1 and L2 are reported as https://host, as the malware calls them.
 *
 * What is accepted: L2 and L3 with two entries that decrypt to addresses under existing suffixes are `proved` (a
 * keystream yields a strict grammar), with one entry and a key that code, table or marker points to `structural`.
 * L1 with two hosts at one stride under one key is `structural`; hosts under one key at no stride, or a lone host with
 * a user id or a rule hit, are `heuristic`; a lone host with neither is not reported.
 */
import { hex } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import { type FamilyIdentity, FindingBuilder, type Step } from "../../model/index.ts";
import type { ExtractInput, Extraction, Family, LayoutInfo } from "../family.ts";
import { endpointOf } from "./address.ts";
import { type BuildId, findBuild, findUser } from "./build-id.ts";
import { certain, KEY_SIZE, type KeySite, NONCE_SIZE, SLOT } from "./entries.ts";
import { type FoundSite, sitesByCode, sitesByMarker } from "./key-sites.ts";
import { findSlots, type SlotGroup, STRIDE, XOR_KEY_SIZE } from "./l1.ts";
import { type Blob, blobAt, findBlob } from "./l3.ts";
import { type Range, searchRanges } from "./ranges.ts";

const IDENTITY: FamilyIdentity = {
  id: "win.lumma",
  name: "Lumma Stealer",
  aliases: ["LummaC2", "LummaC2 Stealer", "Lumma"],
  category: ["infostealer"],
};

const LAYOUTS: readonly LayoutInfo[] = [
  { id: "L3", title: "ChaCha20, one blob of key, nonce and slots", used: "v6.x, mid 2025 on" },
  { id: "L2", title: "ChaCha20, slots by a pointer table", used: "21 January 2025 to mid 2025" },
  { id: "L1", title: "base64 of key and XORed host, slots of 0x81", used: "v4, August 2023 to January 2025" },
  { id: "L0", title: "host in clear or with a junk substring", used: "2022 to mid 2023" },
];

function extract(input: ExtractInput): Extraction {
  const { image } = input;
  const ranges = searchRanges(image);
  for (const site of knownSites(image, ranges)) {
    const blob = blobAt(image, site, ranges);
    if (blob !== undefined) return fromBlob(input, blob);
  }
  const group = findSlots(image.view, ranges);
  const l1 = group && fromSlots(input, group, ranges);
  if (l1 !== undefined) return l1;
  const blob = findBlob(image, ranges);
  if (blob !== undefined) return fromBlob(input, blob);
  return { status: "not-found", stage: "locate", text: "no C2 slots of any known layout" };
}

function* knownSites(image: Image, ranges: readonly Range[]): Generator<FoundSite> {
  yield* sitesByMarker(image.view.bytes);
  yield* sitesByCode(image, ranges);
}

function fromBlob({ image, ledger }: ExtractInput, blob: Blob): Extraction {
  const { view } = image;
  const { entries, gaps } = blob.list;
  const builder = new FindingBuilder(IDENTITY, "L3", view.artifact);
  const proven = certain(blob.list);
  const last = entries.at(-1)?.index ?? 0;
  const from = view.clip(blob.array, (last + 1) * SLOT).span();
  const plain = ledger.derive([from], [chachaStep(image, blob.site, 2)], "C2 slots");
  for (const entry of entries) {
    const at = plain?.span(entry.index * SLOT, entry.text.length);
    builder.endpoint(endpointOf(entry.address, "https"), at === undefined ? [] : [at], {
      as: "latin1",
      steps: [`slot ${entry.index}`],
    });
  }
  for (const gap of gaps)
    builder.reason("slot-unreadable", `slot ${gap} holds no address`, [
      view.span(blob.array + gap * SLOT, SLOT),
    ]);
  addChachaKey(builder, image, blob.site);
  addId(builder, findBuild(view));
  return { status: "config", finding: builder.build(proven >= 2 ? "proved" : "structural", ledger) };
}

function chachaStep(image: Image, site: KeySite, counter: number): Step {
  const { view } = image;
  const [key, nonce] = [view.clip(site.key, KEY_SIZE), view.clip(site.nonce, NONCE_SIZE)];
  return {
    op: "chacha20",
    params: { key: hex(key.bytes), nonce: hex(nonce.bytes), counter },
    at: [key.span(), nonce.span()],
  };
}

function addChachaKey(builder: FindingBuilder, image: Image, site: KeySite): void {
  const { view } = image;
  const [key, nonce] = [view.clip(site.key, KEY_SIZE), view.clip(site.nonce, NONCE_SIZE)];
  builder.encryption(
    { algorithm: "ChaCha20", key: hex(key.bytes), nonce: hex(nonce.bytes), usage: "config" },
    [key.span(), nonce.span()],
    { as: "hex" },
  );
}

function addId(builder: FindingBuilder, id: BuildId | undefined): void {
  if (id === undefined) return;
  builder.text("identifier", id.identifier, { as: "latin1", steps: [id.by] });
  if (id.tag !== undefined) builder.text("campaign_id", id.tag, { as: "latin1", steps: [id.by] });
}

function fromSlots(
  { image, ledger, rules }: ExtractInput,
  group: SlotGroup,
  ranges: readonly Range[],
): Extraction | undefined {
  const { view } = image;
  const hosts = new Set(group.slots.map((slot) => slot.text)).size;
  const id = findUser(image, ranges);
  if (hosts < 2 && id === undefined && rules.length === 0) return undefined;
  const builder = new FindingBuilder(IDENTITY, "L1", view.artifact);
  for (const slot of group.slots) {
    const base64: Step = { op: "base64", params: { dialect: slot.dialect } };
    const raw = ledger.derive([view.span(slot.offset, slot.length)], [base64], "C2 slot");
    if (raw === undefined) continue;
    const key = raw.span(0, XOR_KEY_SIZE);
    const step: Step = { op: "xor", params: { key: hex(slot.key) }, at: [key] };
    const plain = ledger.derive([raw.span(XOR_KEY_SIZE)], [step]);
    if (plain === undefined) continue;
    builder.endpoint(endpointOf(slot.address, "https"), [plain.span()], { as: "latin1" });
    builder.encryption({ algorithm: "XOR", key: hex(slot.key), usage: "config" }, [key], { as: "hex" });
  }
  for (const hole of group.holes)
    builder.reason("slot-unreadable", "a slot between the others holds no host", [
      view.clip(hole, STRIDE).span(),
    ]);
  addId(builder, id);
  const structural = hosts >= 2 && group.stride !== undefined;
  return { status: "config", finding: builder.build(structural ? "structural" : "heuristic", ledger) };
}

export const lumma: Family = {
  ...IDENTITY,
  summary: "Information stealer; C2 hosts and customer id in .rdata, by base64 and XOR or by ChaCha20",
  references: [],
  layouts: LAYOUTS,
  defaults: {},
  extract,
};
