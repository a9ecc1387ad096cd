/**
 * Looks for several long texts in one pass over sampled bytes: a needle of n + 3 bytes or more has four neighbouring
 * bytes at a multiple of n, wherever it stands.
 */

const SAMPLE = 4;
/** Below this a pass costs more than a search for each needle. */
const MIN_LENGTH = 9;
/** A file may repeat a needle as often as it likes; nobody needs more places than these. */
const MAX_HITS = 64;
/** Small enough to stay in the first cache; of random bytes one in a hundred passes it. */
const FILTER_BITS = 13;
/** Of Knuth's multiplicative hash the high bits count. */
const HASH_SHIFT = 32 - FILTER_BITS;

interface Row {
  readonly owner: number;
  readonly position: number;
}

export interface NeedleSet {
  readonly needles: readonly Uint8Array[];
  /** Bytes from one sample to the next: as many as the shortest needle has places for one. */
  readonly stride: number;
  /** By hash of four bytes, whether a needle has them at one of its first `stride` positions. */
  readonly filter: Uint8Array;
  /** The four bytes as a number → which needles have them where. */
  readonly rows: ReadonlyMap<number, readonly Row[]>;
}

/** Throws RangeError for a needle under nine bytes: needles are source code, not input. */
export function needleSet(needles: readonly Uint8Array[]): NeedleSet {
  for (const { length } of needles)
    if (length < MIN_LENGTH) throw new RangeError(`needle of ${length} bytes; ${MIN_LENGTH} needed`);
  const stride = Math.min(...needles.map((needle) => needle.length)) - SAMPLE + 1;
  const filter = new Uint8Array(1 << FILTER_BITS);
  const rows = new Map<number, Row[]>();
  needles.forEach((needle, owner) => {
    for (let position = 0; position < stride; position++) {
      const four = fourAt(needle, position);
      filter[Math.imul(four, 0x9e37_79b1) >>> HASH_SHIFT] = 1;
      const known = rows.get(four);
      if (known === undefined) rows.set(four, [{ owner, position }]);
      else known.push({ owner, position });
    }
  });
  return { needles, stride, filter, rows };
}

/** Offsets of each needle, ascending, `MAX_HITS` of one needle at most. */
export function findNeedles(bytes: Uint8Array, { needles, stride, filter, rows }: NeedleSet): number[][] {
  const hits: number[][] = needles.map(() => []);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (
    let at = nextSample(data, 0, stride, filter);
    at >= 0;
    at = nextSample(data, at + stride, stride, filter)
  ) {
    for (const { owner, position } of rows.get(data.getInt32(at, true)) ?? []) {
      const list = hits[owner] as number[];
      const offset = at - position;
      if (list.length < MAX_HITS && standsAt(bytes, needles[owner] as Uint8Array, offset)) list.push(offset);
    }
  }
  return hits;
}

/** The next of the places `from`, `from + stride`, … whose four bytes pass the filter; -1 when there is none. */
function nextSample(data: DataView, from: number, stride: number, filter: Uint8Array): number {
  const end = data.byteLength - SAMPLE;
  const shift = HASH_SHIFT;
  for (let at = from; at <= end; at += stride)
    if (filter[Math.imul(data.getInt32(at, true), 0x9e37_79b1) >>> shift] === 1) return at;
  return -1;
}

function fourAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function standsAt(bytes: Uint8Array, needle: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + needle.length > bytes.length) return false;
  // From its end: the four bytes that led here are at its beginning.
  for (let i = needle.length - 1; i >= 0; i--) if (bytes[offset + i] !== needle[i]) return false;
  return true;
}
