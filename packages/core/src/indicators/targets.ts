/** What an analyst means by a value: which indicators and which hashes it may be, defanged or not. */
import type { IndicatorType } from "../model/index.ts";
import { refang } from "./defang.ts";
import { normaliseHost, normaliseUrl, socketText } from "./normalise.ts";

/** Types whose values no network resolves: any text may be one. */
export const NAME_TYPES: readonly IndicatorType[] = [
  "mutex",
  "file",
  "registry",
  "certificate",
  "token",
  "licence",
  "campaign_id",
  "identifier",
  "password",
  "user_agent",
];

/** Types under the names that people call them by. */
export const TYPE_NAMES: ReadonlyMap<string, IndicatorType> = new Map<string, IndicatorType>([
  ...(["domain", "ipv4", "ipv6", "url", "socket", ...NAME_TYPES] as const).map(
    (type) => [type, type] as const,
  ),
  ["campaign", "campaign_id"],
  ["id", "identifier"],
  ["cert", "certificate"],
  ["license", "licence"],
  ["useragent", "user_agent"],
]);

/** Longer values are no indicators. */
const MAX_VALUE = 4096;

export interface IndicatorKey {
  readonly type: IndicatorType;
  readonly value: string;
}

export interface Targets {
  /** Every indicator that the value may be, the likeliest first. */
  readonly indicators: readonly IndicatorKey[];
  /** Lower-case hex, when it has the length of one. */
  readonly hash?: { readonly kind: "md5" | "sha1" | "sha256"; readonly value: string };
}

const HASHES: Readonly<Record<number, "md5" | "sha1" | "sha256">> = { 32: "md5", 40: "sha1", 64: "sha256" };

/**
 * Reads `value` as each thing that it may be. `mutex:Rmc-1` and `sha256:…` name the type themselves, as the keys of
 * relations do; a mutex called `mutex:x` is found too.
 */
export function targetsOf(value: string): Targets {
  const text = value.trim();
  const colon = text.indexOf(":");
  const type = TYPE_NAMES.get(text.slice(0, Math.max(colon, 0)).toLowerCase());
  const named = type === undefined ? [] : indicatorsFrom(text.slice(colon + 1).trim(), [type]);
  const hash = hashOf(text.replace(/^(?:sha256|sha1|md5|config):/i, ""));
  return {
    indicators: distinct([...named, ...indicatorsFrom(text, undefined)]),
    ...(hash === undefined ? {} : { hash }),
  };
}

/** The indicators of these types (default: any) that `text` may be. */
export function indicatorsFrom(text: string, types: readonly IndicatorType[] | undefined): IndicatorKey[] {
  if (text === "" || text.length > MAX_VALUE) return [];
  const found = [...addresses(refang(text)), ...NAME_TYPES.flatMap((type) => names(type, text))];
  return types === undefined ? found : found.filter((key) => types.includes(key.type));
}

function names(type: IndicatorType, text: string): IndicatorKey[] {
  const isHex = type === "certificate" && /^[0-9a-f:\s]+$/i.test(text);
  return [{ type, value: isHex ? text.replace(/[:\s]/g, "").toLowerCase() : text }];
}

function addresses(text: string): IndicatorKey[] {
  const url = normaliseUrl(text);
  if (url !== undefined) {
    const socket = url.port === undefined ? undefined : socketText(url.host, url.port);
    // A config whose protocol is its own says tcp://host:port, which is a socket here.
    return [
      { type: "url", value: url.value },
      ...(socket === undefined || url.rest !== "" ? [] : [{ type: "socket" as const, value: socket }]),
    ];
  }
  const host = normaliseHost(text);
  if (host !== undefined) return [host];
  const end = text.lastIndexOf(":");
  const port = text.slice(end + 1);
  const before = end < 0 ? undefined : normaliseHost(text.slice(0, end));
  const socket =
    before === undefined || !/^\d{1,5}$/.test(port) ? undefined : socketText(before, Number(port));
  return socket === undefined ? [] : [{ type: "socket", value: socket }];
}

function hashOf(text: string): Targets["hash"] {
  const kind = /^[0-9a-f]+$/i.test(text) ? HASHES[text.length] : undefined;
  return kind === undefined ? undefined : { kind, value: text.toLowerCase() };
}

function distinct(keys: readonly IndicatorKey[]): IndicatorKey[] {
  return [...new Map(keys.map((key) => [`${key.type}:${key.value}`, key])).values()];
}
