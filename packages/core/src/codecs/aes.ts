/** AES (FIPS 197) in the modes of configs (NIST SP 800-38A): CBC, ECB, CFB with 128-bit or 8-bit segments. */
import { cbc, ecb } from "@noble/ciphers/aes.js";

export type AesMode = "cbc" | "ecb" | "cfb" | "cfb8";
/** `pkcs7` strips and checks; `zeros` strips trailing NULs; `none` leaves all. */
export type AesPadding = "pkcs7" | "zeros" | "none";

const BLOCK = 16;

/**
 * Decrypts `data`. `key` has 16, 24 or 32 bytes; `iv` 16 (ignored for ECB).
 * Undefined when the length does not fit the mode or PKCS#7 padding does not hold.
 */
export function decryptAes(
  mode: AesMode,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
  padding: AesPadding = "pkcs7",
): Uint8Array | undefined {
  if (![16, 24, 32].includes(key.length))
    throw new RangeError(`AES key of ${key.length} bytes; 16, 24 or 32 expected`);
  if (mode !== "ecb" && iv.length !== BLOCK)
    throw new RangeError(`AES IV of ${iv.length} bytes; 16 expected`);
  if (mode === "cfb8") return strip(decryptCfb(key, iv, data, 1), padding);
  if (data.length === 0 || data.length % BLOCK !== 0) {
    return mode === "cfb" && data.length > 0 ? strip(decryptCfb(key, iv, data, BLOCK), padding) : undefined;
  }
  switch (mode) {
    case "cbc":
      return strip(cbc(key, iv, { disablePadding: true }).decrypt(data), padding);
    case "ecb":
      return strip(ecb(key, { disablePadding: true }).decrypt(data), padding);
    case "cfb":
      return strip(decryptCfb(key, iv, data, BLOCK), padding);
  }
}

/** CFB with segments of `segment` bytes: the keystream is the encryption of the previous ciphertext. */
function decryptCfb(key: Uint8Array, iv: Uint8Array, data: Uint8Array, segment: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const register = Uint8Array.from(iv);
  for (let at = 0; at < data.length; at += segment) {
    const stream = ecb(key, { disablePadding: true }).encrypt(register);
    const size = Math.min(segment, data.length - at);
    for (let i = 0; i < size; i++) out[at + i] = (data[at + i] as number) ^ (stream[i] as number);
    if (size < segment) break;
    register.copyWithin(0, segment);
    register.set(data.subarray(at, at + segment), BLOCK - segment);
  }
  return out;
}

function strip(plain: Uint8Array, padding: AesPadding): Uint8Array | undefined {
  if (padding === "none") return plain;
  if (padding === "zeros") {
    let end = plain.length;
    while (end > 0 && plain[end - 1] === 0) end--;
    return plain.subarray(0, end);
  }
  const pad = plain[plain.length - 1];
  if (pad === undefined || pad === 0 || pad > BLOCK || pad > plain.length) return undefined;
  for (let i = plain.length - pad; i < plain.length; i++) if (plain[i] !== pad) return undefined;
  return plain.subarray(0, plain.length - pad);
}
