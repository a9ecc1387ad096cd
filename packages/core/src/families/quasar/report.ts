/** From arranged settings to a finding. */
import { type Found, found, hex, type Span, View } from "../../bytes/index.ts";
import { sha1, sha256 } from "../../codecs/index.ts";
import { parseCertificate } from "../../formats/der.ts";
import { type FamilyIdentity, FindingBuilder, type Ledger } from "../../model/index.ts";
import type { OpenedSetting, OpenedSettings } from "../engines/dotnet-settings.ts";
import { base64Bytes, settingSteps } from "../engines/dotnet-settings-crypto.ts";
import type { Arranged } from "./arrange.ts";
import { type BoolName, CAPABILITIES, type IntName, SPECIAL_FOLDERS, type TextName } from "./fields.ts";
import { locator, parseHosts } from "./hosts.ts";

/** The registry key under which a client without administrator rights starts again. */
export const RUN_KEY = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\";

/** A value with the way its bytes read where it stands. */
export interface Located extends Found<string> {
  readonly as: "utf8" | "utf16le";
  readonly view: View;
}

export interface Settings {
  readonly texts: ReadonlyMap<TextName, Located>;
  readonly bools: ReadonlyMap<BoolName, Found<number>>;
  readonly ints: ReadonlyMap<IntName, Found<number>>;
  readonly folder: Found<number> | undefined;
}

/** Puts the plain text of every encrypted value on the ledger, so that spans lie in the text itself. */
export function locate(opened: OpenedSettings, arranged: Arranged, ledger: Ledger): Settings {
  const texts = new Map<TextName, Located>();
  for (const [name, setting] of arranged.texts) {
    const located = locateText(opened, setting, name, ledger);
    if (located !== undefined) texts.set(name, located);
  }
  return { ...arranged, texts };
}

export function locateText(
  opened: OpenedSettings,
  setting: OpenedSetting,
  label: string,
  ledger: Ledger,
): Located | undefined {
  const { key, mode } = opened;
  if (setting.state === "encrypted" && setting.data !== undefined) {
    const keyAt = [...key.password.at, ...(key.kdf?.salt.at ?? [])];
    const steps = settingSteps(key, mode, setting.data, keyAt);
    const view = ledger.derive(setting.text.at, steps, `user string ${label}`, "setting");
    return view && { value: setting.plain, at: [view.span()], as: "utf8", view };
  }
  return locatePlain(setting.text, ledger);
}

/** A text that stands in the file as UTF-16LE. */
export function locatePlain(text: Found<string>, ledger: Ledger): Located {
  const at = text.at[0];
  const bytes = (at && ledger.read([at])) ?? new Uint8Array(0);
  return { ...text, as: "utf16le", view: new View(bytes, at?.artifact, at?.offset) };
}

/** Everything but the keys, which depend on how the values were opened. */
export function reportSettings(builder: FindingBuilder, settings: Settings, ledger: Ledger): void {
  const { texts, bools, ints } = settings;
  const version = texts.get("VERSION");
  if (version !== undefined && version.value !== "") builder.version(version, { as: version.as });
  reportHosts(builder, settings);
  for (const [name, field] of [
    ["TAG", "campaign_id"],
    ["MUTEX", "mutex"],
    ["PASSWORD", "password"],
  ] as const) {
    const text = texts.get(name);
    if (text !== undefined) builder.text(field, text, { as: text.as });
  }
  reportPaths(builder, settings);
  for (const [name, value] of bools)
    builder.text(
      value.value === 0 ? "capability_disabled" : "capability_enabled",
      found(CAPABILITIES[name], ...value.at),
      { as: "code" },
    );
  const delay = ints.get("RECONNECTDELAY");
  if (delay !== undefined && delay.value >= 0) builder.sleepDelay(delay, { as: "code" });
  for (const name of [
    "INSTALLNAME",
    "SUBDIRECTORY",
    "STARTUPKEY",
    "LOGDIRECTORYNAME",
    "SERVERSIGNATURE",
  ] as const) {
    const text = texts.get(name);
    if (text !== undefined && text.value !== "") builder.other(name, text, { as: text.as });
  }
  reportSessionKeys(builder, texts, ledger);
  const certificate = texts.get("SERVERCERTIFICATESTR");
  if (certificate !== undefined && certificate.value !== "")
    reportCertificate(builder, certificate, texts.get("ENCRYPTIONKEY"), ledger);
}

