/** Turns what the layouts' readers found into findings, each value with the bytes it was read from. */
import { type Found, found, hex, type Span, type View } from "../../bytes/index.ts";
import {
  type Confidence,
  type FamilyIdentity,
  type Finding,
  FindingBuilder,
  type Reading,
  type Step,
} from "../../model/index.ts";
import type { ExtractInput } from "../family.ts";
import { endpointOf, readAddress } from "./address.ts";
import type { BuildId } from "./build-id.ts";
import { clearDrops } from "./dead-drop.ts";
import { certain, type Entry, KEY_SIZE, type KeySite, NONCE_SIZE, SLOT } from "./entries.ts";
import { type FoundSite, pointersTo } from "./key-sites.ts";
import { type ClearConfig, type ClearText, spansOf } from "./l0.ts";
import { type SlotGroup, STRIDE, XOR_KEY_SIZE } from "./l1.ts";
import { missingSlots, type SlotTable } from "./l2.ts";
import type { Blob } from "./l3.ts";
import { searchRanges } from "./ranges.ts";

export const IDENTITY: FamilyIdentity = {
  id: "win.lumma",
  name: "Lumma Stealer",
  aliases: ["LummaC2", "LummaC2 Stealer", "Lumma"],
  category: ["infostealer"],
};

/** Two hosts under a keystream are proof; one is not, but a key that code, table or marker points to supports it. */
function confidenceOf(entries: readonly Entry[]): Confidence {
  return certain({ entries, gaps: [] }) >= 2 ? "proved" : "structural";
}

export function blobFinding(input: ExtractInput, blob: Blob, id: BuildId | undefined): Finding {
  const { ledger, image } = input;
  const { view } = image;
  const { entries, gaps } = blob.list;
  const builder = new FindingBuilder(IDENTITY, blob.firstCounter === 0 ? "L2" : "L3", view.artifact);
  const slots = (entries.at(-1)?.index ?? 0) + 1;
  const cipher = view.clip(blob.array, slots * SLOT).span();
  const plain = ledger.derive([cipher], [chachaStep(view, blob.site, blob.firstCounter)], "C2 slots");
  for (const entry of entries) addEntry(builder, entry, plain?.span(entry.index * SLOT, entry.text.length));
  for (const gap of gaps) addGap(builder, gap, [view.clip(blob.array + gap * SLOT, SLOT).span()]);
  if (blob.count !== undefined && blob.count > slots)
    builder.reason("slot-unreadable", `the code counts ${blob.count} slots, ${slots} were read`);
  addChachaKey(builder, view, blob.site);
  addId(builder, id);
  addDrops(builder, input);
  return builder.build(confidenceOf(entries), ledger);
}

export function tableFinding(input: ExtractInput, table: SlotTable, id: BuildId | undefined): Finding {
  const { ledger, image } = input;
  const { view } = image;
  const builder = new FindingBuilder(IDENTITY, "L2", view.artifact);
  for (const entry of table.entries) {
    const step = chachaStep(view, table.site, entry.counter);
    const plain = ledger.derive([view.clip(entry.offset, SLOT).span()], [step], `C2 slot ${entry.index}`);
    addEntry(builder, entry, plain?.span(0, entry.text.length));
  }
  for (const missing of missingSlots(table)) addGap(builder, missing, []);
  addChachaKey(builder, view, table.site);
  addId(builder, id);
  addDrops(builder, input);
  return builder.build(confidenceOf(table.entries), ledger);
}

export function slotsFinding(input: ExtractInput, group: SlotGroup, id: BuildId | undefined): Finding {
  const { ledger, image } = input;
  const { view } = image;
  const builder = new FindingBuilder(IDENTITY, "L1", view.artifact);
  for (const slot of group.slots) {
    const base64: Step = { op: "base64", params: { dialect: slot.dialect } };
    const raw = ledger.derive([view.span(slot.offset, slot.length)], [base64], "C2 slot");
    if (raw === undefined) continue;
    const key = raw.span(0, XOR_KEY_SIZE);
    const xor: Step = { op: "xor", params: { key: hex(slot.key) }, at: [key] };
    const plain = ledger.derive([raw.span(XOR_KEY_SIZE)], [xor]);
    if (plain === undefined) continue;
    builder.endpoint(endpointOf(slot.address, "https"), [plain.span()], { as: "latin1" });
    builder.encryption({ algorithm: "XOR", key: hex(slot.key), usage: "config" }, [key], { as: "hex" });
  }
  for (const hole of group.holes)
    builder.reason("slot-unreadable", "a slot between the others holds no host", [
      view.clip(hole, STRIDE).span(),
    ]);
  addId(builder, id);
  addDrops(builder, input);
  const first = group.slots[0];
  const read = group.slots.length + group.holes.length;
  const pointers =
    first === undefined || group.stride === undefined
      ? 0
      : pointersTo(image, searchRanges(image), first.offset, group.stride);
  if (pointers > read)
    builder.reason("slot-unreadable", `the pointer table has ${pointers} entries, ${read} slots were found`);
  const hosts = new Set(group.slots.map((slot) => slot.text)).size;
  return builder.build(hosts >= 2 && group.stride !== undefined ? "structural" : "heuristic", ledger);
}

