/** Keys that zeros betray: a run of them is, encrypted, the key over and over. */
import { latin1 } from "../../bytes/index.ts";

/** Longest key. */
export const MAX_KEY = 64;

/** Zeros are looked for at every so many bytes: a run of 200 shows any key length. */
const ZEROS_STRIDE = 128;
/** Bytes that must repeat for a run to be one. */
const RUN = 48;
/** Keys remembered of one artifact. */
const MAX_KEYS = 256;
/** Fills that compilers, tables and pictures use: runs of them say nothing about a key. */
const FILLS: ReadonlySet<number> = new Set([0x00, 0x20, 0x90, 0xcc, 0xff]);
/** Zeros in a row that no key has. */
const MAX_ZEROS = 3;

export interface Sighting {
  /** Key bytes by absolute offset modulo their number. */
  readonly key: Uint8Array;
  count: number;
}

/** Runs that repeat with a period of up to 64 bytes, by the key that they would be under zeros; the commonest first. */
export function sightings(bytes: Uint8Array, start: number, end: number): Sighting[] {
  const seen = new Map<string, Sighting>();
  const last = end - MAX_KEY - RUN - 8;
  for (let place = start; place < last; place += ZEROS_STRIDE) {
    // A zero is the commonest byte and the rarest of keys: the next byte then, which may be one.
    const at = bytes[place] === 0 ? place + 1 : place;
    const a = bytes[at] as number;
    if (a === 0) continue;
    const b = bytes[at + 1] as number;
    // Most bytes do not come again so soon, which is found out fast.
    const furthest = bytes.lastIndexOf(a, at + MAX_KEY) - at;
    for (let period = 1; period <= furthest; period++) {
      if (bytes[at + period] !== a || bytes[at + period + 1] !== b) continue;
      if (!repeats(bytes, at, period)) continue;
      const key = new Uint8Array(period);
      for (let i = 0; i < period; i++) key[(at + i) % period] = bytes[at + i] as number;
      const name = latin1(key);
      const sighting = seen.get(name);
      if (sighting !== undefined) sighting.count++;
      else if (seen.size < MAX_KEYS) seen.set(name, { key, count: 1 });
      break;
    }
  }
  return [...seen.values()].sort((a, b) => b.count - a.count);
}

function repeats(bytes: Uint8Array, at: number, period: number): boolean {
  for (let i = 2; i < RUN; i++) if (bytes[at + i] !== bytes[at + i + period]) return false;
  return true;
}

/** Not a fill, a picture's row or a padded string: those repeat as well. */
export function isLikelyKey(key: Uint8Array): boolean {
  if (key.every((byte) => FILLS.has(byte))) return false;
  let zeros = 0;
  for (let i = 0; i < 2 * key.length && zeros < MAX_ZEROS; i++)
    zeros = key[i % key.length] === 0 ? zeros + 1 : 0;
  return zeros < MAX_ZEROS && (key.length < 8 || new Set(key).size >= 4);
}
