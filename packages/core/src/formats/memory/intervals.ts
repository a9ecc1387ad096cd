/** Ranges of addresses made ascending and disjoint, whatever order and overlap they are listed in. */

export interface Interval {
  readonly address: bigint;
  /** More than 2^53 only in what nobody believes anyway. */
  readonly size: number;
}

/** Behind the last address. */
export const ADDRESS_END = 1n << 64n;

/** Behind the last byte of an interval; one that goes past the last address ends there. */
export function endOf({ address, size }: Interval): bigint {
  const end = address + BigInt(size);
  return end < ADDRESS_END ? end : ADDRESS_END;
}

export interface Disjoint<T> {
  readonly parts: readonly T[];
  /** Intervals that lost bytes to one listed before them, by index; empty when none did. */
  readonly overlapped: readonly number[];
}

/**
 * Each address goes to the first interval in the list that holds it. `part` makes the piece of an interval that
 * begins at an address. O(n log n), and one pass when nothing is out of order, or none when that is `known`. No
 * interval may be empty.
 */
export function disjoint<T extends Interval>(
  intervals: readonly T[],
  part: (whole: T, address: bigint, size: number) => T,
  known = isDisjoint(intervals),
): Disjoint<T> {
  return known ? { parts: intervals, overlapped: [] } : paint(intervals, part);
}

function isDisjoint(intervals: readonly Interval[]): boolean {
  let end = 0n;
  for (const interval of intervals) {
    if (interval.address < end) return false;
    end = interval.address + BigInt(interval.size);
  }
  return end <= ADDRESS_END;
}

/** Cuts the addresses into cells at every border, and lets each interval take the cells that are still free. */
function paint<T extends Interval>(
  intervals: readonly T[],
  part: (whole: T, address: bigint, size: number) => T,
): Disjoint<T> {
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
  const overlapped: number[] = [];
  intervals.forEach((interval, owner) => {
    const first = cellOf(borders, interval.address);
    const last = cellOf(borders, endOf(interval));
    let taken = 0;
    for (let cell = free(first); cell < last; cell = free(cell)) {
      owners[cell] = owner;
      next[cell] = cell + 1;
      taken++;
    }
    if (taken < last - first) overlapped.push(owner);
  });

  const parts: T[] = [];
  for (let cell = 0; cell < cells; ) {
    const owner = owners[cell] as number;
    let behind = cell + 1;
    while (behind < cells && owners[behind] === owner) behind++;
    const address = borders[cell] as bigint;
    const whole = intervals[owner];
    if (whole !== undefined)
      parts.push(part(whole, address, Number((borders[behind] ?? ADDRESS_END) - address)));
    cell = behind;
  }
  return { parts, overlapped };
}

/** Every start and end, ascending, each once; 2^64 is not among them. */
function bordersOf(intervals: readonly Interval[]): BigUint64Array {
  const all = new BigUint64Array(intervals.length * 2);
  let count = 0;
  for (const interval of intervals) {
    const end = endOf(interval);
    all[count++] = interval.address;
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
