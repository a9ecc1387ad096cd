/**
 * Clients whose settings are not encrypted: debug builds, and clones that keep Quasar's class but not its cipher
 * ("1.0.00.r3", Latin America). Only the real field names tell what they are, so nothing here is more than heuristic.
 */
import type { Found } from "../../bytes/index.ts";
import type { Dotnet } from "../../formats/dotnet/model.ts";
import { type FamilyIdentity, FindingBuilder, type Ledger } from "../../model/index.ts";
import type { SettingsSource } from "../engines/dotnet-settings.ts";
import type { Extraction } from "../family.ts";
import { type BoolName, boolName, type IntName, intName, type TextName, textName } from "./fields.ts";
import { parseHost } from "./hosts.ts";
import { type Located, locatePlain, reportSettings } from "./report.ts";

/** Names that must be there, one of each group: together no other program has them. */
const TELLING: readonly (readonly string[])[] = [
  ["ENCRYPTIONKEY", "HOSTS", "HOST"],
  ["STARTUPKEY"],
  ["INSTALLNAME"],
  ["RECONNECTDELAY"],
  ["HIDEFILE", "ENABLELOGGER"],
];
/** What ENCRYPTIONKEY holds before the builder has written to the class. */
const STUB_KEYS: ReadonlySet<string> = new Set(["", "ENCKEY"]);
/** Literal `host:port` strings taken as hosts. */
const MAX_LITERALS = 64;

/** True when the class bears Quasar's own field names. */
export function isNamedSettings(source: SettingsSource): boolean {
  const names = new Set([...source.texts, ...source.numbers].map((entry) => entry.name));
  return TELLING.every((group) => group.some((name) => names.has(name)));
}

/** What can be said of a named class that no key opens. */
export function extractPlain(
  family: FamilyIdentity,
  source: SettingsSource,
  dotnet: Dotnet,
  artifact: number,
  ledger: Ledger,
): Extraction {
  const texts = new Map<TextName, Located>();
  for (const { name, text } of source.texts) {
    const known = textName(name);
    if (known !== undefined) texts.set(known, locatePlain(text, ledger));
  }
  const at = source.texts[0]?.text.at ?? [];
  const hosts = hostsOf(texts);
  const literals = texts.has("HOSTS") || texts.has("HOST") ? [] : literalHosts(dotnet);
  const unbuilt = STUB_KEYS.has(texts.get("ENCRYPTIONKEY")?.value ?? "-");
  if (unbuilt && (texts.get("VERSION")?.value === "" || literals.length === 0))
    return {
      status: "unknown-layout",
      stage: "settings",
      text: "a client that no builder has written settings to",
      at,
    };
  if (!hosts && literals.length === 0)
    return {
      status: "unknown-layout",
      stage: "settings",
      text: "a class with Quasar's field names, neither encrypted as Quasar does nor with a host in clear",
      at,
    };
  const builder = new FindingBuilder(family, "plain", artifact);
  const bools = new Map<BoolName, Found<number>>();
  const ints = new Map<IntName, Found<number>>();
  for (const { name, value } of source.numbers) {
    const bool = boolName(name);
    const int = intName(name);
    if (bool !== undefined) bools.set(bool, value);
    if (int !== undefined) ints.set(int, value);
  }
  const folder = source.numbers.find((number) => number.kind === "enum")?.value;
  reportSettings(builder, { texts, bools, ints, folder }, ledger);
  for (const text of literals) {
    const endpoint = parseHost(text.value);
    if (endpoint !== undefined)
      builder.endpoint({ scheme: "tcp", ...endpoint, usage: "c2" }, text.at, { as: "utf16le" });
  }
  if (literals.length > 0)
    builder.reason("literal-hosts", "hosts are literals of the code, outside the settings class");
  builder.reason("plain-settings", "settings stand in clear: a debug build or a clone", at);
  return { status: "config", finding: builder.build("heuristic", ledger) };
}

function hostsOf(texts: ReadonlyMap<TextName, Located>): boolean {
  const list = texts.get("HOSTS")?.value.split(";") ?? [];
  return (
    list.some((entry) => parseHost(entry.trim()) !== undefined) || (texts.get("HOST")?.value ?? "") !== ""
  );
}

/** Literals that are nothing but a dotted host and a port. */
function literalHosts(dotnet: Dotnet): Found<string>[] {
  const found: Found<string>[] = [];
  for (const { text } of dotnet.userStrings()) {
    if (text.value.length > 260 || !/\.[\p{L}\d]+:\d+$/u.test(text.value)) continue;
    if (parseHost(text.value) !== undefined && found.length < MAX_LITERALS) found.push(text);
  }
  return found;
}
