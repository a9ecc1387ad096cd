/**
 * The two ciphers of compiled AutoIt and its LZSS; facts from the analysts' unpackers of these files (AutoIt-Ripper,
 * myAut2Exe).
 */

/** EA06: a lagged generator of 17 words; each byte takes two steps and the top eight bits of the second. */
export function lame(data: Uint8Array, seed: number): Uint8Array {
  const state = new Uint32Array(17);
  let value = seed >>> 0;
  for (let i = 0; i < 17; i++) {
    value = (1 - Math.imul(value, 0x53a9_b4fb)) >>> 0;
    state[i] = value;
  }
  let a = 0;
  let b = 10;
  const step = (): number => {
    const x = state[a] as number;
    const y = state[b] as number;
    const next = (((x << 9) | (x >>> 23)) + ((y << 13) | (y >>> 19))) >>> 0;
    state[a] = next;
    a = a === 0 ? 16 : a - 1;
    b = b === 0 ? 16 : b - 1;
    return next;
  };
  for (let i = 0; i < 9; i++) step();
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    step();
    out[i] = (data[i] as number) ^ (step() >>> 24);
  }
  return out;
}

const N = 624;
const M = 397;

/** EA05: MT19937, each byte the output's second bit onwards. */
export function mersenne(data: Uint8Array, seed: number): Uint8Array {
  const state = new Uint32Array(N);
  state[0] = seed >>> 0;
  for (let i = 1; i < N; i++) {
    const last = state[i - 1] as number;
    state[i] = (Math.imul(0x6c07_8965, last ^ (last >>> 30)) + i) >>> 0;
  }
  let at = N;
  const out = new Uint8Array(data.length);
  for (let n = 0; n < data.length; n++) {
    if (at === N) {
      for (let i = 0; i < N; i++) {
        const y = ((state[i] as number) & 0x8000_0000) | ((state[(i + 1) % N] as number) & 0x7fff_ffff);
        state[i] = (state[(i + M) % N] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
      }
      at = 0;
    }
    let y = state[at++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^= y >>> 18;
    out[n] = (data[n] as number) ^ ((y >>> 1) & 0xff);
  }
  return out;
}

/** Length fields: value added, bits, and the value that says that the next field follows. */
const LENGTHS: readonly (readonly [base: number, bits: number])[] = [
  [3, 2],
  [6, 3],
  [13, 5],
  [44, 8],
  [299, 8],
];

/** `EA05` or `EA06`, the size (big-endian), then bits. Undefined when it is neither, is larger than `limit`, or breaks off. */
export function unpackLzss(data: Uint8Array, limit: number): Uint8Array | undefined {
  if (data.length < 8 || data[0] !== 0x45 || data[1] !== 0x41 || data[2] !== 0x30) return undefined;
  const literal = data[3] === 0x36 ? 1 : data[3] === 0x35 ? 0 : -1;
  const size = new DataView(data.buffer, data.byteOffset).getUint32(4, false);
  if (literal < 0 || size > limit) return undefined;
  const out = new Uint8Array(size);
  let at = 8 * 8;
  const end = data.length * 8;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++)
      value = (value << 1) | (((data[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
  let to = 0;
  while (to < size) {
    if (at >= end) return undefined;
    if (bits(1) === literal) {
      out[to++] = bits(8);
      continue;
    }
    const offset = bits(15);
    let length = 0;
    for (let i = 0; ; i++) {
      const [base, width] = (LENGTHS[i] ?? LENGTHS[LENGTHS.length - 1]) as readonly [number, number];
      const value = bits(width);
      const more = (1 << width) - 1;
      length = i < LENGTHS.length ? base : length + 255;
      if (value !== more || at >= end) {
        length += value;
        break;
      }
    }
    if (offset === 0 || offset > to) return undefined;
    for (let i = 0; i < length && to < size; i++, to++) out[to] = out[to - offset] as number;
  }
  return out;
}
