/** Digests and HMAC: noble's, under one roof so that families import from one place. */
export { hmac } from "@noble/hashes/hmac.js";
export { md5, sha1 } from "@noble/hashes/legacy.js";
export { sha256, sha512 } from "@noble/hashes/sha2.js";

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(sha256, key, data);
}
