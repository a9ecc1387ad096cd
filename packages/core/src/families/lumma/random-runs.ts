/**
 * Finds where a run of bytes that look random can begin: a key, a nonce and ciphertext are one, amid the tables and
 * strings of .rdata. Code, text, tables and permutations are not; packed payloads are, but are far longer than a
 * config with its neighbours can be.
 *
 * First the number of distinct values in small windows, a few steps apart: random bytes have 15.6 in 16, 30.1 in 32,
 * 56.7 in 64 on average, and the thresholds lie four standard deviations below. Then, around what passes, Pearson's
 * chi-square of the whole run against equal frequencies, kept up to date byte by byte.
 */

/** A run of 424 bytes, two entries of a blob, has a window of 64 at a multiple of 352 inside wherever it begins. */
const STEP = 352;
const WINDOW = 64;
const WINDOW_MIN = 48;
const HALF_MIN = 25;
const QUARTER_MIN = 13;
/**
 * Chi-square with 255 degrees of freedom: mean 255, standard deviation 22.6. Tables lie far above, permutations (S-boxes,
 * character tables) far below.
 */
const CHI_MIN = 140;
const CHI_MAX = 420;

/** Offsets [start, end) at which a run of the wanted length begins. */
export interface Starts {
  readonly start: number;
  readonly end: number;
  /** Bytes of the random-looking surroundings that it lies in. */
  readonly island: number;
}

const seen = new Int32Array(256);
let stamp = 0;
const counts = new Int32Array(256);

/** Starts of runs of `length` random-looking bytes within [from, to), in islands of up to `maxIsland` bytes. */
export function randomStarts(
  bytes: Uint8Array,
  from: number,
  to: number,
  length: number,
  maxIsland: number,
): Starts[] {
  const starts: Starts[] = [];
  let start = -1;
  let end = -1;
  const flush = () => {
    if (start >= 0 && end - start >= length && end - start <= maxIsland)
      uniform(bytes, start, end, length, starts);
  };
  for (let at = from; at + WINDOW <= to; at += STEP) {
    if (!looksRandom(bytes, at)) continue;
    // A run around this window covers some of its neighbours too, wherever it begins.
    let low = at;
    while (low - WINDOW >= Math.max(from, end) && at - low < length && looksRandom(bytes, low - WINDOW))
      low -= WINDOW;
    let high = at + WINDOW;
    while (high + WINDOW <= to && looksRandom(bytes, high)) high += high - low > maxIsland ? STEP : WINDOW;
    high = Math.min(high, to);
    low = Math.max(from, low - WINDOW);
    if (low > end) {
      flush();
      start = low;
    }
    end = Math.min(to, high + WINDOW);
    while (at + STEP + WINDOW <= high) at += STEP;
  }
  flush();
  return starts;
}

function looksRandom(bytes: Uint8Array, at: number): boolean {
  // The stamp marks what this window has seen, so that the table need not be cleared.
  if (stamp === 0x7fffffff) {
    seen.fill(0);
    stamp = 0;
  }
  return repeatsFew(bytes, at, seen, ++stamp);
}

/** Gives up at the first value too many that was there before: most windows have one among their first bytes. */
function repeatsFew(bytes: Uint8Array, at: number, last: Int32Array, mark: number): boolean {
  let repeats = 0;
  let i = at;
  for (const end = at + WINDOW / 4; i < end; i++) {
    const value = bytes[i] as number;
    if (last[value] !== mark) last[value] = mark;
    else if (++repeats > WINDOW / 4 - QUARTER_MIN) return false;
  }
  for (const end = at + WINDOW / 2; i < end; i++) {
    const value = bytes[i] as number;
    if (last[value] !== mark) last[value] = mark;
    else if (++repeats > WINDOW / 2 - HALF_MIN) return false;
  }
  for (const end = at + WINDOW; i < end; i++) {
    const value = bytes[i] as number;
    if (last[value] !== mark) last[value] = mark;
    else if (++repeats > WINDOW - WINDOW_MIN) return false;
  }
  return true;
}

/** Adds the offsets in [from, to - length] whose `length` bytes have frequencies as random bytes have. */
function uniform(bytes: Uint8Array, from: number, to: number, length: number, into: Starts[]): void {
  const counted = counts;
  // chi-square = 256 / n * (sum of squared counts) - n
  const low = ((CHI_MIN + length) * length) / 256;
  const high = ((CHI_MAX + length) * length) / 256;
  counted.fill(0);
  let squares = 0;
  for (let i = from; i < from + length; i++) {
    const value = bytes[i] as number;
    const count = counted[value] as number;
    squares += 2 * count + 1;
    counted[value] = count + 1;
  }
  let open = -1;
  for (let at = from; ; at++) {
    if (squares >= low && squares <= high) {
      if (open < 0) open = at;
    } else if (open >= 0) {
      into.push({ start: open, end: at, island: to - from });
      open = -1;
    }
    if (at + length >= to) {
      if (open >= 0) into.push({ start: open, end: at + 1, island: to - from });
      return;
    }
    const leaving = bytes[at] as number;
    const left = counted[leaving] as number;
    squares -= 2 * left - 1;
    counted[leaving] = left - 1;
    const entering = bytes[at + length] as number;
    const count = counted[entering] as number;
    squares += 2 * count + 1;
    counted[entering] = count + 1;
  }
}

const KEY_MIN = 22;

/** True when the 32 bytes at `offset` may be a key: about as many distinct values as random bytes have. */
export function mayBeKey(bytes: Uint8Array, offset: number): boolean {
  if (offset < 0 || offset + 32 > bytes.length) return false;
  return new Set(bytes.subarray(offset, offset + 32)).size >= KEY_MIN;
}
