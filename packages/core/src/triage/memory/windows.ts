/** How a memory image is cut up for searching: windows over stretches of addresses, the likeliest first. */
import type { Family } from "../../families/family.ts";
import type { MemoryRegion, MemorySpace, Run } from "../../formats/index.ts";

/** Bytes of one window without what it repeats of the one before. */
export const WINDOW = 16 * 1024 * 1024;
/** Bytes that a window repeats at least. */
const MIN_OVERLAP = 64 * 1024;

/** Bytes that windows repeat, so that what straddles two stands whole in one: as many as any family's plain config takes up. */
export function overlapOf(families: readonly Family[]): number {
  return Math.max(MIN_OVERLAP, ...families.map((family) => family.traces?.reach ?? 0));
}

export interface Window {
  /** Of its first byte, the repeated ones included. */
  readonly address: bigint;
  readonly size: number;
  /** Bytes at its start that the window before has as well. */
  readonly repeated: number;
  /** The regions that it runs through, ascending. */
  readonly regions: readonly MemoryRegion[];
}

/** What lies in the folders of the system itself, under Windows, and under Linux for cores of programs that run there. */
const SYSTEM_FILE =
  /^(?:[a-z]:|\\\\\?\\[a-z]:|\\systemroot|\\device\\[^\\]+)?\\?windows\\|^\/(?:usr|lib|lib64|bin|sbin)\//i;

/** A mapped file of the system: looked at last, and not taken apart. */
export function isSystemFile(region: MemoryRegion | undefined): boolean {
  return region?.module !== undefined && region.type !== "private" && SYSTEM_FILE.test(region.module);
}

/** 0 for what unpackers allocate, 1 for heaps and stacks, 2 for the rest, 3 for files of the system. */
function rankOf(region: MemoryRegion): number {
  if (isSystemFile(region)) return 3;
  if (region.type === "image" || region.type === "mapped" || region.protection === undefined) return 2;
  if (region.protection.includes("x")) return 0;
  return region.protection.includes("w") ? 1 : 2;
}

/** All windows of the image, each repeating `overlap` bytes; each counts as its best region, and equals keep their order. */
export function planWindows(space: MemorySpace, overlap: number): Window[] {
  const planned: { readonly window: Window; readonly rank: number }[] = [];
  for (const run of space.runs()) {
    let first = 0;
    for (let from = 0; from < run.size; from += WINDOW) {
      const start = Math.max(0, from - overlap);
      const end = Math.min(from + WINDOW, run.size);
      while (endOf(run, first) <= start) first++;
      const regions: MemoryRegion[] = [];
      for (let i = first; i < run.regions.length && startOf(run, i) < end; i++)
        regions.push(run.regions[i] as MemoryRegion);
      const rank = Math.min(...regions.map(rankOf));
      const window = {
        address: run.address + BigInt(start),
        size: end - start,
        repeated: from - start,
        regions,
      };
      planned.push({ window, rank });
    }
  }
  return planned.sort((a, b) => a.rank - b.rank).map(({ window }) => window);
}

function startOf(run: Run, index: number): number {
  return Number((run.regions[index] as MemoryRegion).address - run.address);
}

function endOf(run: Run, index: number): number {
  return startOf(run, index) + (run.regions[index] as MemoryRegion).size;
}
