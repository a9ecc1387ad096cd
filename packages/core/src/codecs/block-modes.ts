/** The modes of NIST SP 800-38A over any block cipher, for those that no library of ours has. */
import { concatBytes } from "../bytes/index.ts";

export type BlockMode = "cbc" | "ecb" | "cfb" | "cfb8";
/** `pkcs7` strips and checks; `zeros` strips trailing NULs; `none` leaves all. */
export type BlockPadding = "pkcs7" | "zeros" | "none";

/** A keyed cipher. Both ways read a block of `from` at an offset and write one to `to`; `from` and `to` may be one. */
export interface BlockCipher {
  /** Bytes of a block. */
  readonly size: number;
  encrypt(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number): void;
  decrypt(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number): void;
}

/**
 * Decrypts `data`; `iv` has a block's size (ignored for ECB), `cfb` has segments of a whole block.
 * Undefined when there is no data, when its length does not fit the mode, or when PKCS#7 padding does not hold.
 */
export function decryptBlocks(
  cipher: BlockCipher,
  mode: BlockMode,
  iv: Uint8Array,
  data: Uint8Array,
  padding: BlockPadding = "pkcs7",
): Uint8Array | undefined {
  const { size } = cipher;
  if (mode !== "ecb" && iv.length !== size)
    throw new RangeError(`IV of ${iv.length} bytes; ${size} expected`);
  if (data.length === 0) return undefined;
  if (mode === "cfb" || mode === "cfb8") {
    const segment = mode === "cfb" ? size : 1;
    return unpad(decryptCfb(cipher, segment, iv, data), size, padding);
  }
  if (data.length % size !== 0) return undefined;
  const out = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += size) cipher.decrypt(data, at, out, at);
  if (mode === "cbc") {
    for (let i = 0; i < size; i++) out[i] = (out[i] as number) ^ (iv[i] as number);
    for (let i = size; i < out.length; i++) out[i] = (out[i] as number) ^ (data[i - size] as number);
  }
  return unpad(out, size, padding);
}

/** The keystream of a segment is the start of the encryption of the `size` bytes of IV and ciphertext before it. */
function decryptCfb(cipher: BlockCipher, segment: number, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const history = concatBytes(iv, data);
  const stream = new Uint8Array(cipher.size);
  const out = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += segment) {
    cipher.encrypt(history, at, stream, 0);
    const end = Math.min(segment, data.length - at);
    for (let i = 0; i < end; i++) out[at + i] = (data[at + i] as number) ^ (stream[i] as number);
  }
  return out;
}

function unpad(plain: Uint8Array, size: number, padding: BlockPadding): Uint8Array | undefined {
  if (padding === "none") return plain;
  if (padding === "zeros") {
    let end = plain.length;
    while (end > 0 && plain[end - 1] === 0) end--;
    return plain.subarray(0, end);
  }
  const pad = plain[plain.length - 1] as number;
  if (pad === 0 || pad > size || pad > plain.length) return undefined;
  for (let i = plain.length - pad; i < plain.length; i++) if (plain[i] !== pad) return undefined;
  return plain.subarray(0, plain.length - pad);
}
