/**
 * ChaCha20 (D. J. Bernstein, "ChaCha, a variant of Salsa20", 2008; RFC 8439). Both nonce sizes: 12 bytes with a
 * 32-bit block counter (RFC 8439) and 8 bytes with a 64-bit one (the original). Ours, not noble's, since configs
 * start at any counter and are scanned for block by block.
 */

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** The 16 words of the initial state for a 32-byte key, an 8- or 12-byte nonce, and a block counter. */
export function chachaState(key: Uint8Array, nonce: Uint8Array, counter: number | bigint = 0): Uint32Array {
  if (key.length !== 32) throw new RangeError(`ChaCha20 key of ${key.length} bytes; 32 expected`);
  if (nonce.length !== 8 && nonce.length !== 12)
    throw new RangeError(`ChaCha20 nonce of ${nonce.length} bytes; 8 or 12 expected`);
  const state = new Uint32Array(16);
  state.set(SIGMA, 0);
  for (let i = 0; i < 8; i++) state[4 + i] = word(key, 4 * i);
  const count = BigInt(counter);
  state[12] = Number(count & 0xffffffffn);
  const words = nonce.length / 4;
  if (words === 2) state[13] = Number((count >> 32n) & 0xffffffffn);
  for (let i = 0; i < words; i++) state[16 - words + i] = word(nonce, 4 * i);
  return state;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** One keystream block of 64 bytes: 16 words of `out`, from the 16 words of `state`. */
export function chachaBlock(state: Uint32Array, out: Uint32Array): void {
  const x = out;
  x.set(state);
  for (let round = 0; round < 10; round++) {
    quarter(x, 0, 4, 8, 12);
    quarter(x, 1, 5, 9, 13);
    quarter(x, 2, 6, 10, 14);
    quarter(x, 3, 7, 11, 15);
    quarter(x, 0, 5, 10, 15);
    quarter(x, 1, 6, 11, 12);
    quarter(x, 2, 7, 8, 13);
    quarter(x, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) x[i] = (x[i] as number) + (state[i] as number);
}

function quarter(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  let xa = x[a] as number;
  let xb = x[b] as number;
  let xc = x[c] as number;
  let xd = x[d] as number;
  xa = (xa + xb) | 0;
  xd ^= xa;
  xd = (xd << 16) | (xd >>> 16);
  xc = (xc + xd) | 0;
  xb ^= xc;
  xb = (xb << 12) | (xb >>> 20);
  xa = (xa + xb) | 0;
  xd ^= xa;
  xd = (xd << 8) | (xd >>> 24);
  xc = (xc + xd) | 0;
  xb ^= xc;
  xb = (xb << 7) | (xb >>> 25);
  x[a] = xa;
  x[b] = xb;
  x[c] = xc;
  x[d] = xd;
}

/** XORs `data` with the keystream that starts at block `counter`. */
export function chacha20(
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  counter: number | bigint = 0,
): Uint8Array {
  const state = chachaState(key, nonce, counter);
  const wide = nonce.length === 8;
  const block = new Uint32Array(16);
  const out = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 64) {
    chachaBlock(state, block);
    const size = Math.min(64, data.length - at);
    for (let i = 0; i < size; i++)
      out[at + i] = (data[at + i] as number) ^ (((block[i >> 2] as number) >>> ((i & 3) * 8)) & 0xff);
    state[12] = ((state[12] as number) + 1) >>> 0;
    if (wide && state[12] === 0) state[13] = ((state[13] as number) + 1) >>> 0;
  }
  return out;
}
