/** Indicators of a config whose fields have any names: CAPE's, Triage's, MWDB's, each parser's own. */
import { refang } from "../indicators/index.ts";
import type { ConnUsage, IndicatorType } from "../model/index.ts";
import type { Draft } from "./claim.ts";
import { isObject, type JsonObject, textAt } from "./json.ts";

/** Names, in lower case without signs, of fields that hold addresses; what they are used for. */
const ADDRESS_FIELDS: readonly (readonly [name: RegExp, usage: ConnUsage])[] = [
  [/deaddrop|drd|steam(?:url|profile)|telegram(?:url|channel)/, "dead_drop_resolver"],
  [/decoy/, "decoy"],
  [/download|dropper|payloadurl|stageurl/, "download"],
  [/exfil|upload/, "upload"],
  [/ransom|payment|onionsite/, "ransom"],
  [
    /^(?:cncs?|c2s?|c2.*|.*c2|.*c2s|c2url|c2list|cc|candc|controllers?|hosts?|hostname|servers?|serverip|.*servers?|domains?|.*domains?|urls?|.*urls?|uris?|address(?:es)?|.*address(?:es)?|gates?|panel|ips?|connectback|callbacks?|beacons?|bots?server)$/,
    "c2",
  ],
];

const NAME_FIELDS: readonly (readonly [name: RegExp, type: IndicatorType])[] = [
  [/^mutex(?:es|name)?$/, "mutex"],
  [
    /^(?:campaign(?:id|code)?|botnet(?:id)?|group(?:id|tag|name)?|gtag|buildid|affiliate(?:id)?)$/,
    "campaign_id",
  ],
  [/^(?:password|pass|passphrase)$/, "password"],
  [/^useragents?$/, "user_agent"],
  [/^(?:install(?:path|dir|folder|file)?|filepath|droppath)$/, "file"],
  [/^(?:registrykey|regkey|registry)$/, "registry"],
];

const PORT_FIELD = /^(?:ports?|serverport|c2port)$/;
/** Of the tree of one config. */
const MAX_VALUES = 20_000;
const MAX_DEPTH = 32;
/** Addresses of one text: `a:1,b:2;c:3` or a line each. */
const MAX_LISTED = 500;
const MAX_TEXT = 64 * 1024;

/** Takes what the names of fields say; undefined usages fall back to that of the field around. */
export function takeFields(draft: Draft, config: JsonObject): void {
  let values = 0;
  const visit = (name: string, value: unknown, usage: ConnUsage | undefined, depth: number): void => {
    if (++values > MAX_VALUES || depth > MAX_DEPTH) return;
    const own = usageOf(name) ?? usage;
    if (Array.isArray(value)) for (const entry of value) visit(name, entry, own, depth + 1);
    else if (isObject(value)) {
      pair(draft, value, own);
      for (const [key, entry] of Object.entries(value)) visit(plain(key), entry, own, depth + 1);
    } else if (typeof value === "string" || typeof value === "number") take(draft, name, value, own);
  };
  pair(draft, config, undefined);
  for (const [key, value] of Object.entries(config)) visit(plain(key), value, undefined, 0);
}

function plain(name: string): string {
  return name
    .slice(0, 128)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

function usageOf(name: string): ConnUsage | undefined {
  return ADDRESS_FIELDS.find(([form]) => form.test(name))?.[1];
}

function take(draft: Draft, name: string, value: string | number, usage: ConnUsage | undefined): void {
  const type = NAME_FIELDS.find(([form]) => form.test(name))?.[1];
  if (type !== undefined) draft.name(type, value);
  else if (usage !== undefined && typeof value === "string" && !PORT_FIELD.test(name))
    takeAddresses(draft, value, usage);
}

/** A text of one address or of several. */
export function takeAddresses(draft: Draft, text: string, usage: ConnUsage): void {
  if (text.length > MAX_TEXT) return;
  if (draft.address(text, usage)) return;
  for (const part of refang(text).split(/[\s,;|]+/, MAX_LISTED)) if (part !== "") draft.address(part, usage);
}

const HOST_KEYS = ["host", "hostname", "ip", "server", "domain", "address", "server_ip", "server_domain"];
const PORT_KEYS = ["port", "server_port"];

/** A host and its port in fields of their own: together they are a socket. */
function pair(draft: Draft, value: JsonObject, usage: ConnUsage | undefined): void {
  const host = HOST_KEYS.map((key) => textAt(value, key)).find((one) => one !== undefined);
  const port = PORT_KEYS.map((key) => (Object.hasOwn(value, key) ? value[key] : undefined)).find(
    (one) => one !== undefined && one !== null,
  );
  if (host === undefined || !/^\d{1,5}$/.test(String(port)) || host.includes("/")) return;
  const bare = refang(host);
  draft.address(
    bare.includes(":") && !bare.startsWith("[") ? `[${bare}]:${port}` : `${bare}:${port}`,
    usage ?? "c2",
  );
}
