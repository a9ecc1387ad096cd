/**
 * Vd (2022-2025): the config in clear, URLs, version and build id as strings of .rdata (or of the heap, in a dump).
 * Nothing ties them together, and any program may hold a URL, a version and an MD5: so it takes texts that only Vidar
 * has, or the whole cluster of a dead-drop profile, a second address, an id and a version in one place.
 */
import type { Found, View } from "../../bytes/index.ts";
import type { AddressSpace } from "../../formats/address-space.ts";
import type { Finding, Ledger } from "../../model/index.ts";
import { ENOUGH, isKins, MARKERS, weigh } from "./evidence.ts";
import { deadDropPlatform, isBenign, isIpv4, isOrigin, isProfilePage } from "./hosts.ts";
import { BUILD_ID, builder, PLAIN, VERSION } from "./identity.ts";
import type { FoundUrl, Scan } from "./scan.ts";
import { type FoundText, textAt, textsIn } from "./texts.ts";

export interface ClearConfig {
  readonly deadDrops: readonly FoundUrl[];
  readonly c2: readonly FoundUrl[];
  /** URLs of the form of a C2 that stand too far from the rest to be called one. */
  readonly stray: readonly FoundUrl[];
  readonly version: Found<string> | undefined;
  /** True when code of the known form names the version. */
  readonly versionByCode: boolean;
  readonly buildId: Found<string> | undefined;
  readonly tag: Found<string> | undefined;
  readonly userAgent: Found<string> | undefined;
  /** Vidar's own texts; empty when the cluster alone tells. */
  readonly markers: readonly string[];
}

/** Bytes between facts of one config: constants of one source file lie together in .rdata. */
const NEAR = 0x1000;
/** Bytes between a dead drop and a C2 whose host is a name, and between a dead drop and its user agent. */
const VERY_NEAR = 0x400;
/** Addresses of an image told to be Vidar's that may stand apart; where there are more, it holds other programs' too. */
const MAX_APART = 8;
/** Dead drops of one config. */
const MAX_DEAD_DROPS = 32;

/** Letters and digits, as in every tag published but a few; a tag of letters alone cannot be told from a word. */
const TAG = /^(?=[a-z0-9]*[a-z])(?=[a-z0-9]*\d)[a-z0-9]{4,10}$/;
const MAX_USER_AGENT = 0x100;

/**
 * `decoded`: strings that were decrypted from the image, which may tell Vidar as well as those in clear.
 * Undefined when the image is not told to be Vidar's.
 */
export function readClear(
  image: AddressSpace,
  scan: Scan,
  decoded: readonly string[] = [],
): ClearConfig | undefined {
  const { view } = image;
  const profiles = scan.urls.filter((u) => isProfilePage(u.url));
  if (profiles.length === 0 && scan.texts.size === 0) return undefined;
  const verdict = weigh([...markersOf(view, scan), ...decoded]);
  const told = verdict.score >= ENOUGH && (verdict.kin === undefined || profiles.length > 0);
  if (!told && profiles.length === 0) return undefined;

  const deadDrops = scan.urls
    .filter((u) => (told ? deadDropPlatform(u.url) !== undefined : isProfilePage(u.url)))
    .slice(0, MAX_DEAD_DROPS);
  const origins = scan.urls.filter((u) => isOrigin(u.url) && !isBenign(u.url));
  const anchors = [...deadDrops, ...origins.filter((u) => isIpv4(u.url.host))];
  const buildId = pick(facts(view, anchors, 32, 32, BUILD_ID), anchors);
  // The cluster alone tells only with a build id: without, the search for the version's code is saved.
  if (!told && buildId === undefined) return undefined;
  const around = buildId === undefined ? anchors : [...anchors, buildId];
  const byCode = versionByCode(image);
  const version = byCode ?? pick(facts(view, around, 3, 5, VERSION), around);
  const near = (u: FoundUrl, reach: number) =>
    [...deadDrops, ...(buildId === undefined ? [] : [buildId])].some((f) => distance(u, f) <= reach);
  const few = told && origins.length <= MAX_APART;
  const c2 = origins.filter((u) => (isIpv4(u.url.host) ? few || near(u, NEAR) : near(u, VERY_NEAR)));

  const urls = deadDrops.length + c2.length;
  const facts3 = Number(version !== undefined) + Number(buildId !== undefined) + Number(urls > 0);
  if (
    told
      ? urls === 0 || facts3 + Math.min(deadDrops.length, c2.length) < 2
      : !isCluster(scan, deadDrops, c2, version, buildId)
  )
    return undefined;
  return {
    deadDrops,
    c2,
    stray: origins.filter((u) => !c2.includes(u)),
    version,
    versionByCode: byCode !== undefined,
    buildId,
    tag: deadDrops.length === 0 ? undefined : tagBeside(view, deadDrops),
    userAgent: soleUserAgent(view, deadDrops),
    markers: told ? verdict.texts : [],
  };
}

/** Other URLs beside a lone cluster: Vidar keeps its addresses alone, a launcher its links together. */
const MAX_OTHER_URLS = 2;

/** Steam profile, second address of another kind, id and version, all within reach of one another. */
function isCluster(
  { urls }: Scan,
  deadDrops: readonly FoundUrl[],
  c2: readonly FoundUrl[],
  version: FoundText | undefined,
  buildId: FoundText | undefined,
): boolean {
  if (version === undefined || buildId === undefined) return false;
  const steam = deadDrops.find((u) => deadDropPlatform(u.url) === "steam");
  if (steam === undefined) return false;
  const others = urls.filter((u) => !deadDrops.includes(u) && !c2.includes(u) && distance(u, steam) <= NEAR);
  if (others.length > MAX_OTHER_URLS) return false;
  const second = [
    ...deadDrops.filter((u) => deadDropPlatform(u.url) !== "steam"),
    ...c2.filter((u) => isIpv4(u.url.host)),
  ];
  return (
    [version, buildId].every((f) => distance(f, steam) <= NEAR) &&
    second.some((u) => distance(u, steam) <= NEAR)
  );
}

