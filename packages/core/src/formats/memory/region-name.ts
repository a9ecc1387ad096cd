/** Base addresses that tools write into the names of the regions they dump. */

/** Patterns over a lower-case file name, in order; the first group is the base. */
const PATTERNS: readonly { readonly name: RegExp; readonly aligned: boolean }[] = [
  // `0x400000.bin`, `4711_0x400000_x.dmp`, `pid.1234.vad.0x400000-0x4fffff.dmp`, `71-5-0x0000000000400000-memory.dmp`.
  { name: /(?:^|[^0-9a-z])0x([0-9a-f]{1,16})(?![0-9a-z])/, aligned: false },
  // DRAKVUF: the address and sixteen digits of a hash.
  { name: /^([0-9a-f]{4,16})_[0-9a-f]{16}(?![0-9a-z])/, aligned: false },
  // pe-sieve: `400000.shc`, `7ff6a0000000.name.exe`, `10000.corrupt_dll`.
  { name: /^([0-9a-f]{5,16})\.(?:.*\.)?(?:corrupt_)?(?:exe|dll|sys|shc)$/, aligned: true },
  // `400000.bin`, `7ffff7dd0000-7ffff7dd1000.dump`. Shorter numbers are process ids.
  { name: /^([0-9a-f]{6,16})(?:-[0-9a-f]{6,16})?\./, aligned: true },
];
/** Names are longer than this only in jest. */
const MAX_NAME = 1024;

/**
 * The base in a file name, a path's last part: behind `0x`, or as DRAKVUF and pe-sieve name what they dump. A bare
 * number counts only when it is a page's address.
 */
export function baseOfName(path: string): bigint | undefined {
  const name = path
    .slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
    .slice(0, MAX_NAME)
    .toLowerCase();
  for (const pattern of PATTERNS) {
    const digits = pattern.name.exec(name)?.[1];
    if (digits === undefined) continue;
    const base = BigInt(`0x${digits}`);
    if (!pattern.aligned || (base > 0n && base % 0x1000n === 0n)) return base;
  }
  return undefined;
}
