/**
 * Vidar in memory: once its strings are decrypted, addresses, version and build id stand as C strings in neighbouring
 * blocks of the heap, whatever the layout that the file kept them in. All three must lie within 0x400 bytes of one
 * another, and something must tell that they are Vidar's: six of the texts of its report, or a profile page for a dead
 * drop together with a second address or three of the texts.
 */
import { latin1Bytes, type View } from "../../bytes/index.ts";
import type { Finding, Ledger } from "../../model/index.ts";
import { hostKind } from "../engines/trace-hosts.ts";
import type { TraceInput, Traces } from "../family.ts";
import { deadDropPlatform, isBenign, isIpv4, isOrigin, isProfilePage } from "./hosts.ts";
import { BUILD_ID, builder, PLAIN, VERSION } from "./identity.ts";
import { type FoundUrl, scanImage } from "./scan.ts";
import { type FoundText, textsIn } from "./texts.ts";

/** Texts of its report and of its upload (SEKOIA vidar_strings_nov23, RussianPanda). None of them is rare alone. */
const TEXTS = [
  "MachineID:",
  "Work Dir: In memory",
  "[Hardware]",
  "[Processes]",
  "[Software]",
  "VideoCard:",
  "information.txt",
  "Soft\\Steam\\steam_tokens.txt",
  "Soft: WinSCP",
  "Soft: FileZilla",
  "Vidar Version",
  "build_id",
  "file_data",
] as const;
const ENOUGH_TEXTS = 6;
const FEW_TEXTS = 3;
const DROPS = ["https://steamcommunity.com/profiles/7656119", "https://t.me/"] as const;

/** Bytes from the first of the three facts to the last. */
const CLUSTER = 0x400;
/** Different clusters of one window; a process has one. */
const MAX_CLUSTERS = 16;
/** Dead drops that are looked around. */
const MAX_DROPS = 256;

interface Cluster {
  readonly urls: readonly FoundUrl[];
  readonly buildId: FoundText;
  readonly version: FoundText;
}

function read({ view, hits, ledger }: TraceInput): readonly Finding[] {
  const texts = TEXTS.filter((_, i) => (hits[i] ?? []).length > 0);
  const told = texts.length >= ENOUGH_TEXTS;
  const clusters = new Map<string, Cluster>();
  for (const cluster of clustersOf(view, told ? urlsIn(view, 0, view.length) : urlsAround(view, hits))) {
    const { urls, buildId } = cluster;
    const key = [buildId.value, ...urls.map(({ value }) => value)].join(" ");
    if (!clusters.has(key) && (told || isVidars(urls, texts.length))) clusters.set(key, cluster);
    if (clusters.size === MAX_CLUSTERS) break;
  }
  return [...clusters.values()].map((cluster) => report(view, cluster, texts, ledger));
}

/** Addresses near the profile pages that the anchors found. */
function urlsAround(view: View, hits: TraceInput["hits"]): readonly FoundUrl[] {
  const drops = hits
    .slice(TEXTS.length)
    .flat()
    .sort((a, b) => a - b)
    .slice(0, MAX_DROPS);
  const urls = new Map<number, FoundUrl>();
  for (const drop of drops)
    for (const url of urlsIn(view, drop - CLUSTER, drop + CLUSTER)) urls.set(url.offset, url);
  return [...urls.values()].sort((a, b) => a.offset - b.offset);
}

/** Whole strings of [start, end) that are a C2's address or a profile page. */
function urlsIn(view: View, start: number, end: number): readonly FoundUrl[] {
  const from = Math.max(0, start);
  return scanImage(view.clip(from, end - from))
    .urls.map((url) => ({ ...url, offset: url.offset + from }))
    .filter(
      ({ url }) => isProfilePage(url) || (isOrigin(url) && !isBenign(url) && hostKind(url.host) === "public"),
    );
}

/** Build ids that have a version and an address within reach, with all the addresses within reach. */
function clustersOf(view: View, urls: readonly FoundUrl[]): readonly Cluster[] {
  const clusters = new Map<number, { buildId: FoundText; version: FoundText; urls: FoundUrl[] }>();
  for (const url of urls) {
    const [start, end] = [url.offset + url.value.length - CLUSTER, url.offset + CLUSTER];
    const buildId = nearest(view, start, end, 32, 32, BUILD_ID, url.offset);
    const version = buildId && nearest(view, start, end, 3, 5, VERSION, buildId.offset);
    if (buildId === undefined || version === undefined || spread([url, buildId, version]) > CLUSTER) continue;
    const known = clusters.get(buildId.offset);
    if (known === undefined) clusters.set(buildId.offset, { buildId, version, urls: [url] });
    else known.urls.push(url);
  }
  return [...clusters.values()];
}

function nearest(
  view: View,
  start: number,
  end: number,
  min: number,
  max: number,
  form: RegExp,
  to: number,
): FoundText | undefined {
  let best: FoundText | undefined;
  for (const text of textsIn(view, start, end, min, max)) {
    const closer = best === undefined || Math.abs(text.offset - to) < Math.abs(best.offset - to);
    if (closer && form.test(text.value)) best = text;
  }
  return best;
}

function spread(texts: readonly FoundText[]): number {
  const starts = texts.map(({ offset }) => offset);
  const ends = texts.map(({ offset, value }) => offset + value.length);
  return Math.max(...ends) - Math.min(...starts);
}

/** A profile page beside an id and a version may be a browser's: a second address of another kind, or three texts. */
function isVidars(urls: readonly FoundUrl[], texts: number): boolean {
  const kinds = new Set(
    urls.map(({ url }) => deadDropPlatform(url) ?? (isIpv4(url.host) ? "address" : "name")),
  );
  const drops = urls.some(({ url }) => deadDropPlatform(url) !== undefined);
  kinds.delete("name");
  return drops && (kinds.size >= 2 || texts >= FEW_TEXTS);
}

function report(view: View, cluster: Cluster, texts: readonly string[], ledger: Ledger): Finding {
  const out = builder("memory", view);
  out.version(cluster.version, PLAIN).text("identifier", cluster.buildId, PLAIN);
  for (const { url, at } of cluster.urls) {
    const usage = deadDropPlatform(url) === undefined ? "c2" : "dead_drop_resolver";
    out.endpoint({ ...url, usage }, at, PLAIN);
  }
  const at = [...cluster.urls, cluster.buildId, cluster.version].flatMap((text) => [...text.at]);
  out.reason(
    "memory-strings",
    `Address, build id and version as C strings within ${spread([...cluster.urls, cluster.buildId, cluster.version])} bytes` +
      (texts.length > 0 ? `, and in the same memory ${texts.map((text) => `"${text}"`).join(", ")}` : ""),
    at,
  );
  out.reason("version-by-place", "the number nearest to the build id; nothing names it", cluster.version.at);
  return out.build("heuristic", ledger);
}

export const traces: Traces = {
  anchors: [...TEXTS, ...DROPS].map((text) => latin1Bytes(text)),
  reach: 2 * CLUSTER,
  read,
};
