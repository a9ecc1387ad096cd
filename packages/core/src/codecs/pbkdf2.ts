/** PBKDF2 (RFC 8018, test vectors RFC 6070) with HMAC-SHA1, .NET's Rfc2898DeriveBytes. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { SHA1_INITIAL, sha1Block } from "./sha1-block.ts";

/** The signature that a faster platform implementation (node:crypto) must have to stand in. */
export type Pbkdf2Sha1 = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
) => Uint8Array;

const BLOCK = 64;
const DIGEST = 20;

/**
 * `length` bytes of the PBKDF2-HMAC-SHA1 stream. `iterations` and `length` are 1 or more.
 *
 * HMAC's two keyed states are computed once, so that an iteration is two compressions: the message of each is the
 * last digest, padded, in one block.
 */
export const pbkdf2Sha1: Pbkdf2Sha1 = (password, salt, iterations, length) => {
  if (!Number.isSafeInteger(iterations) || iterations < 1 || !Number.isSafeInteger(length) || length < 1)
    throw new RangeError(`PBKDF2 with ${iterations} iterations for ${length} bytes`);
  const key = password.length > BLOCK ? sha1(password) : password;
  const inner = keyedState(key, 0x36);
  const outer = keyedState(key, 0x5c);
  const message = new Int32Array(16);
  message[5] = 0x80 << 24;
  message[15] = (BLOCK + DIGEST) * 8;
  const u = new Int32Array(5);
  const out = new Uint8Array(length);
  const numbered = new Uint8Array(salt.length + 4);
  numbered.set(salt);
  const counter = new DataView(numbered.buffer, salt.length);
  for (let at = 0, n = 1; at < length; at += DIGEST, n++) {
    counter.setUint32(0, n);
    readWords(hmac(sha1, key, numbered), u);
    const sum = Int32Array.from(u);
    for (let i = 1; i < iterations; i++) {
      message.set(u);
      u.set(inner);
      sha1Block(u, message);
      message.set(u);
      u.set(outer);
      sha1Block(u, message);
      for (let k = 0; k < 5; k++) sum[k] = (sum[k] as number) ^ (u[k] as number);
    }
    for (let i = 0; i < DIGEST && at + i < length; i++)
      out[at + i] = (sum[i >> 2] as number) >>> (24 - 8 * (i & 3));
  }
  return out;
};

/** The state of SHA-1 after the block `key ^ pad` (RFC 2104: ipad 0x36, opad 0x5c). */
function keyedState(key: Uint8Array, pad: number): Int32Array {
  const block = new Uint8Array(BLOCK).fill(pad);
  for (let i = 0; i < key.length; i++) block[i] = pad ^ (key[i] as number);
  const words = new Int32Array(16);
  readWords(block, words);
  const state = Int32Array.from(SHA1_INITIAL);
  sha1Block(state, words);
  return state;
}

function readWords(bytes: Uint8Array, into: Int32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < into.length; i++) into[i] = view.getInt32(4 * i);
}
