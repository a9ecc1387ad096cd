/**
 * Where an image's own pointers count from. A loader that moves an image rewrites its pointers, and often not its
 * ImageBase; a program that unpacks itself may copy an image without rewriting anything; and of a region alone nobody
 * says the address. The code tells: its pointers lead into the image, and many of them to the first byte of a text.
 */
import { codeOf, codePointers, sampleOf, textStarts } from "./pointers.ts";
import type { Space } from "./space.ts";

/** Code that is looked at first, in pieces; the rest only when this tells nothing. */
const SAMPLE_PIECES = 64;
const SAMPLE_SIZE = 0x1000;
/** So few pieces are enough where so many pointers of theirs lead into the image: nearly every file's do. */
const FIRST_PIECES = 4;
const FIRST_COUNT = 16;
/** A smaller share of the code's numbers leads into the image when it stands elsewhere. */
const FEW = 1 / 16;
/** Where somebody stated an address, so many of the numbers must lie within one image's reach to ask further. */
const CLUSTER = 1 / 8;
const MIN_CLUSTER = 4;
/** Images start at multiples of 64 KB, regions of them at pages. */
const PAGE = 0x1000;
const PAGES = 2 ** 32 / PAGE;
/** Pointers to texts that a place without a witness needs, and how many times those of the next best. */
const MIN_VOTES = 6;
const MARGIN = 2;
/** Pairs of pointer and text; a region of nothing but both would have billions. */
const MAX_VOTES = 1 << 22;

/**
 * The address of RVA 0 by the code's pointers: one of `stated` (the likelier first) unless next to nothing leads there,
 * else the one under which most pointers lead to texts, else undefined. 32-bit code only: in 64-bit code addresses
 * are relative.
 */
export function findPointerBase(space: Space, stated: readonly number[]): number | undefined {
  const { bytes } = space.view;
  const size = space.regions.reduce((end, region) => Math.max(end, region.rva + region.size), 0);
  const code = codeOf(bytes, space.regions);
  const first = codePointers(bytes, sampleOf(code, FIRST_PIECES, SAMPLE_SIZE));
  const clear = bestOf(stated, first, size);
  if (clear !== undefined && clear.count >= Math.max(FIRST_COUNT, first.length * FEW)) return clear.base;
  const sample = codePointers(bytes, sampleOf(code, SAMPLE_PIECES, SAMPLE_SIZE));
  const best = bestOf(stated, sample, size);
  if (best !== undefined && (best.count > sample.length * FEW || !isClustered(sample, size)))
    return best.base;
  const pointers = codePointers(bytes, code);
  const voted = vote(pointers, textStarts(bytes, space.regions));
  const isBetter =
    voted !== undefined &&
    (best === undefined || countInside(pointers, voted, size) > countInside(pointers, best.base, size));
  return isBetter ? voted : best?.base;
}

/** The base under which most of the pointers lead into the image; the first of equals. */
function bestOf(
  stated: readonly number[],
  pointers: readonly number[],
  size: number,
): { readonly base: number; readonly count: number } | undefined {
  return stated
    .map((base) => ({ base, count: countInside(pointers, base, size) }))
    .reduce<{ base: number; count: number } | undefined>(
      (a, b) => (a === undefined || b.count > a.count ? b : a),
      undefined,
    );
}

function countInside(pointers: readonly number[], base: number, size: number): number {
  let count = 0;
  for (const value of pointers) if (value >= base && value < base + size) count++;
  return count;
}

/** True when many of the numbers lie within `size` of each other, as pointers into one image do. */
function isClustered(numbers: readonly number[], size: number): boolean {
  const sorted = Float64Array.from(numbers).sort();
  const wanted = Math.max(MIN_CLUSTER, Math.ceil(sorted.length * CLUSTER));
  for (let i = 0; i + wanted <= sorted.length; i++)
    if ((sorted[i + wanted - 1] as number) - (sorted[i] as number) < size) return true;
  return false;
}

/** The base under which most pointers lead to a text's first byte. */
function vote(pointers: readonly number[], texts: readonly number[]): number | undefined {
  if (pointers.length < MIN_VOTES || texts.length < MIN_VOTES) return undefined;
  const byPlace: number[][] = Array.from({ length: PAGE }, () => []);
  for (const rva of texts) byPlace[rva % PAGE]?.push(rva);
  const votes = new Uint32Array(PAGES);
  let left = MAX_VOTES;
  for (const value of pointers) {
    const targets = byPlace[value % PAGE] ?? [];
    left -= targets.length;
    if (left < 0) break;
    for (const rva of targets) {
      const page = (value - rva) / PAGE;
      if (page > 0) votes[page] = (votes[page] as number) + 1;
    }
  }
  let best = 0;
  let most = 0;
  let next = 0;
  for (let page = 1; page < votes.length; page++) {
    const count = votes[page] as number;
    if (count <= next) continue;
    if (count > most) [best, most, next] = [page, count, most];
    else next = count;
  }
  return most >= MIN_VOTES && most >= MARGIN * next ? best * PAGE : undefined;
}
