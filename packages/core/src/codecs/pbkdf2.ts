/** PBKDF2 (RFC 8018, test vectors RFC 6070) with HMAC-SHA1, .NET's Rfc2898DeriveBytes. */
import { sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";

/** The signature that a faster platform implementation (node:crypto) must have to stand in. */
export type Pbkdf2Sha1 = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
) => Uint8Array;

/** `length` bytes of the PBKDF2-HMAC-SHA1 stream. */
export const pbkdf2Sha1: Pbkdf2Sha1 = (password, salt, iterations, length) =>
  pbkdf2(sha1, password, salt, { c: iterations, dkLen: length });
