/** Keys and IVs that constants can become: as they are, decoded, hashed, stretched. */
import { concatBytes, hex, latin1Bytes, unhex, utf8Bytes, utf16leBytes } from "../bytes/index.ts";
import {
  DOTNET,
  decodeBase64,
  md5,
  type PasswordHash,
  passwordDeriveBytes,
  pbkdf2Sha1,
  sha1,
  sha256,
  sha512,
} from "../codecs/index.ts";
import type { Derivation, Secrets } from "./dotnet-secrets.ts";

export interface KeyMaterial {
  /** Constants as bytes: texts in UTF-8 and UTF-16LE, what they encode in base64 or hex, arrays. */
  readonly plain: readonly Uint8Array[];
  /** Digests of those. */
  readonly hashed: readonly Uint8Array[];
  /** Long outputs of key derivations, from which key and IV are taken one after the other. */
  readonly streams: readonly Uint8Array[];
}

/** Bytes taken of a derivation: a 32-byte key, then a 32-byte IV, then some. */
const STREAM = 80;
/** SHA-1 blocks that all derivations of one assembly may cost, one each iteration. */
const MAX_ITERATIONS = 400_000;
/** Passwords and salts tried where the code does not show which. */
const MAX_GUESSES = 24;
const MIN_SALT = 8;

/** Rfc2898DeriveBytes and PasswordDeriveBytes without a count. */
const ITERATIONS = { pbkdf2: 1000, pbkdf1: 100 } as const;

export function keyMaterial(secrets: Secrets): KeyMaterial {
  const plain = new Map<string, Uint8Array>();
  const keep = (bytes: Uint8Array | undefined) => {
    if (bytes !== undefined && bytes.length > 0) plain.set(hex(bytes), bytes);
  };
  for (const array of secrets.arrays) keep(array);
  for (const text of secrets.texts) keep(utf8Bytes(text));
  for (const text of secrets.texts) {
    keep(utf16leBytes(text));
    keep(decodeBase64(latin1Bytes(text), DOTNET));
    keep(unhex(text));
  }
  const hashed = new Map<string, Uint8Array>();
  for (const bytes of plain.values()) {
    const digest = md5(bytes);
    // The MD5 put twice into 32 bytes, one byte short: a helper that half of Visual Basic's loaders share.
    const twice = concatBytes(digest.subarray(0, 15), digest, new Uint8Array(1));
    for (const made of [digest, twice, sha256(bytes), sha1(bytes), sha512(bytes)])
      hashed.set(hex(made), made);
  }
  return {
    plain: [...plain.values()],
    hashed: [...hashed.values()],
    streams: streamsOf(secrets, [...plain.values()]),
  };
}

/** The bytes of every derivation; what the code does not show of one is tried. */
function streamsOf(secrets: Secrets, plain: readonly Uint8Array[]): Uint8Array[] {
  const streams: Uint8Array[] = [];
  let left = MAX_ITERATIONS;
  const texts = secrets.texts.slice(0, MAX_GUESSES).map(utf8Bytes);
  const salts = plain.filter((bytes) => bytes.length >= MIN_SALT && bytes.length <= 64).slice(0, MAX_GUESSES);
  for (const derivation of secrets.derivations) {
    const iterations = derivation.iterations ?? ITERATIONS[derivation.kind];
    const cost = iterations * (derivation.kind === "pbkdf2" ? STREAM / 20 : 1);
    if (iterations < 1) continue;
    for (const password of derivation.password ? [derivation.password] : texts) {
      for (const salt of derivation.salt ? [derivation.salt] : salts) {
        left -= cost;
        if (left < 0) return streams;
        streams.push(...derive(derivation, password, salt, iterations));
      }
    }
  }
  return streams;
}

function derive(
  { kind, hash }: Derivation,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Uint8Array[] {
  if (kind === "pbkdf2") return [pbkdf2Sha1(password, salt, iterations, STREAM)];
  const name = (hash ?? "SHA1").toUpperCase().replace("-", "");
  const digest: PasswordHash = name === "MD5" || name === "SHA256" ? name : "SHA1";
  // What the second call gives depends on how much the first one took.
  return [
    [32, 16],
    [32, 32],
    [16, 16],
    [24, 8],
    [8, 8],
  ].map((lengths) => concatBytes(...passwordDeriveBytes(password, salt, digest, iterations, lengths)));
}

/** Keys of one of `sizes`: exact, then the start of longer digests, then shorter constants filled up with NULs. */
export function keysOf(material: KeyMaterial, sizes: readonly number[]): Uint8Array[] {
  const keys = new Map<string, Uint8Array>();
  const keep = (key: Uint8Array) => keys.set(hex(key), key);
  for (const bytes of material.plain) if (sizes.includes(bytes.length)) keep(bytes);
  for (const size of sizes) {
    for (const bytes of material.hashed) if (bytes.length >= size) keep(bytes.subarray(0, size));
    for (const stream of material.streams) if (stream.length >= size) keep(stream.subarray(0, size));
    for (const bytes of material.plain)
      if (bytes.length < size && bytes.length >= 4)
        keep(concatBytes(bytes, new Uint8Array(size - bytes.length)));
      else if (bytes.length > size) keep(bytes.subarray(0, size));
  }
  return [...keys.values()];
}

/** IVs of `size` bytes, none of them that of ECB. */
export function ivsOf(material: KeyMaterial, size: number): Uint8Array[] {
  const ivs = new Map<string, Uint8Array>();
  const keep = (iv: Uint8Array) => {
    if (iv.length === size) ivs.set(hex(iv), iv);
  };
  for (const bytes of material.plain) keep(bytes);
  keep(new Uint8Array(size));
  for (const stream of material.streams)
    for (const at of [0, 8, 16, 24, 32, 48]) keep(stream.subarray(at, at + size));
  for (const bytes of [...material.hashed, ...material.plain]) keep(bytes.subarray(0, size));
  for (const bytes of material.hashed) keep(bytes.subarray(-size));
  for (const bytes of material.plain)
    if (bytes.length >= 4 && bytes.length < size)
      keep(concatBytes(bytes, new Uint8Array(size - bytes.length)));
  return [...ivs.values()];
}
