/**
 * The settings class of Quasar and its kin (AsyncRAT, DcRat, VenomRAT …): a class of public static fields, filled by
 * its static constructor with encrypted strings, plain numbers and one plain password. A builder writes the operands
 * and a renamer takes the names, so positions tell the fields, and names only confirm them.
 *
 * One engine, a table a family: a family says what a password looks like and in which order its fields come.
 */
import { equalBytes, type Found, type Span, utf8Bytes } from "../../bytes/index.ts";
import type { AesMode, Pbkdf2Sha1 } from "../../codecs/index.ts";
import {
  type Ciphertext,
  ciphertextOf,
  couldBeBlocks,
  couldBeMacced,
  decryptSetting,
  deriveKeys,
  findMode,
  isPadded,
  type Kdf,
  macHolds,
  md5Key,
  proveKey,
  type SettingsKey,
} from "./dotnet-settings-crypto.ts";

export interface SettingsText {
  /** Field name as it stands in the metadata; undefined where there is none to ask. */
  readonly name: string | undefined;
  readonly text: Found<string>;
}

export interface SettingsNumber {
  readonly name: string | undefined;
  /** By the field's type, or by the instruction form where that is unknown. */
  readonly kind: "bool" | "int" | "enum";
  readonly value: Found<number>;
}

/** The values of one class (or of a run of strings that may be one), each list in code order. */
export interface SettingsSource {
  readonly origin: "cctor" | "strings";
  readonly texts: readonly SettingsText[];
  readonly numbers: readonly SettingsNumber[];
  /** The text that the code hands to the key derivation, when it could be followed. */
  readonly password: Found<string> | undefined;
  /** Texts outside the class that its methods hand to another: the password may be a constant, or stand elsewhere. */
  readonly handedOn: readonly Found<string>[];
}

/** How a family's clients treat their secrets. */
export interface SettingsScheme {
  /** Bytes that the code derives keys from, out of the password field; undefined when `text` is no password. */
  passwordBytes(text: string): Uint8Array | undefined;
  /** Smaller is tried first; 0 and 1 are what the family's own builder writes, and the only ones tried blindly. */
  passwordRank(text: string): number;
  /** Fewer decrypted values than this are not a settings class. */
  readonly minimum: number;
}

export interface OpenedSetting {
  readonly name: string | undefined;
  readonly text: Found<string>;
  /** `broken`: long base64 among proved values, whose own MAC does not hold. */
  readonly state: "encrypted" | "plain" | "password" | "broken";
  /** Decrypted, or the text itself. */
  readonly plain: string;
  /** Of an encrypted one: the bytes behind the base64. */
  readonly data: Uint8Array | undefined;
}

export interface OpenedSettings {
  readonly source: SettingsSource;
  readonly key: SettingsKey;
  readonly mode: AesMode;
  readonly settings: readonly OpenedSetting[];
}

/** What came of a class: opened, or how far it went. */
export type Opening =
  | { readonly status: "opened"; readonly opened: OpenedSettings }
  /** The MAC holds, so the key is right, but no block mode that we know gives text. */
  | { readonly status: "unknown-mode"; readonly key: SettingsKey; readonly at: readonly Span[] }
  | { readonly status: "closed" };

/** MACs are tried on this many ciphertexts for each key: one of them may be a plain base64 secret. */
const PROBES = 4;
/** Passwords tried against one class with the costly derivation, where its code says that it derives keys. */
const MAX_PASSWORDS = 12;
/** The same where there is no code to say so: only texts that look like this family's passwords. */
const MAX_BLIND_PASSWORDS = 4;
/** Passwords tried against one class with the cheap one. */
const MAX_MD5_PASSWORDS = 16;

/** Strings of one class; the longest known has some thirty. */
const MAX_TEXTS = 256;

export interface OpenContext {
  /** Lives as long as the sample's analysis. */
  readonly sample: object;
  readonly pbkdf2: Pbkdf2Sha1;
  /** Derivations that the code holds; empty where there is no code to ask. */
  readonly kdfs: readonly Kdf[];
  readonly defaultKdf: Kdf;
  readonly mode: AesMode | undefined;
}

/** Opens the strings of `source` with the passwords among them, authenticated scheme first. */
export function openSettings(source: SettingsSource, scheme: SettingsScheme, context: OpenContext): Opening {
  if (source.texts.length > MAX_TEXTS) return { status: "closed" };
  const ciphertexts: Ciphertext[] = [];
  for (const { text } of source.texts) {
    const ciphertext = ciphertextOf(text);
    if (ciphertext !== undefined) ciphertexts.push(ciphertext);
  }
  if (ciphertexts.length < scheme.minimum) return { status: "closed" };
  const passwords = passwordsOf(source, scheme);
  const macced = ciphertexts.filter((c) => couldBeMacced(c.data));
  if (macced.length >= scheme.minimum) {
    const key = findMacKey(macced.slice(0, PROBES), passwords, scheme, context);
    if (key !== undefined) return openMacced(source, key, macced, context);
  }
  return openBlocks(
    source,
    scheme,
    passwords,
    ciphertexts.filter((c) => couldBeBlocks(c.data)),
    context,
  );
}

