/**
 * .NET's PasswordDeriveBytes: PBKDF1 (RFC 8018, 5.1) stretched by Microsoft beyond one digest, its bug included, as
 * the .NET Framework's reference source has it. The bug: what is left of one GetBytes is read from the wrong place
 * by the next, so that an IV taken after a key repeats bytes of the key.
 */
import { concatBytes, latin1Bytes } from "../bytes/index.ts";
import { md5, sha1, sha256 } from "./hash.ts";

const HASHES = { MD5: md5, SHA1: sha1, SHA256: sha256 } as const;
export type PasswordHash = keyof typeof HASHES;

/** What GetBytes gives, call after call, for each of `lengths`. `iterations` is 1 or more; a new object has 100. */
export function passwordDeriveBytes(
  password: Uint8Array,
  salt: Uint8Array,
  hash: PasswordHash,
  iterations: number,
  lengths: readonly number[],
): Uint8Array[] {
  const digest = HASHES[hash];
  let base = digest(concatBytes(password, salt));
  for (let i = 1; i < iterations - 1; i++) base = digest(base);
  let blocks = 0;
  let extra: { readonly bytes: Uint8Array; at: number } | undefined;
  const fresh = (length: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let made = 0; made < length; made += base.length) {
      const prefix = blocks === 0 ? "" : String(blocks);
      parts.push(digest(concatBytes(latin1Bytes(prefix), base)));
      blocks++;
    }
    return concatBytes(...parts);
  };
  return lengths.map((length) => {
    const out = new Uint8Array(length);
    let from = 0;
    if (extra !== undefined) {
      from = extra.bytes.length - extra.at;
      if (from >= length) {
        out.set(extra.bytes.subarray(extra.at, extra.at + length));
        if (from > length) extra.at += length;
        else extra = undefined;
        return out;
      }
      out.set(extra.bytes.subarray(from, 2 * from));
      extra = undefined;
    }
    const made = fresh(length - from);
    out.set(made.subarray(0, length - from), from);
    if (made.length + from > length) extra = { bytes: made, at: length - from };
    return out;
  });
}
