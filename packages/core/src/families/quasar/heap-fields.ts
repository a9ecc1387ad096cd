/** Which string of the CLR's heap is which setting. */
import type { ClrString } from "../engines/clr-strings.ts";
import type { TextName } from "./fields.ts";

export type HeapFields = ReadonlyMap<TextName, ClrString>;

export const MUTEX = /^(?:QSR_MUTEX_[A-Za-z0-9]{18}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$/;
/** FormatHelper.GenerateMutex of 1.0 to 1.3, which no other program has. */
export const OWN_MUTEX = /^QSR_MUTEX_[A-Za-z0-9]{18}$/;
export const THUMBPRINT = /^[0-9A-F]{40}$/;
const VERSION = /^(\d{1,2})\.(\d{1,2})\.\d{1,3}(?:\.\d{1,3})?$/;
/** The builder appends `.exe`. */
const INSTALL_NAME = /^[^\\/:*?"<>|]{1,120}\.exe$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Signatures of RSA-4096, and of shorter keys. */
const MIN_SIGNATURE = 172;

/** A setting's text is short; longer ones on the heap are others'. */
const MAX_SETTING = 260;

/**
 * The run TAG, VERSION, HOSTS, [PASSWORD before 1.3,] [SUBDIRECTORY,] INSTALLNAME, MUTEX, STARTUPKEY,
 * [LOGDIRECTORYNAME since 1.2,] [SERVERSIGNATURE since 1.4] around the host list. The builder refuses an empty tag or
 * mutex and appends `.exe` to the name; other settings may be empty and are not on the heap then, as the CLR has one
 * empty string for all. Undefined unless VERSION, INSTALLNAME and MUTEX stand where they must and read as such.
 */
export function fieldsByOrder(strings: readonly ClrString[], hosts: ClrString): HeapFields | undefined {
  const at = strings.findIndex(({ offset }) => offset === hosts.offset);
  const version = strings[at - 1];
  const number = VERSION.exec(version?.value ?? "");
  if (version === undefined || number === null) return undefined;
  const release = Number(number[1]) * 100 + Number(number[2]);
  const between: readonly TextName[] = release < 103 ? ["PASSWORD", "SUBDIRECTORY"] : ["SUBDIRECTORY"];
  let mutexAt = at + 2;
  while (mutexAt < at + 2 + between.length && !MUTEX.test(strings[mutexAt]?.value ?? "")) mutexAt++;
  const [install, mutex] = [strings[mutexAt - 1], strings[mutexAt]];
  if (install === undefined || mutex === undefined) return undefined;
  if (!INSTALL_NAME.test(install.value) || !MUTEX.test(mutex.value)) return undefined;

  const fields = new Map<TextName, ClrString>([
    ["VERSION", version],
    ["INSTALLNAME", install],
    ["MUTEX", mutex],
  ]);
  between.slice(0, mutexAt - at - 2).forEach((name, i) => {
    fields.set(name, strings[at + 1 + i] as ClrString);
  });
  // As far from one another as these two, since each costs its decryption.
  const usual = 2 * (hosts.offset - version.offset) + 0x400;
  const next = (from: ClrString, to: ClrString | undefined): boolean =>
    to !== undefined && to.value.length <= MAX_SETTING && Math.abs(to.offset - from.offset) <= usual;
  const tag = strings[at - 2];
  if (tag !== undefined && next(version, tag)) fields.set("TAG", tag);
  const behind: readonly TextName[] = release < 102 ? ["STARTUPKEY"] : ["STARTUPKEY", "LOGDIRECTORYNAME"];
  const last = strings.slice(mutexAt + 1, mutexAt + 1 + behind.length);
  const whole = last.every((string, i) => next(i === 0 ? mutex : (last[i - 1] as ClrString), string));
  // With fewer, one of them is empty and nobody knows which.
  if (whole && last.length === behind.length && !last.some(({ value }) => isSignature(value)))
    behind.forEach((name, i) => {
      fields.set(name, last[i] as ClrString);
    });
  const signature = strings[mutexAt + 1 + behind.length];
  if (release >= 104 && signature !== undefined && isSignature(signature.value))
    fields.set("SERVERSIGNATURE", signature);
  for (const [name, string] of fieldsByForm(strings)) if (!fields.has(name)) fields.set(name, string);
  return fields;
}

/** Other strings that may stand between two settings where another thread made some. */
const STRANGERS = 8;
/** Of the releases' numbers the one that half of all programs have. */
const ANYBODYS = "1.0.0.0";

/**
 * VERSION before the host list, INSTALLNAME and MUTEX behind it, in this order and near, though others stand between:
 * enough to tell Quasar, not to name what only its place would.
 */
export function fieldsByLooseOrder(strings: readonly ClrString[], hosts: ClrString): HeapFields | undefined {
  const at = strings.findIndex(({ offset }) => offset === hosts.offset);
  const before = strings.slice(Math.max(0, at - STRANGERS), at);
  const behind = strings.slice(at + 1, at + 1 + 2 * STRANGERS);
  const version = before.findLast(({ value }) => VERSION.test(value) && value !== ANYBODYS);
  const install = behind.findIndex(({ value }) => INSTALL_NAME.test(value));
  const mutex = install < 0 ? undefined : behind.slice(install + 1).find(({ value }) => MUTEX.test(value));
  if (version === undefined || mutex === undefined) return undefined;
  return new Map<TextName, ClrString>([
    ...fieldsByForm(strings),
    ["VERSION", version],
    ["INSTALLNAME", behind[install] as ClrString],
    ["MUTEX", mutex],
  ]);
}

function isSignature(text: string): boolean {
  return text.length >= MIN_SIGNATURE && BASE64.test(text);
}

/** Strings whose form no other setting has, where only one string has it. */
export function fieldsByForm(strings: readonly ClrString[]): HeapFields {
  const fields = new Map<TextName, ClrString>();
  const only = (name: TextName, test: (text: string) => boolean): void => {
    const all = strings.filter(({ value }) => test(value));
    const first = all[0];
    if (first !== undefined && new Set(all.map(({ value }) => value)).size === 1) fields.set(name, first);
  };
  only("MUTEX", (text) => OWN_MUTEX.test(text));
  only("ENCRYPTIONKEY", (text) => THUMBPRINT.test(text));
  only("SERVERCERTIFICATESTR", isCertificateText);
  return fields;
}

/** Base64 of a DER sequence with two bytes of length. */
export function isCertificateText(text: string): boolean {
  return text.length > 400 && text.startsWith("MII") && BASE64.test(text);
}
