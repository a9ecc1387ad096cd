/**
 * Places at which bytes may have stood whose address nobody knows: for those who hold some addresses into them and can
 * tell the right place by what they find there.
 */

/** Raw data and addresses of a section are equal modulo this, in files and in memory. */
export const LOAD_STEP = 0x200;
/** Places tried for one set of addresses: 16 MB of them. */
const MAX_LOADS = 0x8000;

/** Addresses of the first byte, in steps of `LOAD_STEP`, both ends included; none when `first` is below `last`. */
export interface Loads {
  readonly first: number;
  readonly last: number;
}

/** The places of `length` bytes under which all of `vas` lie inside. */
export function possibleLoads(length: number, vas: readonly number[]): Loads {
  const low = Math.min(...vas);
  const first = low - (low % LOAD_STEP);
  const room = length - (Math.max(...vas) - first);
  const steps = Math.min(MAX_LOADS, Math.ceil(room / LOAD_STEP)) - 1;
  return { first, last: first - steps * LOAD_STEP };
}
