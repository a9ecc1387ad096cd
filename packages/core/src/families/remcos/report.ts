/** Says a decrypted config in MACO's words. */
import { type Found, found, hex, latin1, mapFound, type Span, type View } from "../../bytes/index.ts";
import type { FindingBuilder, Reading } from "../../model/index.ts";
import { endpointUrl } from "../../model/index.ts";
import type { C2List } from "./c2.ts";
import type { FieldSet, FieldValue } from "./fields.ts";

const RUN = "Software\\Microsoft\\Windows\\CurrentVersion\\Run";
const POLICIES_RUN = "Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run";
const WINLOGON = "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon";

/** Flags that write a value under a key when the program installs itself; without a name it is the startup value. */
const PERSISTENCE: readonly { readonly flag: string; readonly key: string; readonly value?: string }[] = [
  { flag: "persistence_hkcu_run", key: `HKCU\\${RUN}` },
  { flag: "persistence_hklm_run", key: `HKLM\\${RUN}` },
  { flag: "persistence_hklm_policies_explorer_run", key: `HKLM\\${POLICIES_RUN}` },
  { flag: "persistence_winlogon_shell", key: `HKLM\\${WINLOGON}`, value: "Shell" },
  { flag: "persistence_winlogon_userinit", key: `HKLM\\${WINLOGON}`, value: "Userinit" },
];

/** Paths and the fields that make them up, in order; a path without its last part is not reported. */
const PATHS = {
  install: { parts: ["install_parent_directory", "install_directory", "install_filename"], usage: "install" },
  keylog: { parts: ["keylog_parent_directory", "keylog_directory", "keylog_filename"], usage: "logs" },
  screenshot: { parts: ["screenshot_parent_directory", "screenshot_folder"], usage: "storage" },
  audio: { parts: ["audio_parent_directory", "audio_folder"], usage: "storage" },
} as const;

/** Names that have a place of their own in the config. */
const PLACED = new Set(["botnet", "mutex", "process_injection"]);

export function reportC2(builder: FindingBuilder, plain: View, { entries, rejected }: C2List): void {
  const list: Record<string, unknown>[] = [];
  const spans: Span[] = [];
  for (const { host, port, tls, password, offset, length, thirdOffset, thirdLength } of entries) {
    const steps = ["field 0"];
    builder.endpoint({ scheme: "tcp", host, port, usage: "c2" }, [plain.span(offset, length)], {
      as: "latin1",
      steps,
    });
    const third = plain.span(thirdOffset, thirdLength);
    if (password !== undefined) builder.text("password", found(password, third), { as: "utf8", steps });
    list.push({
      url: endpointUrl({ scheme: "tcp", host, port }),
      ...(tls === undefined ? {} : { tls }),
      ...(password === undefined ? {} : { password }),
    });
    spans.push(plain.span(offset, thirdOffset + thirdLength - offset));
  }
  if (list.length > 0)
    builder.other("c2_entries", { value: list, at: spans }, { as: "code", steps: ["field 0"] });
  if (entries.length + rejected.length === 0) builder.reason("c2-empty", "The C2 list is empty");
  if (rejected.length === 0) return;
  const at = rejected.map(({ offset, length }) => plain.span(offset, length));
  const texts = rejected.map(({ offset, length }) => latin1(plain.bytes.subarray(offset, offset + length)));
  builder.other("c2_unread", { value: texts, at }, { as: "latin1", steps: ["field 0"] });
  builder.reason("c2-unread", `${texts.length} of the C2 list's entries are not host:port`, at);
}

export function reportFields(builder: FindingBuilder, { known, raw, tls }: FieldSet): void {
  for (const field of known.values()) reportField(builder, field);
  reportMutex(builder, known.get("mutex"));
  reportInjection(builder, known.get("process_injection"));
  reportPaths(builder, known);
  reportPersistence(builder, known);

  const certificates = tls.flatMap((item) => (item.kind === "certificate" ? [item.value] : []));
  if (certificates.length > 0)
    builder.other(
      "tls_certificates",
      { value: certificates.map((c) => c.value), at: certificates.flatMap((c) => c.at) },
      { as: "code", steps: ["sha1 and sha256 of the DER"] },
    );
  const keys = tls.flatMap((item) => (item.kind === "private-key" ? [...item.value.at] : []));
  if (keys.length > 0) builder.other("tls_private_key", { value: "present", at: keys }, { as: "code" });
  if (raw.length > 0)
    builder.other(
      "fields",
      {
        value: Object.fromEntries(raw.map(({ index, view }) => [index, hex(view.bytes)])),
        at: raw.map(({ view }) => view.span()),
      },
      { as: "hex", steps: ["by field index"] },
    );
}

