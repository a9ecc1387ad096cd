/** Long stretches of bytes that only repeat what stood before them: padding, and junk made of one block. */

export interface Repeat {
  /** Start of the first period. */
  readonly start: number;
  readonly end: number;
  /** 1 for a fill of one byte. */
  readonly period: number;
}

/** Shorter repeats are not looked for. */
export const MIN_REPEAT = 0x10_0000;
/** A repeat is looked for at every so many bytes: half the shortest, so that none is stepped over. */
const STRIDE = MIN_REPEAT / 2;
/** Bytes that must come again for a period to be tried. */
const PROBE = 32;
/** Periods up to this are tried at each stride; longer ones at a few places only. */
const SHORT_PERIOD = 0x1_0000;
const LONG_PERIOD = 0x100_0000;
const LONG_PROBES = 16;
/** Places compared for one probe, by its reach: a frequent first byte must not cost a scan. */
const TRIES_PER_BYTE = 1 / 128;
/** A probe for long periods has so many different bytes: repeats of poor blocks show a short period, or elsewhere. */
const MIN_VARIETY = 20;
/** A run of it is worth nothing below this many periods. */
const MIN_PERIODS = 4;
const MAX_REPEATS = 256;

/** The repeats of `MIN_REPEAT` bytes and more in [start, end), ascending. */
export function findRepeats(bytes: Uint8Array, start: number, end: number): readonly Repeat[] {
  const repeats: Repeat[] = [];
  const longStep = Math.max(1, Math.floor((end - start) / STRIDE / LONG_PROBES));
  const longest = Math.min(LONG_PERIOD, (end - start) / MIN_PERIODS);
  let floor = start;
  for (let at = start, n = 0; at + PROBE < end && repeats.length < MAX_REPEATS; at += STRIDE, n++) {
    const found =
      repeatAt(bytes, at, floor, end, SHORT_PERIOD) ??
      (n % longStep === 0 && isVaried(bytes, at) ? repeatAt(bytes, at, floor, end, longest) : undefined);
    if (found === undefined) continue;
    repeats.push(found);
    floor = found.end;
    at = Math.max(at, found.end - STRIDE);
  }
  return repeats;
}

function isVaried(bytes: Uint8Array, at: number): boolean {
  return new Set(bytes.subarray(at, at + PROBE)).size >= MIN_VARIETY;
}

function repeatAt(
  bytes: Uint8Array,
  at: number,
  floor: number,
  end: number,
  maxPeriod: number,
): Repeat | undefined {
  const window = bytes.subarray(at, Math.min(end, at + maxPeriod + PROBE));
  const first = window[0] as number;
  let tries = window.length * TRIES_PER_BYTE;
  for (let next = 1; tries > 0; ) {
    const period = nextProbe(window, next, first, tries);
    if (period < 0) return undefined;
    const to = sameUntil(bytes, at + period, period, end);
    if (to - at >= Math.max(MIN_PERIODS * period, STRIDE / 2)) {
      const from = sameSince(bytes, at, period, floor);
      return to - from >= MIN_REPEAT ? { start: from, end: to, period } : undefined;
    }
    // Within what has this period, others are its multiples and end where it ends (Fine and Wilf).
    tries -= Math.max(1, (period - next) * TRIES_PER_BYTE);
    next = Math.max(period + 1, to - at - period);
  }
  return undefined;
}

/** Where the probe at the window's start comes again, from `from` on; -1 when it does not, or not within `tries` places. */
function nextProbe(window: Uint8Array, from: number, first: number, tries: number): number {
  let left = tries;
  for (
    let period = window.indexOf(first, from);
    period > 0 && period + PROBE <= window.length && left-- > 0;
    period = window.indexOf(first, period + 1)
  ) {
    let same = 1;
    while (same < PROBE && window[same] === window[period + same]) same++;
    if (same === PROBE) return period;
  }
  return -1;
}

/** First offset from `from` on, up to `end`, whose byte is not the one a period before. */
function sameUntil(bytes: Uint8Array, from: number, period: number, end: number): number {
  // Four periods at most are a multiple of four: whole words can be compared, once they lie behind `from`.
  const back = period % 4 === 0 ? period : period % 2 === 0 ? 2 * period : 4 * period;
  let at = from;
  const slow = Math.min(end, from + back + 4);
  while (
    at < slow &&
    (bytes[at] !== bytes[at - period] || (bytes.byteOffset + at) % 4 !== 0 || at < from + back)
  ) {
    if (bytes[at] !== bytes[at - period]) return at;
    at++;
  }
  if (at < from + back || (bytes.byteOffset + at) % 4 !== 0) return at;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at - back, (end - at + back) >> 2);
  const step = back >> 2;
  let word = step;
  while (word + 4 <= words.length) {
    const differs =
      ((words[word] as number) ^ (words[word - step] as number)) |
      ((words[word + 1] as number) ^ (words[word + 1 - step] as number)) |
      ((words[word + 2] as number) ^ (words[word + 2 - step] as number)) |
      ((words[word + 3] as number) ^ (words[word + 3 - step] as number));
    if (differs !== 0) break;
    word += 4;
  }
  at += 4 * (word - step);
  while (at < end && bytes[at] === bytes[at - period]) at++;
  return at;
}

/** Lowest offset, not below `floor`, from which on up to `at` each byte is the one a period behind. */
function sameSince(bytes: Uint8Array, at: number, period: number, floor: number): number {
  let from = at;
  while (from > floor && bytes[from - 1] === bytes[from - 1 + period]) from--;
  return from;
}