export function clearFinding(input: ExtractInput, config: ClearConfig, id: BuildId | undefined): Finding {
  const { ledger, image } = input;
  const builder = new FindingBuilder(IDENTITY, "L0", image.view.artifact);
  const { hosts, path, userAgent, identifier, junk } = config;
  const placed = (text: ClearText): Found<string> => found(text.value, ...spansOf(text, junk));
  const reading = (text: ClearText): Reading => ({ as: text.wide ? "utf16le" : "latin1" });
  for (const host of hosts) {
    const endpoint = endpointOf(host.address, "http", userAgent?.value);
    const whole =
      endpoint.path === undefined && path !== undefined ? { ...endpoint, path: path.value } : endpoint;
    builder.endpoint(endpoint.usage === "c2" ? whole : endpoint, placed(host).at, reading(host));
  }
  if (path !== undefined) builder.other("request_path", placed(path), reading(path));
  if (userAgent !== undefined) builder.other("user_agent", placed(userAgent), reading(userAgent));
  if (junk !== undefined) builder.reason("junk-removed", `texts hold the junk ${JSON.stringify(junk)}`);
  if (id !== undefined) addId(builder, id);
  else if (identifier !== undefined) builder.text("identifier", placed(identifier), reading(identifier));
  addDrops(builder, input);
  return builder.build("heuristic", ledger);
}

function addEntry(builder: FindingBuilder, entry: Entry, at: Span | undefined): void {
  builder.endpoint(endpointOf(entry.address, "https"), at === undefined ? [] : [at], {
    as: "latin1",
    steps: [`slot ${entry.index}`],
  });
  if (!entry.address.knownSuffix)
    builder.reason(
      "unknown-suffix",
      `slot ${entry.index} names a top-level domain that is not on the public suffix list`,
    );
}

function addGap(builder: FindingBuilder, index: number, at: readonly Span[]): void {
  builder.reason("slot-unreadable", `slot ${index} does not decrypt to an address`, at);
}

function chachaStep(view: View, site: KeySite, counter: number): Step {
  const { key, nonce } = keyOf(view, site);
  return {
    op: "chacha20",
    params: { key: hex(key.bytes), nonce: hex(nonce.bytes), counter },
    at: [key.span(), nonce.span()],
  };
}

function addChachaKey(builder: FindingBuilder, view: View, site: FoundSite): void {
  const { key, nonce } = keyOf(view, site);
  const entry = {
    algorithm: "ChaCha20",
    key: hex(key.bytes),
    nonce: hex(nonce.bytes),
    usage: "config",
  } as const;
  builder.encryption(entry, [key.span(), nonce.span()], { as: "hex", steps: [`key found by ${site.by}`] });
}

function keyOf(view: View, site: KeySite): { key: View; nonce: View } {
  return { key: view.clip(site.key, KEY_SIZE), nonce: view.clip(site.nonce, NONCE_SIZE) };
}

function addId(builder: FindingBuilder, id: BuildId | undefined): void {
  if (id === undefined) return;
  builder.text("identifier", id.identifier, { as: "latin1", steps: [id.by] });
  if (id.tag !== undefined) builder.text("campaign_id", id.tag, { as: "latin1", steps: [id.by] });
}

/** Dead drops in clear, next to any layout. */
function addDrops(builder: FindingBuilder, { image }: ExtractInput): void {
  for (const drop of clearDrops(image)) {
    const address = readAddress(drop.value);
    if (address === undefined) continue;
    builder.endpoint(endpointOf(address, "https"), drop.at, { as: drop.wide ? "utf16le" : "latin1" });
  }
}
