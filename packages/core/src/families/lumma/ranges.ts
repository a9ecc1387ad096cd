/** In which order an image is searched: data first, since every layout keeps its config there. */
import type { Image } from "../../formats/image.ts";

/**
 * Bytes [start, end) of an image's view. `phase`: offset modulo 8 of what is 8-aligned in memory, undefined where
 * the addresses are not known.
 */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly phase: number | undefined;
  readonly executable: boolean;
  /** May hold constants: not what is code alone. */
  readonly data: boolean;
}

/** Covers the whole view without overlap: data regions, code regions, then what no region claims (overlay, gaps). */
export function searchRanges(image: Image): readonly Range[] {
  const claimed: Range[] = [];
  // In a file what no region claims is an overlay; in memory it is a section whose header was changed.
  const isMemory = image.layout !== "file";
  // A region whose address is given; of an image the base is a multiple of a page.
  const isPlaced = image.layout !== "raw" || image.base > 0;
  const ordered = [...image.regions].sort((a, b) => Number(a.executable) - Number(b.executable));
  for (const { offset, size, rva, executable, writable } of ordered) {
    const end = Math.min(offset + size, image.view.length);
    const phase = isPlaced ? (offset - rva - image.base) & 7 : undefined;
    for (const part of without(offset, end, claimed))
      claimed.push({ ...part, phase, executable, data: !executable || writable });
  }
  for (const part of without(0, image.view.length, claimed))
    claimed.push({
      ...part,
      phase: isPlaced ? 0 : undefined,
      executable: true,
      data: isMemory,
    });
  return claimed;
}

/** What of [start, end) lies in none of `taken`. */
function without(start: number, end: number, taken: readonly Range[]): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  let at = start;
  for (const range of [...taken].sort((a, b) => a.start - b.start)) {
    if (range.end <= at || range.start >= end) continue;
    if (range.start > at) parts.push({ start: at, end: range.start });
    at = Math.max(at, range.end);
  }
  if (at < end) parts.push({ start: at, end });
  return parts;
}