function reportField(builder: FindingBuilder, field: FieldValue): void {
  const reading = readingOf(field);
  if (field.name === "botnet" && field.kind === "text") builder.text("campaign_id", field.value, reading);
  if (field.name === "connect_interval_seconds" && field.kind === "number")
    builder.sleepDelay({ value: field.value.value * 1000, at: field.value.at }, { ...reading, as: "code" });
  if (field.name === "keylogger_mode" && field.kind === "number")
    reportCapability(
      builder,
      "keylogger",
      mapFound(field.value, (mode) => mode !== 0),
      { ...reading, as: "code" },
    );
  if (field.kind === "flag") reportCapability(builder, field.name, field.value, reading);
  else if (!PLACED.has(field.name)) builder.other(field.name, field.value, reading);
}

function reportCapability(
  builder: FindingBuilder,
  name: string,
  flag: Found<boolean>,
  reading: Reading,
): void {
  builder.text(
    flag.value ? "capability_enabled" : "capability_disabled",
    { value: name, at: flag.at },
    reading,
  );
}

/** The mutex is the name of the key that keeps the licence and the path of the program, too. */
function reportMutex(builder: FindingBuilder, mutex: FieldValue | undefined): void {
  if (mutex?.kind !== "text") return;
  builder.text("mutex", mutex.value, readingOf(mutex));
  builder.registry({ key: `HKCU\\Software\\${mutex.value.value}`, usage: "store_data" }, mutex.value.at, {
    ...readingOf(mutex),
    as: "code",
  });
}

/** Field 13 is a flag or the program to inject into. */
function reportInjection(builder: FindingBuilder, field: FieldValue | undefined): void {
  if (field?.kind !== "text") return;
  builder.text("inject_exe", field.value, readingOf(field));
  reportCapability(
    builder,
    field.name,
    { value: true, at: field.value.at },
    { ...readingOf(field), as: "code" },
  );
}

function reportPaths(builder: FindingBuilder, known: FieldSet["known"]): void {
  for (const [name, { parts, usage }] of Object.entries(PATHS)) {
    const fields = parts.map((part) => known.get(part)).filter((field) => field?.kind === "text");
    const last = fields.at(-1);
    if (last?.name !== parts.at(-1)) continue;
    const path = fields.map((field) => field?.value.value).join("\\");
    const at = fields.flatMap((field) => [...(field?.value.at ?? [])]);
    const reading: Reading = { as: "code", steps: fields.map((field) => `field ${field?.index}`) };
    // Without the install flag the program stays where it is and no such file comes to be.
    if (usage === "install" && !isOn(known, "install"))
      builder.other(`${name}_path`, { value: path, at }, reading);
    else builder.path({ path, usage }, at, reading);
  }
}

/** The keys are written by the installation only. */
function reportPersistence(builder: FindingBuilder, known: FieldSet["known"]): void {
  if (!isOn(known, "install")) return;
  const startup = known.get("startup_value");
  for (const { flag, key, value } of PERSISTENCE) {
    const field = known.get(flag);
    if (field === undefined || !isOn(known, flag)) continue;
    const named = value === undefined && startup?.kind === "text" ? startup : undefined;
    const name = value ?? named?.value.value;
    builder.registry(
      { key: name === undefined ? key : `${key}\\${name}`, usage: "persistence" },
      [...field.value.at, ...(named?.value.at ?? [])],
      { as: "code", steps: [`field ${field.index}`, ...(named ? [`field ${named.index}`] : [])] },
    );
  }
}

function isOn(known: FieldSet["known"], name: string): boolean {
  const field = known.get(name);
  return field?.kind === "flag" && field.value.value;
}

function readingOf(field: FieldValue): Reading {
  return { as: field.as, steps: [`field ${field.index}`] };
}
