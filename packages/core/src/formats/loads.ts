/**
 * Places at which bytes may have stood whose address nobody knows: for those who hold some addresses into them and can
 * tell the right place by what they find there.
 */

/** Raw data and addresses of a section are equal modulo this, in files and in memory. */
const ALIGNMENT = 0x200;
/** Places tried for one set of addresses: 16 MB of them. */
const MAX_LOADS = 0x8000;

/** Addresses of the first of `length` bytes under which all of `vas` lie inside, highest first. */
export function* possibleLoads(length: number, vas: readonly number[]): Generator<number> {
  const low = Math.min(...vas);
  const room = length - (Math.max(...vas) - low);
  for (let offset = low % ALIGNMENT, n = 0; offset < room && n < MAX_LOADS; offset += ALIGNMENT, n++)
    yield low - offset;
}
