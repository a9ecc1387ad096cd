/** Keys and IVs that constants can become: as they are, decoded, hashed, stretched. */
import {
  concatBytes,
  type Found,
  hex,
  latin1Bytes,
  mapFound,
  type Span,
  unhex,
  utf8Bytes,
  utf16leBytes,
} from "../../bytes/index.ts";
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
} from "../../codecs/index.ts";
import type { Derivation, Secrets } from "./secrets.ts";

export interface KeyMaterial {
  /** Constants as bytes: texts in UTF-8 and UTF-16LE, what they encode in base64 or hex, arrays. */
  readonly plain: readonly Uint8Array[];
  /** Digests of those. */
  readonly hashed: readonly Uint8Array[];
  /** Long outputs of key derivations, from which key and IV are taken one after the other. */
  readonly streams: readonly Uint8Array[];
  /** Where the constants stand that a key or IV is made of, by its hex. Filled as keys are made. */
  readonly origins: Map<string, readonly Span[]>;
}

/** Bytes taken of a derivation: a 32-byte key, then a 32-byte IV, then some. */
const STREAM = 80;
/** SHA-1 blocks that all derivations of one assembly may cost, one each iteration. */
const MAX_ITERATIONS = 80_000;
/** Passwords and salts tried where the code does not show which. */
const MAX_GUESSES = 24;
const MIN_SALT = 8;
/** Spans kept of one key: an array filled element by element has one for each. */
const MAX_ORIGINS = 64;

/** Rfc2898DeriveBytes and PasswordDeriveBytes without a count. */
const ITERATIONS = { pbkdf2: 1000, pbkdf1: 100 } as const;

export function keyMaterial(secrets: Secrets): KeyMaterial {
  const origins = new Map<string, readonly Span[]>();
  const plain = new Map<string, Found<Uint8Array>>();
  const keep = (value: Uint8Array | undefined, at: readonly Span[]) => {
    if (value === undefined || value.length === 0 || plain.has(hex(value))) return;
    plain.set(hex(value), { value, at });
    origins.set(hex(value), at);
  };
  for (const { value, at } of secrets.arrays) keep(value, at);
  for (const { value, at } of secrets.texts) keep(utf8Bytes(value), at);
  for (const { value, at } of secrets.texts) {
    keep(utf16leBytes(value), at);
    keep(decodeBase64(latin1Bytes(value), DOTNET), at);
    keep(unhex(value), at);
  }
  const hashed = new Map<string, Uint8Array>();
  for (const { value, at } of plain.values()) {
    const digest = md5(value);
    // The MD5 put twice into 32 bytes, one byte short: a helper that half of Visual Basic's loaders share.
    const twice = concatBytes(digest.subarray(0, 15), digest, new Uint8Array(1));
    for (const made of [digest, twice, sha256(value), sha1(value), sha512(value)]) {
      hashed.set(hex(made), made);
      origins.set(hex(made), at);
    }
  }
  const streams = streamsOf(secrets, [...plain.values()]);
  for (const { value, at } of streams) origins.set(hex(value), at);
  return {
    plain: [...plain.values()].map(({ value }) => value),
    hashed: [...hashed.values()],
    streams: streams.map(({ value }) => value),
    origins,
  };
}

/** The bytes of every derivation; what the code does not show of one is tried. */
function streamsOf(secrets: Secrets, plain: readonly Found<Uint8Array>[]): Found<Uint8Array>[] {
  const streams: Found<Uint8Array>[] = [];
  let left = MAX_ITERATIONS;
  const texts = secrets.texts.slice(0, MAX_GUESSES).map((text) => mapFound(text, utf8Bytes));
  const salts = plain
    .filter(({ value }) => value.length >= MIN_SALT && value.length <= 64)
    .slice(0, MAX_GUESSES);
  for (const derivation of secrets.derivations) {
    const iterations = derivation.iterations ?? ITERATIONS[derivation.kind];
    const cost = iterations * (derivation.kind === "pbkdf2" ? STREAM / 20 : 1);
    if (iterations < 1) continue;
    for (const password of derivation.password ? [derivation.password] : texts) {
      for (const salt of derivation.salt ? [derivation.salt] : salts) {
        left -= cost;
        if (left < 0) return streams;
        const at = [...password.at, ...salt.at].slice(0, MAX_ORIGINS);
        for (const value of derive(derivation, password.value, salt.value, iterations))
          streams.push({ value, at });
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
  const keys = collector(material);
  for (const bytes of material.plain) if (sizes.includes(bytes.length)) keys.keep(bytes, bytes);
  for (const size of sizes) {
    for (const bytes of [...material.hashed, ...material.streams])
      if (bytes.length >= size) keys.keep(bytes.subarray(0, size), bytes);
    for (const bytes of material.plain) keys.keep(fitted(bytes, size), bytes);
  }
  return keys.all();
}

/** IVs of `size` bytes. */
export function ivsOf(material: KeyMaterial, size: number): Uint8Array[] {
  const ivs = collector(material);
  for (const bytes of material.plain) if (bytes.length === size) ivs.keep(bytes, bytes);
  ivs.keep(new Uint8Array(size), undefined);
  for (const stream of material.streams)
    for (const at of [0, 8, 16, 24, 32, 48])
      if (stream.length >= at + size) ivs.keep(stream.subarray(at, at + size), stream);
  for (const bytes of material.hashed)
    if (bytes.length >= size) {
      ivs.keep(bytes.subarray(0, size), bytes);
      ivs.keep(bytes.subarray(-size), bytes);
    }
  for (const bytes of material.plain) ivs.keep(fitted(bytes, size), bytes);
  return ivs.all();
}

/** Shortest constant that is filled up to a key. */
const MIN_FILLED = 4;

/** A constant cut or filled up to a size; undefined when it is too short for that to make sense. */
function fitted(bytes: Uint8Array, size: number): Uint8Array | undefined {
  if (bytes.length >= size) return bytes.subarray(0, size);
  return bytes.length < MIN_FILLED ? undefined : concatBytes(bytes, new Uint8Array(size - bytes.length));
}

/** Different values in the order of keeping; each takes over the origin of what it was made of. */
function collector({ origins }: KeyMaterial) {
  const values = new Map<string, Uint8Array>();
  return {
    keep(value: Uint8Array | undefined, from: Uint8Array | undefined): void {
      if (value === undefined) return;
      const name = hex(value);
      if (values.has(name)) return;
      values.set(name, value);
      const at = from === undefined ? undefined : origins.get(hex(from));
      if (at !== undefined && !origins.has(name)) origins.set(name, at);
    },
    all: (): Uint8Array[] => [...values.values()],
  };
}
