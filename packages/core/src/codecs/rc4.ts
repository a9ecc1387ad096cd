/**
 * RC4 (Ron Rivest, 1987; leaked 1994; described in RFC 6229 with test vectors). Symmetric: the same call
 * encrypts and decrypts. Broken as a cipher, ubiquitous in malware configs.
 */

/** Runs the key schedule; `key` has 1 to 256 bytes. */
function schedule(key: Uint8Array): Uint8Array {
  if (key.length === 0 || key.length > 256)
    throw new RangeError(`RC4 key of ${key.length} bytes; 1 to 256 expected`);
  const state = new Uint8Array(256);
  for (let i = 0; i < 256; i++) state[i] = i;
  for (let i = 0, j = 0; i < 256; i++) {
    const si = state[i] as number;
    j = (j + si + (key[i % key.length] as number)) & 0xff;
    state[i] = state[j] as number;
    state[j] = si;
  }
  return state;
}

/** XORs `data` with the keystream of `key`. */
export function rc4(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = schedule(key);
  const out = new Uint8Array(data.length);
  for (let n = 0, i = 0, j = 0; n < data.length; n++) {
    i = (i + 1) & 0xff;
    const si = state[i] as number;
    j = (j + si) & 0xff;
    const sj = state[j] as number;
    state[i] = sj;
    state[j] = si;
    out[n] = (data[n] as number) ^ (state[(si + sj) & 0xff] as number);
  }
  return out;
}
