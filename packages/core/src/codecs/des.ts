/** DES and Triple DES (FIPS 46-3). Long broken, and still what many a .NET loader calls. */
import { type BlockCipher, type BlockMode, type BlockPadding, decryptBlocks } from "./block-modes.ts";

/** FIPS 46-3, appendix 1. Bits are numbered from 1 at the left, as there. */
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47,
  55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22,
  11, 4, 25,
];
/** S1 to S8, each its four rows of sixteen, one hex digit a value. */
const S = [
  "e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d",
  "f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9",
  "a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c",
  "7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e",
  "2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453",
  "c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d",
  "4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c",
  "d2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b",
];

/** Substitution and P in one: for S-box i and its six input bits, the 32 output bits. */
const SP: readonly Int32Array[] = S.map((rows, box) => {
  const digits = rows.replaceAll(" ", "");
  const table = new Int32Array(64);
  for (let six = 0; six < 64; six++) {
    const row = ((six >> 4) & 2) | (six & 1);
    const value = Number.parseInt(digits.charAt(16 * row + ((six >> 1) & 15)), 16);
    const placed = value << (28 - 4 * box);
    let out = 0;
    for (let bit = 0; bit < 32; bit++) out |= ((placed >>> (32 - (P[bit] as number))) & 1) << (31 - bit);
    table[six] = out;
  }
  return table;
});

/** Sixteen rounds of eight six-bit subkeys, in the order of encryption. Parity bits are not looked at. */
function schedule(key: Uint8Array, at: number): Uint8Array {
  const bit = (n: number) => ((key[at + ((n - 1) >> 3)] as number) >> (7 - ((n - 1) & 7))) & 1;
  const cd = PC1.map(bit);
  const out = new Uint8Array(128);
  let turned = 0;
  for (let round = 0; round < 16; round++) {
    turned += SHIFTS[round] as number;
    for (let i = 0; i < 48; i++) {
      const from = (PC2[i] as number) - 1;
      const half = from < 28 ? 0 : 28;
      const value = cd[half + ((from - half + turned) % 28)] as number;
      const group = 8 * round + Math.floor(i / 6);
      out[group] = ((out[group] as number) << 1) | value;
    }
  }
  return out;
}

/** The sixteen rounds between the permutations, on `halves`, with the swap at the end. */
function rounds(halves: Int32Array, keys: Uint8Array, decrypts: boolean): void {
  const [s0, s1, s2, s3, s4, s5, s6, s7] = SP as readonly [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let l = halves[0] as number;
  let r = halves[1] as number;
  for (let round = 0; round < 16; round++) {
    const k = 8 * (decrypts ? 15 - round : round);
    const x = (r >>> 1) | (r << 31);
    const f =
      (s0[(x >>> 26) ^ (keys[k] as number)] as number) |
      (s1[((x >>> 22) & 63) ^ (keys[k + 1] as number)] as number) |
      (s2[((x >>> 18) & 63) ^ (keys[k + 2] as number)] as number) |
      (s3[((x >>> 14) & 63) ^ (keys[k + 3] as number)] as number) |
      (s4[((x >>> 10) & 63) ^ (keys[k + 4] as number)] as number) |
      (s5[((x >>> 6) & 63) ^ (keys[k + 5] as number)] as number) |
      (s6[((x >>> 2) & 63) ^ (keys[k + 6] as number)] as number) |
      (s7[(((x << 2) | (x >>> 30)) & 63) ^ (keys[k + 7] as number)] as number);
    const next = l ^ f;
    l = r;
    r = next;
  }
  halves[0] = r;
  halves[1] = l;
}

/** DES with a key of 8 bytes, Triple DES (encrypt, decrypt, encrypt) with 16 or 24. */
export function des(key: Uint8Array): BlockCipher {
  if (![8, 16, 24].includes(key.length))
    throw new RangeError(`DES key of ${key.length} bytes; 8, 16 or 24 expected`);
  const first = schedule(key, 0);
  const keys =
    key.length === 8 ? [first] : [first, schedule(key, 8), key.length === 16 ? first : schedule(key, 16)];
  const backwards = [...keys].reverse();
  const halves = new Int32Array(2);
  const run = (from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, decrypts: boolean) => {
    load(from, fromAt, halves);
    (decrypts ? backwards : keys).forEach((subkeys, i) => {
      rounds(halves, subkeys, (i === 1) !== decrypts);
    });
    store(halves, to, toAt);
  };
  return {
    size: 8,
    encrypt: (from, fromAt, to, toAt) => run(from, fromAt, to, toAt, false),
    decrypt: (from, fromAt, to, toAt) => run(from, fromAt, to, toAt, true),
  };
}

/** Decrypts `data` with DES or Triple DES, as the key's length says. As decryptBlocks otherwise. */
export function decryptDes(
  mode: BlockMode,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
  padding: BlockPadding = "pkcs7",
): Uint8Array | undefined {
  return decryptBlocks(des(key), mode, iv, data, padding);
}

/** Reads a block through the initial permutation, as five exchanges of bits between the halves. */
function load(from: Uint8Array, at: number, halves: Int32Array): void {
  let l = word(from, at);
  let r = word(from, at + 4);
  let t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  t = ((l >>> 16) ^ r) & 0xffff;
  r ^= t;
  l ^= t << 16;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  t = ((l >>> 1) ^ r) & 0x55555555;
  r ^= t;
  l ^= t << 1;
  halves[0] = l;
  halves[1] = r;
}

/** The exchanges of `load` undone, last first. */
function store(halves: Int32Array, to: Uint8Array, at: number): void {
  let l = halves[0] as number;
  let r = halves[1] as number;
  let t = ((l >>> 1) ^ r) & 0x55555555;
  r ^= t;
  l ^= t << 1;
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((l >>> 16) ^ r) & 0xffff;
  r ^= t;
  l ^= t << 16;
  t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  for (let i = 0; i < 4; i++) {
    to[at + i] = l >>> (24 - 8 * i);
    to[at + 4 + i] = r >>> (24 - 8 * i);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
