/** Passing over zeros: in memory whole pages are, by the gigabyte. */

/** Bytes that are called zero or not as one: a page. */
const UNIT = 0x1000;

/**
 * Runs [start, end) of [from, to) that hold anything but zeros, cut at multiples of 4,096 bytes from `from`. Passing over
 * a zero costs a fifth of what a native search of it does.
 */
export function* dataRuns(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): Generator<readonly [start: number, end: number]> {
  // Words of the bytes: number 0 begins `lead` bytes before the first byte that is aligned.
  const lead = (4 - (bytes.byteOffset % 4)) % 4;
  const words =
    bytes.length < lead + 4
      ? new Int32Array(0)
      : new Int32Array(bytes.buffer, bytes.byteOffset + lead, (bytes.length - lead) >> 2);
  let open = -1;
  for (let at = from; at < to; at += UNIT) {
    const isData = !isZero(bytes, words, lead, at, Math.min(at + UNIT, to));
    if (isData && open < 0) open = at;
    else if (!isData && open >= 0) {
      yield [open, at];
      open = -1;
    }
  }
  if (open >= 0) yield [open, to];
}

function isZero(bytes: Uint8Array, words: Int32Array, lead: number, start: number, end: number): boolean {
  let at = start;
  // Up to three bytes before the first whole word, as many behind the last.
  while (at < end && ((at - lead) & 3) !== 0) if (bytes[at++] !== 0) return false;
  let word = (at - lead) >> 2;
  const last = Math.max(word, (end - lead) >> 2);
  for (; word + 4 <= last; word += 4) {
    const four =
      (words[word] as number) |
      (words[word + 1] as number) |
      (words[word + 2] as number) |
      (words[word + 3] as number);
    if (four !== 0) return false;
  }
  for (at = Math.max(at, word * 4 + lead); at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
