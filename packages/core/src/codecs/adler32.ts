/** Adler-32 (RFC 1950, section 9), as zlib and UPX use it. */

const MODULUS = 65_521;
/** As many bytes as can be summed before 2^32 is in sight (zlib's NMAX). */
const BLOCK = 5552;

export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += BLOCK) {
    const end = Math.min(start + BLOCK, bytes.length);
    for (let i = start; i < end; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return b * 0x1_0000 + a;
}