function reportHosts(builder: FindingBuilder, { texts, ints }: Settings): void {
  const single = texts.get("HOST");
  const port = ints.get("PORT");
  if (single !== undefined && single.value !== "") {
    const valid = port !== undefined && port.value > 0 && port.value < 0x10000;
    builder.endpoint(
      { scheme: "tcp", host: single.value, ...(valid ? { port: port.value } : {}), usage: "c2" },
      single.at,
      { as: single.as },
    );
  }
  if (port !== undefined) builder.other("PORT", port, { as: "code" });
  const list = texts.get("HOSTS");
  if (list === undefined) return;
  const parsed = parseHosts(list.value, locator(list.value, list.view, list.as));
  for (const { host, port, at } of parsed.hosts)
    builder.endpoint({ scheme: "tcp", host, port, usage: "c2" }, [at], { as: list.as });
  for (const { text, at } of parsed.rejected)
    builder.reason("bad-host", `HOSTS entry "${text}" is no host:port`, [at]);
  if (parsed.rejected.length > 0) builder.other("HOSTS", list, { as: list.as });
  if (parsed.hosts.length === 0) builder.reason("no-host", "HOSTS holds no host", list.at);
}

function reportPaths(builder: FindingBuilder, { texts, folder }: Settings): void {
  const name = texts.get("INSTALLNAME");
  const sub = texts.get("SUBDIRECTORY");
  const start = texts.get("STARTUPKEY");
  const logs = texts.get("LOGDIRECTORYNAME");
  if (name !== undefined && name.value !== "") {
    const base = folder === undefined ? undefined : SPECIAL_FOLDERS[folder.value];
    const parts = [base, sub?.value, name.value].filter((part) => part !== undefined && part !== "");
    const at = [...name.at, ...(sub?.at ?? []), ...(folder?.at ?? [])];
    builder.path({ path: parts.join("\\"), usage: "install" }, at, { as: "code" });
    if (folder !== undefined && base === undefined)
      builder.reason("unknown-folder", `SpecialFolder ${folder.value} has no known path`, folder.at);
  }
  if (logs !== undefined && logs.value !== "")
    builder.path({ path: `%APPDATA%\\${logs.value}`, usage: "logs" }, logs.at, { as: "code" });
  if (start !== undefined && start.value !== "")
    builder.registry({ key: RUN_KEY + start.value, usage: "persistence" }, start.at, { as: "code" });
}

/** 1.3 derives both from the operator's password, so they tie clients of one server together. */
function reportSessionKeys(builder: FindingBuilder, texts: Settings["texts"], ledger: Ledger): void {
  for (const [name, algorithm] of [
    ["KEY", "AES-128-CBC"],
    ["AUTHKEY", "HMAC-SHA256"],
  ] as const) {
    const text = texts.get(name);
    if (text === undefined || text.value === "") continue;
    builder.other(name, text, { as: text.as });
    const steps = text.as === "utf8" ? [{ op: "base64" }] : [{ op: "utf16le" }, { op: "base64" }];
    const key = base64Bytes(text.value) && ledger.derive(text.at, steps, `user string ${name}`, "key");
    if (key !== undefined)
      builder.encryption({ algorithm, key: hex(key.bytes), usage: "communication" }, [key.span()], {
        as: "hex",
      });
  }
}

