/**
 * How the .NET RATs of Quasar's line encrypt the strings of their settings class.
 *
 * `hmac` (Quasar 1.3 and later, AsyncRAT, DcRat, VenomRAT): base64( HMAC-SHA256[32] || IV[16] || AES(text) ), the MAC
 * over IV and ciphertext. Key and MAC key are two GetBytes calls on one Rfc2898DeriveBytes (PBKDF2-HMAC-SHA1), so the
 * MAC proves password, salt, iteration count and key size at once.
 * `md5` (xRAT 2, Quasar 1.0 to 1.2): base64( IV[16] || AES-128-CBC(text) ), key = MD5(password). Nothing is
 * authenticated: only the padding and the plain text tell a right key from a wrong one.
 * Sources: github.com/quasar/Quasar, AES.cs at RELEASE1 to v1.3.0.0, Aes256.cs at v1.4.1.
 */
import { equalBytes, type Found, hex, latin1Bytes, type Span, utf8 } from "../../bytes/index.ts";
import {
  type AesMode,
  decodeBase64,
  decryptAes,
  hmacSha256,
  md5,
  type Pbkdf2Sha1,
} from "../../codecs/index.ts";
import type { Step } from "../../model/index.ts";

/** Salt of Quasar 1.3 and 1.4 and of AsyncRAT. */
export const QUASAR_SALT = Uint8Array.of(
  ...[0xbf, 0xeb, 0x1e, 0x56, 0xfb, 0xcd, 0x97, 0x3b, 0xb2, 0x19, 0x02, 0x24, 0x30, 0xa5, 0x78, 0x43],
  ...[0x00, 0x3d, 0x56, 0x44, 0xd2, 0x1e, 0x62, 0xb9, 0xd4, 0xf1, 0x80, 0xe7, 0xe6, 0xc3, 0x39, 0x41],
);
export const QUASAR_ITERATIONS = 50_000;

const MAC_SIZE = 32;
const IV_SIZE = 16;
const AUTH_KEY_SIZE = 64;
/** AES-128 and AES-256 first: they are what the known versions use. */
const KEY_SIZES = [16, 32, 24] as const;
/** One derivation serves every key size: 32 bytes of key and 64 of MAC key. */
const DERIVED_SIZE = 96;
const MODES: readonly AesMode[] = ["cbc", "cfb8", "cfb", "ecb"];

/** PBKDF2 iterations (times derivations) spent on one sample at most: 12 derivations of Quasar's 50,000. */
const ITERATION_BUDGET = 600_000;
/** Rfc2898DeriveBytes refuses shorter ones. */
const MIN_SALT = 8;

/** Parameters of a key derivation, as the code states them. */
export interface Kdf {
  readonly salt: Found<Uint8Array>;
  readonly iterations: Found<number>;
}

export const QUASAR_KDF: Kdf = {
  salt: { value: QUASAR_SALT, at: [] },
  iterations: { value: QUASAR_ITERATIONS, at: [] },
};

/** A string of the class whose text is the base64 of something long enough to be a ciphertext. */
export interface Ciphertext {
  readonly text: Found<string>;
  readonly data: Uint8Array;
}

/** A key that opens the strings, and how it was come by. */
export interface SettingsKey {
  readonly scheme: "hmac" | "md5";
  readonly password: Found<string>;
  readonly key: Uint8Array;
  /** Empty for `md5`. */
  readonly authKey: Uint8Array;
  readonly kdf: Kdf | undefined;
}

const derivations = new WeakMap<object, { readonly known: Map<string, Uint8Array>; spent: number }>();

/**
 * PBKDF2 within a budget per sample, each (password, salt, iterations) computed once.
 * `sample` is any object that lives as long as the sample's analysis (its ledger).
 */
export function deriveKeys(
  sample: object,
  pbkdf2: Pbkdf2Sha1,
  password: Uint8Array,
  kdf: Kdf,
): Uint8Array | undefined {
  const salt = kdf.salt.value;
  const iterations = kdf.iterations.value;
  if (salt.length < MIN_SALT || !Number.isInteger(iterations) || iterations < 1) return undefined;
  let state = derivations.get(sample);
  if (state === undefined) derivations.set(sample, (state = { known: new Map(), spent: 0 }));
  const name = `${hex(password)}/${hex(salt)}/${iterations}`;
  const known = state.known.get(name);
  if (known !== undefined) return known;
  if (state.spent + iterations > ITERATION_BUDGET) return undefined;
  state.spent += iterations;
  const stream = pbkdf2(password, salt, iterations, DERIVED_SIZE);
  state.known.set(name, stream);
  return stream;
}

