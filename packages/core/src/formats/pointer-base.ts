/**
 * Where an image's own pointers count from. A loader that moves an image rewrites its pointers, and often not its
 * ImageBase; a program that unpacks itself may copy an image without rewriting anything; and of a region alone nobody
 * says the address. The code tells: its pointers lead into the image, and many of them to the first byte of a text.
 */
import { codePointers, MAX_POINTERS, textStarts } from "./pointers.ts";
import type { Space } from "./space.ts";

/** Pointers that are looked at first; the rest only when these tell nothing. */
const SAMPLE = 512;
/** Pointers that settle it between addresses that somebody stated, whatever share of all they are. */
const ENOUGH = 256;
/** A smaller share of the code's numbers leads into the image when it stands elsewhere. */
const FEW = 1 / 16;
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
  let best: { base: number; inside: number } | undefined;
  let pointers: readonly number[] = [];
  const inside = (base: number): number =>
    pointers.reduce((sum, value) => sum + Number(value >= base && value < base + size), 0);
  for (const limit of stated.length > 0 ? [SAMPLE, MAX_POINTERS] : [MAX_POINTERS]) {
    pointers = codePointers(bytes, space.regions, limit);
    best = undefined;
    for (const base of stated) {
      const count = inside(base);
      if (best === undefined || count > best.inside) best = { base, inside: count };
    }
    if (best !== undefined && (best.inside >= ENOUGH || best.inside > pointers.length * FEW))
      return best.base;
    if (pointers.length < limit) break;
  }
  const voted = vote(pointers, textStarts(bytes, space.regions));
  return voted !== undefined && inside(voted) > (best?.inside ?? 0) ? voted : best?.base;
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
  for (let page = 1; page < PAGES; page++) if ((votes[page] as number) > (votes[best] as number)) best = page;
  const most = votes[best] as number;
  votes[best] = 0;
  const next = votes.reduce((a, b) => Math.max(a, b), 0);
  return most >= MIN_VOTES && most >= MARGIN * next ? best * PAGE : undefined;
}