function passwordsOf(source: SettingsSource, scheme: SettingsScheme): Found<string>[] {
  const seen = new Set<string>();
  const list: { text: Found<string>; rank: number }[] = [];
  for (const text of [...source.texts.map((entry) => entry.text), ...source.handedOn]) {
    if (text.value === "" || seen.has(text.value) || scheme.passwordBytes(text.value) === undefined) continue;
    const data = ciphertextOf(text)?.data;
    if (data !== undefined && couldBeMacced(data)) continue;
    seen.add(text.value);
    list.push({ text, rank: text.value === source.password?.value ? -1 : scheme.passwordRank(text.value) });
  }
  return list.sort((a, b) => a.rank - b.rank).map((entry) => entry.text);
}

function findMacKey(
  probes: readonly Ciphertext[],
  passwords: readonly Found<string>[],
  scheme: SettingsScheme,
  context: OpenContext,
): SettingsKey | undefined {
  const blind = context.kdfs.length === 0;
  // One that the code states may be another secret's, and the settings' own one that could not be read.
  const kdfs = withDefault(context);
  const tried = blind
    ? passwords.filter((password) => scheme.passwordRank(password.value) <= 1).slice(0, MAX_BLIND_PASSWORDS)
    : passwords.slice(0, MAX_PASSWORDS);
  for (const password of tried) {
    const bytes = scheme.passwordBytes(password.value);
    for (const kdf of kdfs) {
      const stream = bytes && deriveKeys(context.sample, context.pbkdf2, bytes, kdf);
      const key = stream && proveKey(stream, probes, password, kdf);
      if (key !== undefined) return key;
    }
  }
  return undefined;
}

function withDefault({ kdfs, defaultKdf }: OpenContext): readonly Kdf[] {
  const isDefault = ({ salt, iterations }: Kdf) =>
    iterations.value === defaultKdf.iterations.value && equalBytes(salt.value, defaultKdf.salt.value);
  return kdfs.some(isDefault) ? kdfs : [...kdfs, defaultKdf];
}

function openMacced(
  source: SettingsSource,
  key: SettingsKey,
  macced: readonly Ciphertext[],
  context: OpenContext,
): Opening {
  const proved = macced.filter((c) => macHolds(c.data, key.authKey));
  const mode = findMode(key, proved, context.mode);
  if (mode === undefined) return { status: "unknown-mode", key, at: proved[0]?.text.at ?? [] };
  const settings = source.texts.map(({ name, text }): OpenedSetting => {
    const data = ciphertextOf(text)?.data;
    if (text.value === key.password.value) return { name, text, state: "password", plain: text.value, data };
    if (data === undefined || !couldBeMacced(data))
      return { name, text, state: "plain", plain: text.value, data: undefined };
    const plain = macHolds(data, key.authKey) ? decryptSetting(key, mode, data) : undefined;
    if (plain !== undefined) return { name, text, state: "encrypted", plain, data };
    return { name, text, state: "broken", plain: text.value, data };
  });
  return { status: "opened", opened: { source, key, mode, settings: trimmed(source, settings) } };
}

/** A run of strings may begin and end with some that have no part in the settings. */
function trimmed(source: SettingsSource, settings: readonly OpenedSetting[]): readonly OpenedSetting[] {
  if (source.origin === "cctor") return settings;
  const isPart = (setting: OpenedSetting) => setting.state === "encrypted" || setting.state === "password";
  return settings.slice(settings.findIndex(isPart), settings.findLastIndex(isPart) + 1);
}

/**
 * The unauthenticated scheme: a password is right when every ciphertext decrypts to well padded UTF-8. Of a run of
 * strings, whose ends are not known, it is enough that `minimum` neighbours do.
 */
function openBlocks(
  source: SettingsSource,
  scheme: SettingsScheme,
  passwords: readonly Found<string>[],
  blocks: readonly Ciphertext[],
  context: OpenContext,
): Opening {
  if (blocks.length < scheme.minimum) return { status: "closed" };
  for (const password of passwords.slice(0, MAX_MD5_PASSWORDS)) {
    const key = md5Key(password, utf8Bytes(password.value));
    const opening =
      source.origin === "cctor" ? blocks : longestRun(blocks, (block) => isPadded(key, block.data));
    if (opening.length < scheme.minimum) continue;
    const mode = findMode(key, opening, context.mode);
    if (mode === undefined) continue;
    const settings = source.texts.map(({ name, text }): OpenedSetting => {
      const block = opening.find((candidate) => candidate.text === text);
      if (text.value === password.value)
        return { name, text, state: "password", plain: text.value, data: block?.data };
      const plain = block && decryptSetting(key, mode, block.data);
      return plain === undefined
        ? { name, text, state: "plain", plain: text.value, data: undefined }
        : { name, text, state: "encrypted", plain, data: block?.data };
    });
    return { status: "opened", opened: { source, key, mode, settings: trimmed(source, settings) } };
  }
  return { status: "closed" };
}

function longestRun<T>(list: readonly T[], test: (item: T) => boolean): readonly T[] {
  let best: readonly T[] = [];
  let start = 0;
  for (let i = 0; i <= list.length; i++) {
    const item = list[i];
    if (item !== undefined && test(item)) continue;
    if (i - start > best.length) best = list.slice(start, i);
    start = i + 1;
  }
  return best;
}
