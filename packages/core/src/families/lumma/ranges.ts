/** In which order an image is searched: data first, since every layout keeps its config there. */
import type { Image } from "../../formats/image.ts";

/** Bytes [start, end) of an image's view. `phase`: offset modulo 4 of what is 4-aligned in memory. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly phase: number;
}

/** Covers the whole view without overlap: data regions, code regions, then what no region claims (overlay, gaps). */
export function searchRanges(image: Image): readonly Range[] {
  const claimed: Range[] = [];
  const ordered = [...image.regions].sort((a, b) => Number(a.executable) - Number(b.executable));
  for (const region of ordered) {
    const end = Math.min(region.offset + region.size, image.view.length);
    const phase = (((region.offset - region.rva) % 4) + 4) % 4;
    for (const part of without(region.offset, end, claimed)) claimed.push({ ...part, phase });
  }
  for (const part of without(0, image.view.length, claimed)) claimed.push({ ...part, phase: 0 });
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