function reportCertificate(
  builder: FindingBuilder,
  text: Located,
  password: Located | undefined,
  ledger: Ledger,
): void {
  const steps = text.as === "utf8" ? [{ op: "base64" }] : [{ op: "utf16le" }, { op: "base64" }];
  const view = base64Bytes(text.value) && ledger.derive(text.at, steps, undefined, "certificate");
  const parsed = view && parseCertificate(view);
  if (view === undefined || parsed?.ok !== true) {
    builder.reason("bad-certificate", "SERVERCERTIFICATESTR is no X.509 certificate", text.at);
    builder.other("SERVERCERTIFICATESTR", text, { as: text.as });
    return;
  }
  const at = [parsed.value.at];
  const der = view.bytes.subarray(0, parsed.value.at.length);
  const thumbprint = hex(sha1(der));
  const { serial, subject, issuer, notBefore, notAfter } = parsed.value;
  for (const [name, value] of [
    ["certificate_sha1", thumbprint],
    ["certificate_sha256", hex(sha256(der))],
    ["certificate_serial", serial],
    ["certificate_subject", subject],
    ["certificate_issuer", issuer],
    ["certificate_not_before", notBefore],
    ["certificate_not_after", notAfter],
  ] as const)
    builder.other(name, { value, at }, { as: "code" });
  if (password === undefined) return;
  const holds = password.value.toLowerCase() === thumbprint;
  builder.other("certificate_matches_key", { value: holds, at: [...at, ...password.at] }, { as: "code" });
  builder.reason(
    holds ? "certificate-matches" : "certificate-differs",
    holds
      ? "SHA-1 of SERVERCERTIFICATESTR is the ENCRYPTIONKEY"
      : "SHA-1 of SERVERCERTIFICATESTR is not the ENCRYPTIONKEY, as the original builder would have it",
    [...at, ...password.at],
  );
}

/** The finding of a class whose values were decrypted. */
export function reportOpened(
  family: FamilyIdentity,
  opened: OpenedSettings,
  arranged: Arranged,
  artifact: number,
  ledger: Ledger,
): FindingBuilder {
  const builder = new FindingBuilder(family, arranged.layout, artifact);
  const settings = locate(opened, arranged, ledger);
  reportSettings(builder, settings, ledger);
  const { key, mode } = opened;
  const keyAt: Span[] = [...key.password.at, ...(key.kdf?.salt.at ?? []), ...(key.kdf?.iterations.at ?? [])];
  builder.encryption(
    {
      algorithm: `AES-${key.key.length * 8}`,
      mode: mode.toUpperCase(),
      key: hex(key.key),
      password: key.password.value,
      ...(key.kdf === undefined
        ? { provider: "MD5" }
        : {
            provider: "PBKDF2-HMAC-SHA1",
            salt: hex(key.kdf.salt.value),
            constants: [`iterations=${key.kdf.iterations.value}`, `hmac_sha256_key=${hex(key.authKey)}`],
          }),
      usage: "config",
    },
    keyAt,
    { as: "code" },
  );
  builder.other("ENCRYPTIONKEY", key.password, { as: "utf16le" });
  for (const { index, setting } of arranged.unknown) {
    const located = locateText(opened, setting, `string ${index}`, ledger);
    if (located !== undefined) builder.other(`string_${index}`, located, { as: located.as });
  }
  for (const setting of opened.settings)
    if (setting.state === "broken" && !isPlainSecret(arranged, setting))
      builder.reason("bad-mac", "a value's own HMAC does not hold; it is left as it is", setting.text.at);
  if (opened.source.origin === "strings")
    builder.reason(
      "strings-only",
      "read from the string heap alone: switches, folder and delay are not known",
    );
  if (arranged.unnamedBools > 0)
    builder.reason("unnamed-flags", `${arranged.unnamedBools} switches whose meaning is not known`);
  if (arranged.by === "content")
    builder.reason(
      "told-by-content",
      "names and order of the fields are unknown; content told which is which",
    );
  return builder;
}

function isPlainSecret(arranged: Arranged, setting: OpenedSetting): boolean {
  return arranged.texts.get("KEY") === setting || arranged.texts.get("AUTHKEY") === setting;
}
