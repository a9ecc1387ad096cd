/**
 * Rijndael with blocks of 256 bits (Daemen and Rijmen, "AES Proposal: Rijndael", 1999), which AES left out and .NET's
 * RijndaelManaged offers as BlockSize = 256.
 */
import { type BlockCipher, type BlockMode, type BlockPadding, decryptBlocks } from "./block-modes.ts";

const BLOCK = 32;
/** max(Nk, Nb) + 6, and Nb is 8. */
const ROUNDS = 14;

const SBOX = new Uint8Array(256);
const INVERSE = new Uint8Array(256);
/** SubBytes and MixColumns of a byte of row 0, as a column with row 0 in the top byte; other rows are rotations. */
const ENCRYPT = new Int32Array(256);
const DECRYPT = new Int32Array(256);

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y > 0; y >>= 1) {
    if (y & 1) product ^= x;
    x = (x << 1) ^ (x & 0x80 ? 0x11b : 0);
  }
  return product;
}

function column(byte: number, a: number, b: number, c: number, d: number): number {
  return (times(byte, a) << 24) | (times(byte, b) << 16) | (times(byte, c) << 8) | times(byte, d);
}

// 3 generates the field and 0xf6 is its inverse: p runs through all elements, q through their inverses.
for (let p = 1, q = 1, i = 0; i < 255; i++) {
  const s = q ^ (q << 1) ^ (q << 2) ^ (q << 3) ^ (q << 4);
  SBOX[p] = (s ^ (s >> 8) ^ 0x63) & 0xff;
  p = times(p, 3);
  q = times(q, 0xf6);
}
SBOX[0] = 0x63;
for (let i = 0; i < 256; i++) {
  const s = SBOX[i] as number;
  INVERSE[s] = i;
  ENCRYPT[i] = column(s, 2, 1, 1, 3);
}
for (let i = 0; i < 256; i++) DECRYPT[i] = column(INVERSE[i] as number, 14, 9, 13, 11);

function subWord(word: number): number {
  let out = 0;
  for (let shift = 0; shift < 32; shift += 8) out |= (SBOX[(word >>> shift) & 255] as number) << shift;
  return out;
}

/** Key expansion (section 4.3): 8 words a round. */
function expand(key: Uint8Array): Int32Array {
  const count = key.length / 4;
  const words = new Int32Array(8 * (ROUNDS + 1));
  for (let i = 0, rcon = 1; i < words.length; i++) {
    if (i < count) {
      for (let k = 0; k < 4; k++) words[i] = ((words[i] as number) << 8) | (key[4 * i + k] as number);
      continue;
    }
    let word = words[i - 1] as number;
    if (i % count === 0) {
      word = subWord((word << 8) | (word >>> 24)) ^ (rcon << 24);
      rcon = times(rcon, 2);
    } else if (count > 6 && i % count === 4) word = subWord(word);
    words[i] = (words[i - count] as number) ^ word;
  }
  return words;
}

/** The round keys of decryption with each round done as in encryption (section 5.3.3): InvMixColumns in between. */
function invert(words: Int32Array): Int32Array {
  const out = new Int32Array(words.length);
  for (let round = 0; round <= ROUNDS; round++) {
    for (let i = 0; i < 8; i++) {
      const word = words[8 * (ROUNDS - round) + i] as number;
      out[8 * round + i] = round === 0 || round === ROUNDS ? word : mixed(word);
    }
  }
  return out;
}

function mixed(word: number): number {
  let out = 0;
  for (let row = 0; row < 4; row++) {
    const part = DECRYPT[SBOX[(word >>> (24 - 8 * row)) & 255] as number] as number;
    out ^= rotated(part, row);
  }
  return out;
}

function rotated(word: number, row: number): number {
  return row === 0 ? word : (word >>> (8 * row)) | (word << (32 - 8 * row));
}

/** Rijndael-256 with a key of 16, 24 or 32 bytes. */
export function rijndael256(key: Uint8Array): BlockCipher {
  if (![16, 24, 32].includes(key.length))
    throw new RangeError(`Rijndael key of ${key.length} bytes; 16, 24 or 32 expected`);
  const forward = expand(key);
  const backward = invert(forward);
  let state = new Int32Array(8);
  let next = new Int32Array(8);
  const run = (
    from: Uint8Array,
    fromAt: number,
    to: Uint8Array,
    toAt: number,
    keys: Int32Array,
    table: Int32Array,
    last: Uint8Array,
    sign: 1 | -1,
  ) => {
    for (let c = 0; c < 8; c++) {
      const at = fromAt + 4 * c;
      const word =
        ((from[at] as number) << 24) |
        ((from[at + 1] as number) << 16) |
        ((from[at + 2] as number) << 8) |
        (from[at + 3] as number);
      state[c] = word ^ (keys[c] as number);
    }
    // Rows 1, 2 and 3 come from 1, 3 and 4 columns further on when Nb is 8 (section 4.2.2); back from there to decrypt.
    const [one, two, three] = [sign & 7, (3 * sign) & 7, (4 * sign) & 7];
    for (let round = 1; round <= ROUNDS; round++) {
      for (let c = 0; c < 8; c++) {
        const b0 = (state[c] as number) >>> 24;
        const b1 = ((state[(c + one) & 7] as number) >>> 16) & 255;
        const b2 = ((state[(c + two) & 7] as number) >>> 8) & 255;
        const b3 = (state[(c + three) & 7] as number) & 255;
        const mixedColumn =
          round < ROUNDS
            ? (table[b0] as number) ^
              rotated(table[b1] as number, 1) ^
              rotated(table[b2] as number, 2) ^
              rotated(table[b3] as number, 3)
            : ((last[b0] as number) << 24) |
              ((last[b1] as number) << 16) |
              ((last[b2] as number) << 8) |
              (last[b3] as number);
        next[c] = mixedColumn ^ (keys[8 * round + c] as number);
      }
      [state, next] = [next, state];
    }
    for (let i = 0; i < BLOCK; i++) to[toAt + i] = (state[i >> 2] as number) >>> (24 - 8 * (i & 3));
  };
  return {
    size: BLOCK,
    encrypt: (from, fromAt, to, toAt) => run(from, fromAt, to, toAt, forward, ENCRYPT, SBOX, 1),
    decrypt: (from, fromAt, to, toAt) => run(from, fromAt, to, toAt, backward, DECRYPT, INVERSE, -1),
  };
}

/** Decrypts `data` with Rijndael-256. As decryptBlocks otherwise. */
export function decryptRijndael256(
  mode: BlockMode,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
  padding: BlockPadding = "pkcs7",
): Uint8Array | undefined {
  return decryptBlocks(rijndael256(key), mode, iv, data, padding);
}
