/**
 * What stands at which index. Names and meaning: Elastic Security Labs, "Dissecting REMCOS RAT" part three
 * (4.9.3 Pro), for older builds MalConfScan's remcosscan.py and a 1.7 Pro build. How a value is written changed
 * between builds more often than where it stands, so every reader goes by the bytes.
 */
import { type Found, found, latin1, type View } from "../../bytes/index.ts";
import type { ReadAs } from "../../model/index.ts";
import type { FieldRange, LayoutId } from "./blob.ts";
import { readTls, type TlsItem } from "./tls.ts";
import { readText } from "./value.ts";

type Kind = "flag" | "number" | "directory" | "text" | "titles" | "flag-or-text";

interface FieldSpec {
  readonly name: string;
  readonly kind: Kind;
}

const spec =
  (kind: Kind) =>
  (name: string): FieldSpec => ({ name, kind });
const flag = spec("flag");
const number = spec("number");
const directory = spec("directory");
const text = spec("text");
const titles = spec("titles");

/** Field 0 is the C2 list; indexes that are not here have no known meaning. */
const FIELDS: Readonly<Record<number, FieldSpec>> = {
  1: text("botnet"),
  2: number("connect_interval_seconds"),
  3: flag("install"),
  4: flag("persistence_hkcu_run"),
  5: flag("persistence_hklm_run"),
  7: number("keylog_max_size"),
  8: flag("persistence_hklm_policies_explorer_run"),
  9: directory("install_parent_directory"),
  10: text("install_filename"),
  11: text("startup_value"),
  12: flag("hide_install"),
  13: { name: "process_injection", kind: "flag-or-text" },
  14: text("mutex"),
  15: number("keylogger_mode"),
  16: directory("keylog_parent_directory"),
  17: text("keylog_filename"),
  18: flag("keylog_encryption"),
  19: flag("hide_keylog"),
  20: flag("screenshots"),
  21: number("screenshot_interval_minutes"),
  22: flag("screenshots_by_window_title"),
  23: titles("screenshot_window_titles"),
  24: number("screenshot_window_interval_seconds"),
  25: directory("screenshot_parent_directory"),
  26: text("screenshot_folder"),
  27: flag("screenshot_encryption"),
  28: flag("mouse_option"),
  30: flag("delete_file"),
  35: flag("audio_recording"),
  36: number("audio_minutes"),
  37: directory("audio_parent_directory"),
  38: text("audio_folder"),
  39: flag("disable_uac"),
  40: number("logging_mode"),
  41: number("connect_delay_seconds"),
  42: titles("keylogger_window_titles"),
  43: flag("clear_browsers"),
  44: flag("clear_browsers_on_first_run_only"),
  45: number("clear_browsers_delay_minutes"),
  46: flag("uac_bypass"),
  48: text("install_directory"),
  49: text("keylog_directory"),
  50: flag("watchdog"),
  52: text("license"),
  53: flag("screenshot_draws_mouse"),
};

/** R1 and R2 builds whose field 7 is a byte 0 or 1: three more ways of persistence. */
const OLD_PERSISTENCE: Readonly<Record<number, FieldSpec>> = {
  6: flag("persistence_hklm_policies_explorer_run"),
  7: flag("persistence_winlogon_shell"),
  8: flag("persistence_winlogon_userinit"),
};
const oldPersistence = (field7: View): boolean => field7.length === 1 && (field7.u8(0) ?? 2) < 2;

/** Where R1 and R2 builds keep what stands at 7 later. */
const OLD_FIELDS: Readonly<Record<number, FieldSpec>> = { 54: number("keylog_max_size") };

/** From here on bare DER may stand: 54 to 56 in 4.9.3, 56 to 58 in other builds. */
const FIRST_TLS_FIELD = 54;

const DIRECTORIES: readonly string[] = [
  "%Temp%",
  "<malware directory>",
  "%SystemDrive%",
  "%WinDir%",
  "%WinDir%\\System32",
  "%ProgramFiles%",
  "%AppData%",
  "%UserProfile%",
  "%ProgramData%",
];
/** Code 8 before R3, where it was the directory of the program. */
const APPLICATION_PATH = "<malware directory>";

