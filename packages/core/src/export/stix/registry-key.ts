/** A registry path of a config as key and value name, the hive written out. */
import { AUTOSTART_KEYS } from "../../indicators/policy-tables.ts";

const HIVES: Readonly<Record<string, string>> = {
  HKLM: "HKEY_LOCAL_MACHINE",
  HKCU: "HKEY_CURRENT_USER",
  HKCR: "HKEY_CLASSES_ROOT",
  HKCC: "HKEY_CURRENT_CONFIG",
  HKU: "HKEY_USERS",
};
/** What the specification's schema refuses: hives by their short names, and by accident those letters anywhere. */
const REFUSED = /^HKLM|HKCC|HKCR|HKCU|HKU|hklm|hkcc|hkcr|hkcu|hku/;

export interface RegistryPath {
  readonly key: string;
  /** Known where the key is one of autostart, under which programs enter themselves by a value. */
  readonly name?: string;
}

/** Undefined when it cannot be said as STIX wants it. */
export function registryOf(path: string): RegistryPath | undefined {
  const slash = path.indexOf("\\");
  const hive = slash < 0 ? path : path.slice(0, slash);
  const key = `${HIVES[hive.toUpperCase()] ?? hive}${slash < 0 ? "" : path.slice(slash)}`;
  const last = key.lastIndexOf("\\");
  const parent = key.slice(0, Math.max(last, 0));
  const name = key.slice(last + 1);
  const split = name !== "" && AUTOSTART_KEYS.some((end) => parent.toLowerCase().endsWith(end));
  const out: RegistryPath = split ? { key: parent, name } : { key };
  return out.key === "" || REFUSED.test(out.key) ? undefined : out;
}
