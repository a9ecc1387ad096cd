/** What stands around the config in real Lumma builds: the C runtime's tables and the texts of the ZIP writer. */
import { concatBytes, latin1Bytes, unhex } from "@assay/core/bytes/index";

/** Doubles 10^(2^n), n from 0 to 8. Its last two entries are what published finders search for. */
export function powersOfTen(): Uint8Array {
  const table = new DataView(new ArrayBuffer(9 * 8));
  for (let n = 0; n < 9; n++) table.setFloat64(n * 8, Number(`1e${2 ** n}`), true);
  return new Uint8Array(table.buffer);
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** `00010203…99`: 200 base64 characters in a row that are no config. */
export function decimalPairs(): Uint8Array {
  return latin1Bytes(Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0")).join(""));
}

/** `000102…FF`: 512 of them. */
export function hexPairs(): Uint8Array {
  return latin1Bytes(
    Array.from({ length: 256 }, (_, i) => i.toString(16).toUpperCase().padStart(2, "0")).join(""),
  );
}

/** The number printer's digits and what stands behind them where no build id does. */
export function digits(next: string): Uint8Array {
  return concatBytes(latin1Bytes(`${DIGITS}\0${next}\0`), latin1Bytes("_kMGT\0_KMGT\0NaN\0"));
}

/** Initial values of SHA-1 as they lie in memory. */
export function sha1Start(): Uint8Array {
  return unhex("0123456789abcdeffedcba9876543210f0e1d2c3") ?? new Uint8Array(0);
}

/** NUL-terminated texts. */
export function cStrings(...texts: readonly string[]): Uint8Array {
  return latin1Bytes(texts.map((text) => `${text}\0`).join(""));
}

export const ZIP_TEXTS = [
  "total errors",
  "too many files",
  "no error",
  "internal error",
  "undefined error",
  "invalid parameter",
];

/** The same bytes for the same seed, without a short period: what fills slots behind their text. */
export function noise(length: number, seed: number): Uint8Array {
  const state = Uint32Array.of(0x9e3779b9 ^ seed, 0x243f6a88, 0xb7e15162, seed * 2 + 1);
  return Uint8Array.from({ length: length + 32 }, () => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    let t = a ^ (a << 11);
    t ^= t >>> 8;
    state.set([b, c, d, (d ^ (d >>> 19) ^ t) >>> 0]);
    return state[3] as number;
  }).subarray(32);
}

/** `text`, a NUL, noise, and a NUL as the last of `size` bytes. */
export function slot(text: Uint8Array, size: number, seed: number): Uint8Array {
  if (text.length >= size) throw new RangeError(`text of ${text.length} bytes in a slot of ${size}`);
  const out = noise(size, seed);
  out.set(text);
  out[text.length] = 0;
  out[size - 1] = 0;
  return out;
}