/** The marker texts of the image, its kin's too. Those without a colon are looked for only when one with a colon was met. */
function markersOf(view: View, scan: Scan): string[] {
  const found = new Set(scan.texts);
  if (found.size === 0) return [];
  const open = MARKERS.map((m) => m.text).filter((text) => !text.includes(":"));
  for (const text of textsIn(view, 0, view.length, 8, 0x400)) {
    if (isKins(text.value)) found.add(text.value);
    for (const marker of open) if (text.value.includes(marker)) found.add(marker);
  }
  return [...found];
}

function distance(a: { offset: number }, b: { offset: number }): number {
  return Math.abs(a.offset - b.offset);
}

/** Strings of a form within reach of the anchors, nearest first. */
function facts(
  view: View,
  anchors: readonly { offset: number }[],
  min: number,
  max: number,
  form: RegExp,
): FoundText[] {
  const found = new Map<number, FoundText>();
  for (const { offset } of anchors.slice(0, MAX_DEAD_DROPS))
    for (const text of textsIn(view, offset - NEAR, offset + NEAR, min, max))
      if (form.test(text.value)) found.set(text.offset, text);
  return [...found.values()];
}

/** The fact nearest to an anchor. */
function pick(found: readonly FoundText[], anchors: readonly { offset: number }[]): FoundText | undefined {
  const reach = (f: FoundText) => Math.min(...anchors.map((a) => distance(a, f)));
  return [...found].sort((a, b) => reach(a) - reach(b))[0];
}

/** `push offset version` before the store of a std::string's first character (RussianPanda): 32-bit code. */
const PUSH = 0x68;
const AFTER_PUSH: readonly (readonly number[])[] = [
  [0x89, 0x45, 0xfc, 0x88, 0x06, 0xe8],
  [0x8b, 0xce, 0x89, 0x45, 0xfc, 0x88, 0x06],
];

function versionByCode(image: AddressSpace): FoundText | undefined {
  const { view } = image;
  const { bytes } = view;
  for (let at = bytes.indexOf(PUSH); at >= 0; at = bytes.indexOf(PUSH, at + 1)) {
    const next = bytes[at + 5];
    if (next !== 0x89 && next !== 0x8b) continue;
    if (!AFTER_PUSH.some((tail) => tail.every((byte, i) => bytes[at + 5 + i] === byte))) continue;
    const offset = image.offsetOfVa(view.u32(at + 1) ?? 0);
    const text = offset === undefined ? undefined : textAt(bytes, offset, 5);
    if (offset !== undefined && text !== undefined && VERSION.test(text))
      return { value: text, offset, at: [view.span(offset, text.length)] };
  }
  return undefined;
}

/** The string right before the first or right behind the last dead drop, when it has the form of a tag. */
function tagBeside(view: View, deadDrops: readonly FoundUrl[]): Found<string> | undefined {
  for (const drop of deadDrops) {
    const end = drop.offset + drop.value.length;
    const beside = [
      ...textsIn(view, drop.offset - 24, drop.offset, 4, 10),
      ...textsIn(view, end + 1, end + 24, 4, 10),
    ];
    const tag = beside.find((text) => TAG.test(text.value));
    if (tag !== undefined) return { value: tag.value, at: tag.at };
  }
  return undefined;
}

function soleUserAgent(view: View, deadDrops: readonly FoundUrl[]): Found<string> | undefined {
  const agents = new Map<string, Found<string>>();
  for (const { offset } of deadDrops)
    for (const text of textsIn(view, offset - VERY_NEAR, offset + VERY_NEAR, 12, MAX_USER_AGENT))
      if (text.value.startsWith("Mozilla/5.0 (")) agents.set(text.value, { value: text.value, at: text.at });
  return agents.size === 1 ? [...agents.values()][0] : undefined;
}

export function reportClear(config: ClearConfig, view: View, ledger: Ledger): Finding {
  const out = builder("Vd", view);
  if (config.version !== undefined) out.version(config.version, PLAIN);
  if (config.buildId !== undefined) out.text("identifier", config.buildId, PLAIN);
  const agent = config.userAgent;
  const inOrder = [...config.deadDrops, ...config.c2].sort((a, b) => a.offset - b.offset);
  for (const entry of inOrder) {
    const usage = config.c2.includes(entry) ? "c2" : "dead_drop_resolver";
    out.endpoint(
      { ...entry.url, usage, ...(agent === undefined ? {} : { userAgent: agent.value }) },
      [...entry.at, ...(agent?.at ?? [])],
      PLAIN,
    );
  }
  if (config.tag !== undefined) {
    out.other("dead_drop_tag", config.tag, PLAIN);
    out.reason("tag-by-place", "taken for the tag since it stands beside a dead drop", config.tag.at);
  }
  if (config.version !== undefined && !config.versionByCode)
    out.reason(
      "version-by-place",
      "the number nearest to the addresses; no code of a known form names it",
      config.version.at,
    );
  for (const entry of config.stray)
    out.reason("url-not-taken", "has the form of a C2 but stands apart from the config", entry.at);
  out.reason(
    "told-by",
    config.markers.length > 0
      ? `texts of Vidar's: ${config.markers.join(", ")}`
      : "dead drop, second address, version and build id in one place; none of Vidar's texts is in clear",
  );
  return out.build("heuristic", ledger);
}
