/**
 * Looks for several long texts in one pass over sampled bytes: a needle of n + 1 bytes or more has a pair of
 * neighbouring bytes at a multiple of n, wherever it stands.
 */

/** Below this a pass costs more than a search for each needle. */
const MIN_LENGTH = 9;
/** A file may repeat a needle as often as it likes; nobody needs more places than these. */
const MAX_HITS = 64;

export interface NeedleSet {
  readonly needles: readonly Uint8Array[];
  /** Bytes from one pair to the next: one less than the shortest needle has. */
  readonly stride: number;
  /** One bit for each byte pair that a needle has at one of its first `stride` positions. */
  readonly filter: Uint8Array;
  /** The pairs themselves, ascending, with the needle and the position of each. */
  readonly pairs: Uint16Array;
  readonly owners: Uint8Array;
  readonly positions: Uint8Array;
}

/** Throws RangeError for a needle under nine bytes: needles are source code, not input. */
export function needleSet(needles: readonly Uint8Array[]): NeedleSet {
  const stride = Math.min(...needles.map((bytes) => bytes.length)) - 1;
  const rows: { pair: number; owner: number; position: number }[] = [];
  needles.forEach((bytes, owner) => {
    if (bytes.length < MIN_LENGTH)
      throw new RangeError(`needle of ${bytes.length} bytes; ${MIN_LENGTH} needed`);
    for (let position = 0; position < stride; position++)
      rows.push({
        pair: (bytes[position] as number) | ((bytes[position + 1] as number) << 8),
        owner,
        position,
      });
  });
  rows.sort((a, b) => a.pair - b.pair);
  const filter = new Uint8Array(0x10000 / 8);
  for (const { pair } of rows) filter[pair >> 3] = (filter[pair >> 3] as number) | (1 << (pair & 7));
  return {
    needles,
    stride,
    filter,
    pairs: Uint16Array.from(rows, (row) => row.pair),
    owners: Uint8Array.from(rows, (row) => row.owner),
    positions: Uint8Array.from(rows, (row) => row.position),
  };
}

/** Offsets of each needle, ascending, `MAX_HITS` of one needle at most. */
export function findNeedles(bytes: Uint8Array, set: NeedleSet): number[][] {
  const { filter, stride } = set;
  const hits: number[][] = set.needles.map(() => []);
  const end = bytes.length - 1;
  for (let at = 0; at < end; at += stride) {
    const pair = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    if ((((filter[pair >> 3] as number) >> (pair & 7)) & 1) !== 0) collect(bytes, set, at, pair, hits);
  }
  return hits;
}

function collect(bytes: Uint8Array, set: NeedleSet, at: number, pair: number, hits: number[][]): void {
  const { pairs, owners, positions, needles } = set;
  for (let row = pairs.indexOf(pair); pairs[row] === pair; row++) {
    const owner = owners[row] as number;
    const offset = at - (positions[row] as number);
    const list = hits[owner] as number[];
    if (list.length < MAX_HITS && standsAt(bytes, needles[owner] as Uint8Array, offset)) list.push(offset);
  }
}

function standsAt(bytes: Uint8Array, needle: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + needle.length > bytes.length) return false;
  // From its end: the pair that led here is at its beginning.
  for (let i = needle.length - 1; i >= 0; i--) if (bytes[offset + i] !== needle[i]) return false;
  return true;
}
