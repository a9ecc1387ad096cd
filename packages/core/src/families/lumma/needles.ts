/**
 * Looks for several long texts in one pass over the sampled bytes: every needle of nine bytes or more has a pair of
 * neighbouring bytes at a multiple of eight, wherever it stands.
 */

const STRIDE = 8;
const MIN_LENGTH = STRIDE + 1;

interface Pair {
  readonly needle: number;
  readonly position: number;
}

export interface NeedleSet {
  readonly needles: readonly Uint8Array[];
  /** By byte pair: 1 + index into `pairs`, or 0. */
  readonly table: Uint16Array;
  readonly pairs: readonly (readonly Pair[])[];
}

/** Throws RangeError for a needle under nine bytes: needles are source code, not input. */
export function needleSet(needles: readonly Uint8Array[]): NeedleSet {
  const table = new Uint16Array(0x10000);
  const pairs: Pair[][] = [];
  needles.forEach((bytes, needle) => {
    if (bytes.length < MIN_LENGTH)
      throw new RangeError(`needle of ${bytes.length} bytes; ${MIN_LENGTH} needed`);
    for (let position = 0; position < STRIDE; position++) {
      const pair = (bytes[position] as number) | ((bytes[position + 1] as number) << 8);
      if (table[pair] === 0) table[pair] = pairs.push([]);
      pairs[(table[pair] as number) - 1]?.push({ needle, position });
    }
  });
  return { needles, table, pairs };
}

/** Offsets of each needle, ascending; `MAX_HITS` of one needle at most. */
export function findNeedles(bytes: Uint8Array, set: NeedleSet): number[][] {
  const { table, pairs, needles } = set;
  const hits: number[][] = needles.map(() => []);
  const end = bytes.length - 1;
  for (let at = 0; at < end; at += STRIDE) {
    const pair = table[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)] as number;
    if (pair === 0) continue;
    for (const { needle, position } of pairs[pair - 1] ?? []) {
      const list = hits[needle] as number[];
      if (list.length < MAX_HITS && standsAt(bytes, needles[needle] as Uint8Array, at - position))
        list.push(at - position);
    }
  }
  return hits;
}

/** A file may repeat a needle as often as it likes; nobody needs more than these. */
const MAX_HITS = 64;

function standsAt(bytes: Uint8Array, needle: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i++) if (bytes[offset + i] !== needle[i]) return false;
  return true;
}
