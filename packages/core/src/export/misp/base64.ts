/** Base64 (RFC 4648, 4), encoding: core assumes no platform's own. */
import { latin1, latin1Bytes } from "../../bytes/index.ts";

const ALPHABET = latin1Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const PAD = 0x3d;

export function encodeBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let i = 0, o = 0; i < bytes.length; i += 3, o += 4) {
    const left = bytes.length - i;
    const word =
      ((bytes[i] as number) << 16) |
      ((left > 1 ? (bytes[i + 1] as number) : 0) << 8) |
      (left > 2 ? (bytes[i + 2] as number) : 0);
    out[o] = ALPHABET[word >> 18] as number;
    out[o + 1] = ALPHABET[(word >> 12) & 63] as number;
    out[o + 2] = left > 1 ? (ALPHABET[(word >> 6) & 63] as number) : PAD;
    out[o + 3] = left > 2 ? (ALPHABET[word & 63] as number) : PAD;
  }
  return latin1(out);
}