/** Decodes base64 text; undefined when a character is none of its alphabet. */
export function base64Bytes(text: string): Uint8Array | undefined {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return undefined;
  return decodeBase64(latin1Bytes(text));
}

/** The bytes behind a base64 text; undefined when it is none, or too short for either scheme. */
export function ciphertextOf(text: Found<string>): Ciphertext | undefined {
  if (text.value.length < 44 || text.value.length % 4 !== 0) return undefined;
  const data = base64Bytes(text.value);
  return data === undefined ? undefined : { text, data };
}

/** True when `data` could be MAC, IV and at least one byte of ciphertext. */
export function couldBeMacced(data: Uint8Array): boolean {
  return data.length > MAC_SIZE + IV_SIZE;
}

/** True when `data` could be an IV and whole blocks. */
export function couldBeBlocks(data: Uint8Array): boolean {
  return data.length >= 2 * IV_SIZE && data.length % IV_SIZE === 0;
}

/** True when the MAC of `data` holds under `authKey`. */
export function macHolds(data: Uint8Array, authKey: Uint8Array): boolean {
  return (
    couldBeMacced(data) &&
    equalBytes(hmacSha256(authKey, data.subarray(MAC_SIZE)), data.subarray(0, MAC_SIZE))
  );
}

/** The key whose MAC holds on one of `samples`; undefined when no key size gives one. */
export function proveKey(
  stream: Uint8Array,
  samples: readonly Ciphertext[],
  password: Found<string>,
  kdf: Kdf,
): SettingsKey | undefined {
  for (const size of KEY_SIZES) {
    const authKey = stream.subarray(size, size + AUTH_KEY_SIZE);
    if (samples.some((sample) => macHolds(sample.data, authKey)))
      return { scheme: "hmac", password, key: stream.subarray(0, size), authKey, kdf };
  }
  return undefined;
}

/** The key of the unauthenticated scheme: MD5 of the password's UTF-8. */
export function md5Key(password: Found<string>, bytes: Uint8Array): SettingsKey {
  return { scheme: "md5", password, key: md5(bytes), authKey: new Uint8Array(0), kdf: undefined };
}

/** Plain text of one value, when padding and UTF-8 hold. The MAC is not checked here. */
export function decryptSetting(key: SettingsKey, mode: AesMode, data: Uint8Array): string | undefined {
  const skip = key.scheme === "hmac" ? MAC_SIZE : 0;
  const plain = decryptAes(mode, key.key, data.subarray(skip, skip + IV_SIZE), data.subarray(skip + IV_SIZE));
  return plain && utf8(plain);
}

/** True when the last block ends in PKCS#7 padding under CBC: a look at two blocks, however long the value is. */
export function isPadded(key: SettingsKey, data: Uint8Array): boolean {
  const end = data.length;
  const [iv, block] = [data.subarray(end - 2 * IV_SIZE, end - IV_SIZE), data.subarray(end - IV_SIZE)];
  return couldBeBlocks(data) && decryptAes("cbc", key.key, iv, block) !== undefined;
}

/**
 * The mode under which every one of `samples` decrypts to well padded UTF-8. The code's own mode is tried first,
 * then the others: the padding of many values leaves no room for a wrong one.
 */
export function findMode(
  key: SettingsKey,
  samples: readonly Ciphertext[],
  stated?: AesMode,
): AesMode | undefined {
  // Nothing vouches for an MD5 key yet, so no more is tried than what the code or the original does.
  const known = key.scheme === "md5" ? MODES.slice(0, 1) : MODES;
  const modes = stated === undefined ? known : [stated, ...known.filter((mode) => mode !== stated)];
  const shortest = [...samples].sort((a, b) => a.data.length - b.data.length);
  return modes.find((mode) =>
    shortest.every((sample) => decryptSetting(key, mode, sample.data) !== undefined),
  );
}

/** The steps from the UTF-16LE text in the file to the plain text, as a third party would redo them. */
export function settingSteps(
  key: SettingsKey,
  mode: AesMode,
  data: Uint8Array,
  keyAt: readonly Span[],
): Step[] {
  const skip = key.scheme === "hmac" ? MAC_SIZE : 0;
  const params: Record<string, string> = { key: hex(key.key) };
  if (mode !== "ecb") params.iv = hex(data.subarray(skip, skip + IV_SIZE));
  return [
    { op: "utf16le" },
    { op: "base64" },
    { op: "skip", params: { bytes: skip + IV_SIZE } },
    { op: `aes-${mode}`, params, at: [...keyAt] },
  ];
}
