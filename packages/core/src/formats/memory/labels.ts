/** What an image says of addresses beside their bytes (protections, modules), laid over its regions. */
import { disjoint, endOf, type Interval } from "./intervals.ts";
import { type Draft, partOf } from "./listing.ts";
import type { MemoryModule, MemoryRegion } from "./model.ts";

/** Ranges of addresses, none empty, with what is said of each; in any order, and the first listing stands. */
export interface Labels<T> {
  readonly length: number;
  address(index: number): bigint;
  size(index: number): number;
  value(index: number): T;
}

/** What one range of MemoryInfoList says. */
export type MemoryInfo = Pick<MemoryRegion, "protection" | "type">;

/** Things that are intervals themselves, as labels; empty ones are left out. */
export function labelsOf<T extends Interval>(all: readonly T[]): Labels<T> {
  return labelsFrom(
    all.filter((one) => one.size > 0),
    (one) => one,
  );
}

function labelsFrom<E extends Interval, T>(list: readonly E[], read: (entry: E) => T): Labels<T> {
  // Indexes come from the walk below, which stays within `length`.
  const at = (index: number) => list[index] as E;
  return {
    length: list.length,
    address: (index) => at(index).address,
    size: (index) => at(index).size,
    value: (index) => read(at(index)),
  };
}

/** A region, or the part of one that lies under one label: which, and what it says. */
type Take<T> = (region: Draft, label: T | undefined, index: number) => void;

/**
 * Cuts regions, which are ascending and disjoint, where labels begin and end, and gives each part in turn with the
 * label that it lies under.
 */
export function cutByLabels<T>(regions: readonly Draft[], labels: Labels<T>, take: Take<T>): void {
  const pieces = ascending(labels);
  let next = 0;
  for (const region of regions) {
    const same =
      next < pieces.length && pieces.size(next) === region.size && pieces.address(next) === region.address;
    if (same) {
      take(region, pieces.value(next), next);
      next++;
    } else next = cutOne(region, pieces, next, take);
  }
}

/** Cuts one region by the pieces from `next` on; gives the index of the first piece that the next region may touch. */
function cutOne<T>(region: Draft, pieces: Labels<T>, first: number, take: Take<T>): number {
  let next = first;
  const end = endOf(region);
  let at = region.address;
  while (at < end) {
    let border = end;
    let inside = false;
    for (; next < pieces.length; next++) {
      const start = pieces.address(next);
      const behind = endOf({ address: start, size: pieces.size(next) });
      if (behind <= at) continue;
      inside = start <= at;
      border = inside ? behind : start;
      break;
    }
    const whole = border >= end && at === region.address;
    const stop = border < end ? border : end;
    const part = whole ? region : partOf(region, at, Number(stop - at));
    take(part, inside ? pieces.value(next) : undefined, inside ? next : -1);
    at = stop;
  }
  return next;
}

function ascending<T>(labels: Labels<T>): Labels<T> {
  let end = 0n;
  let i = 0;
  for (; i < labels.length && labels.address(i) >= end; i++)
    end = endOf({ address: labels.address(i), size: labels.size(i) });
  if (i === labels.length) return labels;
  const list = Array.from({ length: labels.length }, (_, index) => ({
    address: labels.address(index),
    size: labels.size(index),
    value: labels.value(index),
  }));
  const { parts } = disjoint(list, ({ value }, address, size) => ({ address, size, value }));
  return labelsFrom(parts, ({ value }) => value);
}

/** Protection and type by label; pages of one label that follow each other in memory and file become one region. */
export function withAttributes(regions: readonly Draft[], infos: Labels<MemoryInfo>): readonly Draft[] {
  if (infos.length === 0) return regions;
  const out: Draft[] = [];
  let before: Draft | undefined;
  let last = -1;
  cutByLabels(regions, infos, (region, info, index) => {
    if (before !== undefined && info !== undefined && index === last && follows(region, before)) {
      before.size += region.size;
      return;
    }
    region.protection = info?.protection;
    region.type = info?.type;
    out.push(region);
    before = region;
    last = index;
  });
  return out;
}

function follows(region: MemoryRegion, before: MemoryRegion): boolean {
  return region.offset === before.offset + before.size && region.address === endOf(before);
}

/** The module of each region; none where something else than an image lies at a module's addresses. */
export function withModules(regions: readonly Draft[], modules: readonly MemoryModule[]): readonly Draft[] {
  if (modules.length === 0) return regions;
  const out: Draft[] = [];
  cutByLabels(regions, labelsOf(modules), (region, module) => {
    if (region.type === undefined || region.type === "image") region.module = module?.name;
    out.push(region);
  });
  return out;
}