export type FieldValue = {
  readonly index: number;
  readonly name: string;
  readonly as: ReadAs;
} & (
  | { readonly kind: "flag"; readonly value: Found<boolean> }
  | { readonly kind: "number"; readonly value: Found<number> }
  | { readonly kind: "text"; readonly value: Found<string> }
  | { readonly kind: "titles"; readonly value: Found<readonly string[]> }
);

export interface FieldSet {
  readonly known: ReadonlyMap<string, FieldValue>;
  /** Fields without a known meaning, or whose bytes do not read as the field should. Empty ones are left out. */
  readonly raw: readonly { readonly index: number; readonly view: View }[];
  readonly tls: readonly TlsItem[];
  /** How many of `raw` should read as something and do not. */
  readonly misread: number;
}

/** Reads every field but the C2 list. `plain` holds the ranges. Empty texts count as empty fields. */
export function readFields(plain: View, ranges: readonly FieldRange[], layout: LayoutId): FieldSet {
  const known = new Map<string, FieldValue>();
  const raw: { index: number; view: View }[] = [];
  const tls: TlsItem[] = [];
  let misread = 0;
  const at = (index: number): View => {
    const range = ranges[index];
    return range === undefined ? plain.clip(0, 0) : plain.clip(range.offset, range.length);
  };
  const specs =
    layout === "R3"
      ? FIELDS
      : { ...FIELDS, ...(oldPersistence(at(7)) ? OLD_PERSISTENCE : {}), ...OLD_FIELDS };
  for (let index = 1; index < ranges.length; index++) {
    const view = at(index);
    if (view.length === 0) continue;
    const items = index >= FIRST_TLS_FIELD ? readTls(view, index) : undefined;
    if (items !== undefined) {
      tls.push(...items);
      continue;
    }
    const spec = specs[index];
    const value = spec && readField(view, spec, index, layout);
    if (value === undefined) {
      raw.push({ index, view });
      if (spec !== undefined) misread++;
    } else if (value.kind !== "text" || value.value.value !== "") known.set(value.name, value);
  }
  return { known, raw, tls, misread };
}

function readField(view: View, spec: FieldSpec, index: number, layout: LayoutId): FieldValue | undefined {
  const { name, kind } = spec;
  const at = view.span();
  if (kind === "flag" || kind === "flag-or-text") {
    const value = readFlag(view);
    if (value !== undefined) return { index, name, as: "code", kind: "flag", value: found(value, at) };
    if (kind === "flag") return undefined;
  }
  if (kind === "number") {
    const digits = latin1(view.bytes);
    if (/^\d{1,10}$/.test(digits))
      return { index, name, as: "asciiint", kind: "number", value: found(Number(digits), at) };
    const byte = view.length === 1 ? view.u8(0) : undefined;
    return byte === undefined || byte >= 0x20
      ? undefined
      : { index, name, as: "int", kind: "number", value: found(byte, at) };
  }
  if (kind === "directory") {
    const code = view.length === 1 ? (view.u8(0) ?? 0xff) : 0xff;
    const entry = code <= 8 ? code : code - 0x30;
    const path = entry === 8 && layout !== "R3" ? APPLICATION_PATH : DIRECTORIES[entry];
    return path === undefined ? undefined : { index, name, as: "code", kind: "text", value: found(path, at) };
  }
  const read = readText(view);
  if (read === undefined) return undefined;
  if (kind !== "titles") return { index, name, ...read, kind: "text" };
  const list = read.value.value.split(";").filter((title) => title !== "");
  return { index, name, as: read.as, kind: "titles", value: found(list, ...read.value.at) };
}

function readFlag(view: View): boolean | undefined {
  const byte = view.length === 1 ? view.u8(0) : undefined;
  if (byte === 0 || byte === 0x30) return false;
  return byte === 1 || byte === 0x31 ? true : undefined;
}
