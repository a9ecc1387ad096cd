/** AES (FIPS 197) in the modes of configs (NIST SP 800-38A): CBC, ECB, CFB with 128-bit or 8-bit segments. */
import { cbc, ecb } from "@noble/ciphers/aes.js";
import { concatBytes } from "../bytes/index.ts";

export type AesMode = "cbc" | "ecb" | "cfb" | "cfb8";
/** `pkcs7` strips and checks; `zeros` strips trailing NULs; `none` leaves all. */
export type AesPadding = "pkcs7" | "zeros" | "none";

const BLOCK = 16;

/**
 * Decrypts `data`. `key` has 16, 24 or 32 bytes; `iv` 16 (ignored for ECB).
 * Undefined when there is no data, when its length does not fit the mode, or when PKCS#7 padding does not hold.
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
  if (data.length === 0) return undefined;
  if (mode === "cfb") return strip(decryptCfb128(key, iv, data), padding);
  if (mode === "cfb8") return strip(decryptCfb8(key, iv, data), padding);
  if (data.length % BLOCK !== 0) return undefined;
  const cipher = mode === "cbc" ? cbc(key, iv, { disablePadding: true }) : ecb(key, { disablePadding: true });
  return strip(cipher.decrypt(data), padding);
}

/** The keystream of a block is the encryption of the ciphertext block before it; the first one's, of the IV. */
function decryptCfb128(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const registers = new Uint8Array(Math.ceil(data.length / BLOCK) * BLOCK);
  registers.set(iv);
  registers.set(data.subarray(0, registers.length - BLOCK), BLOCK);
  const stream = ecb(key, { disablePadding: true }).encrypt(registers);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = (data[i] as number) ^ (stream[i] as number);
  return out;
}

/** Bytes decrypted at a time with 8-bit segments, where each costs a whole block of keystream. */
const CFB8_RUN = 4096;

/** The key byte of a byte is the first of the encryption of the 16 ciphertext bytes (with the IV) before it. */
function decryptCfb8(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const history = concatBytes(iv, data);
  const out = new Uint8Array(data.length);
  for (let start = 0; start < data.length; start += CFB8_RUN) {
    const size = Math.min(CFB8_RUN, data.length - start);
    const registers = new Uint8Array(size * BLOCK);
    for (let i = 0; i < size; i++) registers.set(history.subarray(start + i, start + i + BLOCK), i * BLOCK);
    const stream = ecb(key, { disablePadding: true }).encrypt(registers);
    for (let i = 0; i < size; i++)
      out[start + i] = (data[start + i] as number) ^ (stream[i * BLOCK] as number);
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
