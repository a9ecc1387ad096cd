/** Tells which of the opened values is which field. */
import type { Found } from "../../bytes/index.ts";
import { equalBytes } from "../../bytes/index.ts";
import type { OpenedSetting, OpenedSettings, SettingsNumber } from "../engines/dotnet-settings.ts";
import { QUASAR_ITERATIONS, QUASAR_SALT } from "../engines/dotnet-settings-crypto.ts";
import {
  type BoolName,
  boolName,
  FIELD_ORDERS,
  type FieldOrder,
  type IntName,
  intName,
  PLAIN_TEXTS,
  type TextName,
  textName,
} from "./fields.ts";
import { isHost, parseHost } from "./hosts.ts";

export interface Arranged {
  /** Layout id. */
  readonly layout: string;
  /** How the fields were told apart, for the report. */
  readonly by: "names" | "order" | "content";
  readonly texts: ReadonlyMap<TextName, OpenedSetting>;
  /** Values of no known field, with their position among the strings. */
  readonly unknown: readonly { readonly index: number; readonly setting: OpenedSetting }[];
  readonly bools: ReadonlyMap<BoolName, Found<number>>;
  readonly ints: ReadonlyMap<IntName, Found<number>>;
  readonly folder: Found<number> | undefined;
  /** Switches are there, but which is which is not known. */
  readonly unnamedBools: number;
}

/** Real names must cover this many fields to be believed. */
const MIN_NAMES = 5;

const SWITCH = /^(?:true|false)$/i;

/** Undefined when the values are not Quasar's, or have no host list where it has one: others share its cipher. */
export function arrange(opened: OpenedSettings): Arranged | undefined {
  const { settings } = opened;
  const order = FIELD_ORDERS.find((candidate) => fits(opened, candidate));
  const named = settings.filter((setting) => textName(setting.name) !== undefined).length >= MIN_NAMES;
  if (!named && keepsSwitchesAsTexts(settings)) return undefined;
  const texts = new Map<TextName, OpenedSetting>();
  let by: Arranged["by"] = "content";
  if (named) {
    by = "names";
    for (const setting of settings) {
      const name = textName(setting.name);
      if (name !== undefined && !texts.has(name) && isWhole(name, setting)) texts.set(name, setting);
    }
  } else if (order !== undefined) {
    by = "order";
    textsOf(order, settings).forEach((name, i) => {
      const setting = settings[i];
      if (setting !== undefined && isWhole(name, setting)) texts.set(name, setting);
    });
  } else classify(settings, texts);
  if (!hasHosts(texts, opened.key.scheme === "hmac")) return undefined;
  const used = new Set(texts.values());
  const unknown = settings
    .map((setting, index) => ({ index, setting }))
    .filter(({ setting }) => !used.has(setting) && setting.plain !== "" && setting.state !== "password");
  const exact =
    order !== undefined && isStandard(opened, order) && isExact(settings, order, opened.source.origin);
  return {
    layout: exact ? order.id : "fork",
    by,
    texts,
    unknown:
      opened.source.origin === "strings" ? unknown.filter((u) => u.setting.state === "encrypted") : unknown,
    ...numbers(opened.source.numbers, order, named),
  };
}

/** A value whose MAC does not hold is no value, but where the field is never encrypted. */
function isWhole(name: TextName, setting: OpenedSetting): boolean {
  return setting.state !== "broken" || PLAIN_TEXTS.has(name);
}

/** Encrypted `true` and `false`: AsyncRAT and its kin keep switches so, where Quasar's are booleans of the code. */
function keepsSwitchesAsTexts(settings: readonly OpenedSetting[]): boolean {
  const switches = settings.filter(({ state, plain }) => state === "encrypted" && SWITCH.test(plain));
  return switches.length > 1;
}

/** The order's strings; without the key where the class does not hold it. */
function textsOf(order: FieldOrder, settings: readonly OpenedSetting[]): readonly TextName[] {
  const holdsKey = settings.some(({ state }) => state === "password");
  return holdsKey ? order.texts : order.texts.filter((name) => name !== "ENCRYPTIONKEY");
}

