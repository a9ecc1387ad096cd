/** Base addresses that tools write into the names of the regions they dump. */

/** As pe-sieve names what it dumps: `400000.shc`, `7ff6a0000000.name.exe`, `2340000.name.corrupt_dll`. */
const PE_SIEVE = /^([0-9a-f]{5,16})\.(?:.*\.)?(?:corrupt_)?(?:exe|dll|sys|pe|shc)$/;
/** `400000.bin`, `7ffff7dd0000-7ffff7dd1000.dump`. Shorter numbers are process ids. */
const BARE = /^([0-9a-f]{6,16})(?:-[0-9a-f]{6,16})?\.(?:bin|dump|dmp|mem|raw)$/;
/** `0x400000.bin`, `4711_0x400000_….dmp`, `pid.1234.vad.0x400000-0x4fffff.dmp`, `5-0x0000000000400000-memory.dmp`. */
const PREFIXED = /(?:^|[^0-9a-z])0x([0-9a-f]{1,16})(?![0-9a-z])/;
/** Names are longer than this only in jest. */
const MAX_NAME = 1024;

/**
 * The base in a file name (a path's last part): after `0x` at the first place where one stands by itself, or a bare
 * hexadecimal number at the start of a name as pe-sieve gives it, when it is a page's.
 */
export function baseOfName(path: string): bigint | undefined {
  const name = path
    .slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
    .slice(0, MAX_NAME)
    .toLowerCase();
  const prefixed = PREFIXED.exec(name)?.[1];
  if (prefixed !== undefined) return BigInt(`0x${prefixed}`);
  const bare = (PE_SIEVE.exec(name) ?? BARE.exec(name))?.[1];
  if (bare === undefined) return undefined;
  const base = BigInt(`0x${bare}`);
  return base !== 0n && base % 0x1000n === 0n ? base : undefined;
}
