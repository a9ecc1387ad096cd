/**
 * Finds the runs of bytes that look random, and are no longer than a config with its neighbours can be. A key, a nonce
 * and ciphertext are such a run amid the tables and strings of .rdata; code, text, tables and pointers are not, and
 * packed payloads are far longer.
 *
 * Measure: the number of distinct byte values in a window. In random bytes a window of 16 has 15.6 on average, one of
 * 32 has 30.1, one of 64 has 56.7; the thresholds lie four to five standard deviations below.
 */

const STEP = 256;
const WINDOW = 64;
const WINDOW_MIN = 48;
const HALF_MIN = 25;
const QUARTER_MIN = 13;
/** A window may fail by chance, so that a run is looked for one step around every window that does not. */
const MARGIN = STEP + WINDOW;
const FINE_WINDOW = 32;
const FINE_MIN = 22;

export interface Run {
  readonly start: number;
  readonly end: number;
}

const seen = new Int32Array(256);
let stamp = 0;
const counts = new Uint8Array(256);

/** Runs of `minLength` to `maxLength` bytes within [start, end), ascending. */
export function randomRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  minLength: number,
  maxLength: number,
): Run[] {
  const runs: Run[] = [];
  let from = -1;
  let to = -1;
  const flush = () => {
    if (from >= 0 && to - from <= maxLength + 2 * MARGIN)
      fineRuns(bytes, from, to, minLength, maxLength, runs);
  };
  for (let at = start; at + WINDOW <= end; at += STEP) {
    if (!looksRandom(bytes, at)) continue;
    const low = Math.max(start, at - MARGIN);
    const high = Math.min(end, at + WINDOW + MARGIN);
    if (low > to) {
      flush();
      from = low;
    }
    to = high;
  }
  flush();
  return runs;
}

function looksRandom(bytes: Uint8Array, at: number): boolean {
  // The stamp marks what this window has seen, so that the table need not be cleared.
  if (stamp === 0x7fffffff) {
    seen.fill(0);
    stamp = 0;
  }
  const mark = ++stamp;
  let distinct = 0;
  let i = at;
  for (const end = at + WINDOW / 4; i < end; i++) {
    const value = bytes[i] as number;
    distinct += seen[value] === mark ? 0 : 1;
    seen[value] = mark;
  }
  if (distinct < QUARTER_MIN) return false;
  for (const end = at + WINDOW / 2; i < end; i++) {
    const value = bytes[i] as number;
    distinct += seen[value] === mark ? 0 : 1;
    seen[value] = mark;
  }
  if (distinct < HALF_MIN) return false;
  for (const end = at + WINDOW; i < end; i++) {
    const value = bytes[i] as number;
    distinct += seen[value] === mark ? 0 : 1;
    seen[value] = mark;
  }
  return distinct >= WINDOW_MIN;
}

/** Maximal runs in [start, end) in which every window of 32 bytes has at least `FINE_MIN` distinct values. */
function fineRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  minLength: number,
  maxLength: number,
  into: Run[],
): void {
  counts.fill(0);
  let distinct = 0;
  let from = -1;
  const close = (to: number) => {
    if (from >= 0 && to - from >= minLength && to - from <= maxLength) into.push({ start: from, end: to });
    from = -1;
  };
  for (let next = start; next < end; next++) {
    const entering = bytes[next] as number;
    if (counts[entering] === 0) distinct++;
    counts[entering] = (counts[entering] as number) + 1;
    const first = next - FINE_WINDOW + 1;
    if (first < start) continue;
    if (distinct < FINE_MIN) close(next);
    else if (from < 0) from = first;
    const leaving = bytes[first] as number;
    counts[leaving] = (counts[leaving] as number) - 1;
    if (counts[leaving] === 0) distinct--;
  }
  close(end);
}

/** True when the 32 bytes at `offset` may be a key: as many distinct values as random bytes have. */
export function mayBeKey(bytes: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + 32 > bytes.length) return false;
  return new Set(bytes.subarray(offset, offset + 32)).size >= FINE_MIN;
}