/** The order's strings are there with the right ones encrypted, and no further one is. */
function fits({ settings, source, key }: OpenedSettings, order: FieldOrder): boolean {
  const names = textsOf(order, settings);
  if (settings.length < names.length) return false;
  for (const [i, name] of names.entries()) {
    const state = settings[i]?.state;
    const good =
      name === "ENCRYPTIONKEY"
        ? state === "password"
        : PLAIN_TEXTS.has(name)
          ? state === "plain" || state === "broken"
          : state === "encrypted" || state === "broken";
    if (!good) return false;
  }
  const hosts = settings[1];
  // A one-host field tells xRAT 2 from a cut-off Quasar 1.0, whose strings begin alike.
  if (hosts?.state === "encrypted" && order.texts[1] === "HOST" && !isHost(hosts.plain)) return false;
  // Without a MAC, one string in 256 behind the class's own reads as encrypted, too.
  if (source.origin === "strings" && key.scheme === "md5") return true;
  return settings.slice(names.length).every((s) => s.state !== "encrypted");
}

/** Nothing but the order's strings, each of them, and the two empty paths that 1.4 fills at run time. */
function isExact(settings: readonly OpenedSetting[], order: FieldOrder, origin: string): boolean {
  if (textsOf(order, settings) !== order.texts) return false;
  return origin === "strings" || settings.slice(order.texts.length).every((setting) => setting.plain === "");
}

function isStandard(opened: OpenedSettings, order: FieldOrder): boolean {
  const { key, mode } = opened;
  return (
    key.scheme === order.scheme &&
    key.key.length === order.keySize &&
    mode === "cbc" &&
    (key.kdf === undefined ||
      (key.kdf.iterations.value === QUASAR_ITERATIONS && equalBytes(key.kdf.salt.value, QUASAR_SALT)))
  );
}

const VERSION = /^v?\d{1,4}(?:\.\w{1,8}){1,4}$/;
const GUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/;

/** Fields that their content gives away, for a fork whose names and order are both unknown. */
function classify(settings: readonly OpenedSetting[], texts: Map<TextName, OpenedSetting>): void {
  const tests: readonly (readonly [TextName, (text: string) => boolean])[] = [
    ["VERSION", (text) => VERSION.test(text)],
    ["HOSTS", isHostList],
    ["SERVERCERTIFICATESTR", (text) => text.length > 400 && text.startsWith("MII")],
    ["INSTALLNAME", (text) => /^[^\\/:*?"<>|]{1,120}\.exe$/i.test(text)],
    ["MUTEX", (text) => GUID.test(text) || text.startsWith("QSR_MUTEX_")],
  ];
  for (const setting of settings) {
    if (setting.state === "password") texts.set("ENCRYPTIONKEY", setting);
    if (setting.state !== "encrypted") continue;
    for (const [name, test] of tests) {
      if (texts.has(name) || !test(setting.plain)) continue;
      texts.set(name, setting);
      break;
    }
  }
}

function isHostList(text: string): boolean {
  const entries = text.split(";").filter((entry) => entry.trim() !== "");
  return entries.length > 0 && entries.every((entry) => parseHost(entry.trim()) !== undefined);
}

/** A MAC vouches for a value, so that one proved may be no host; without, hosts must read as hosts. */
function hasHosts(texts: ReadonlyMap<TextName, OpenedSetting>, proved: boolean): boolean {
  const host = texts.get("HOST");
  if (host !== undefined) return isHost(host.plain);
  const hosts = texts.get("HOSTS");
  if (hosts?.state !== "encrypted") return false;
  return isHostList(hosts.plain) || (proved && (hosts.plain === "" || hosts.plain.includes(":")));
}

function numbers(
  values: readonly SettingsNumber[],
  order: FieldOrder | undefined,
  named: boolean,
): Pick<Arranged, "bools" | "ints" | "folder" | "unnamedBools"> {
  const bools = new Map<BoolName, Found<number>>();
  const ints = new Map<IntName, Found<number>>();
  const flags = values.filter((value) => value.kind === "bool");
  const plain = values.filter((value) => value.kind === "int");
  const folder = values.find((value) => value.kind === "enum")?.value;
  if (named) {
    for (const { name, value } of values) {
      const bool = boolName(name);
      const int = intName(name);
      if (bool !== undefined) bools.set(bool, value);
      if (int !== undefined) ints.set(int, value);
    }
    return { bools, ints, folder, unnamedBools: 0 };
  }
  const least = order === undefined ? 0 : order.bools.length - order.lateBools;
  const fits = order !== undefined && flags.length >= least && flags.length <= order.bools.length;
  if (fits) for (const [i, flag] of flags.entries()) bools.set(order.bools[i] as BoolName, flag.value);
  if (order !== undefined && plain.length === order.ints.length)
    for (const [i, int] of plain.entries()) ints.set(order.ints[i] as IntName, int.value);
  return { bools, ints, folder, unnamedBools: fits ? 0 : flags.length };
}
