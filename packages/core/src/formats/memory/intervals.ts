/** Ranges of addresses made ascending and disjoint, whatever order and overlap they are listed in. */

export interface Interval {
  readonly address: bigint;
  /** Behind its last byte; at most 2^64. */
  readonly end: bigint;
}

/** Behind the last address. */
export const ADDRESS_END = 1n << 64n;

/** Behind the last byte of a range; one that goes past the last address ends there. */
export function endOf(address: bigint, size: bigint): bigint {
  const end = address + size;
  return end < ADDRESS_END ? end : ADDRESS_END;
}

/** A part of one of the listed intervals. */
export interface Piece extends Interval {
  /** Index of the interval in the list. */
  readonly owner: number;
}

export interface Disjoint {
  readonly pieces: readonly Piece[];
  /** Intervals that lost bytes to one listed before them. */
  readonly overlapped: ReadonlySet<number>;
}

/** Each address belongs to the first interval in the list that holds it. O(n log n). No interval may be empty. */
export function disjoint(intervals: readonly Interval[]): Disjoint {
  if (isDisjoint(intervals))
    return {
      pieces: intervals.map(({ address, end }, owner) => ({ address, end, owner })),
      overlapped: NONE,
    };
  return paint(intervals);
}

const NONE: ReadonlySet<number> = new Set();

function isDisjoint(intervals: readonly Interval[]): boolean {
  let end = 0n;
  for (const interval of intervals) {
    if (interval.address < end) return false;
    end = interval.end;
  }
  return true;
}

/** Cuts the addresses into cells at every border, and lets each interval take the cells that are still free. */
function paint(intervals: readonly Interval[]): Disjoint {
  const borders = bordersOf(intervals);
  const cells = borders.length;
  const owners = new Int32Array(cells).fill(-1);
  // From a cell to the next free one at or behind it, paths halved on the way.
  const next = Int32Array.from({ length: cells + 1 }, (_, i) => i);
  const free = (cell: number): number => {
    let at = cell;
    while (next[at] !== at) {
      const skip = next[next[at] as number] as number;
      next[at] = skip;
      at = skip;
    }
    return at;
  };
  const overlapped = new Set<number>();
  intervals.forEach(({ address, end }, owner) => {
    const first = cellOf(borders, address);
    const last = cellOf(borders, end);
    let taken = 0;
    for (let cell = free(first); cell < last; cell = free(cell)) {
      owners[cell] = owner;
      next[cell] = cell + 1;
      taken++;
    }
    if (taken < last - first) overlapped.add(owner);
  });

  const pieces: Piece[] = [];
  for (let cell = 0; cell < cells; ) {
    const owner = owners[cell] as number;
    let behind = cell + 1;
    while (behind < cells && owners[behind] === owner) behind++;
    if (owner >= 0)
      pieces.push({ address: borders[cell] as bigint, end: borders[behind] ?? ADDRESS_END, owner });
    cell = behind;
  }
  return { pieces, overlapped };
}

/** Every start and end, ascending, each once; 2^64 is not among them. */
function bordersOf(intervals: readonly Interval[]): BigUint64Array {
  const all = new BigUint64Array(intervals.length * 2);
  let count = 0;
  for (const { address, end } of intervals) {
    all[count++] = address;
    if (end < ADDRESS_END) all[count++] = end;
  }
  const sorted = all.subarray(0, count).sort();
  let kept = 0;
  for (let i = 0; i < count; i++)
    if (i === 0 || sorted[i] !== sorted[kept - 1]) sorted[kept++] = sorted[i] as bigint;
  return sorted.subarray(0, kept);
}

/** Index of a border; the count of borders for 2^64. */
function cellOf(borders: BigUint64Array, address: bigint): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((borders[middle] as bigint) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
