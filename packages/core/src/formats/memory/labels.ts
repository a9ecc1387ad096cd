/** What an image says of addresses beside their bytes (protections, modules), laid over its regions. */
import { disjoint, endOf, type Interval } from "./intervals.ts";
import type { MemoryRegion } from "./model.ts";

/** A part of a region under one label, or under none. */
interface Part<T> {
  readonly region: MemoryRegion;
  readonly label: T | undefined;
}

/**
 * Cuts regions, which are ascending and disjoint, where labels begin and end. Labels may come in any order and
 * overlap: the first listing stands.
 */
export function cutByLabels<T extends Interval>(
  regions: readonly MemoryRegion[],
  labels: readonly T[],
): Part<T>[] {
  const pieces = disjoint(labels).pieces;
  const parts: Part<T>[] = [];
  let next = 0;
  for (const region of regions) {
    const end = region.address + BigInt(region.size);
    let at = region.address;
    while (at < end) {
      let piece = pieces[next];
      while (piece !== undefined && piece.end <= at) piece = pieces[++next];
      const inside = piece !== undefined && piece.address <= at;
      const border = piece === undefined ? end : inside ? piece.end : piece.address;
      const stop = border < end ? border : end;
      const label = inside && piece !== undefined ? labels[piece.owner] : undefined;
      parts.push({ region: part(region, at, stop), label });
      at = stop;
    }
  }
  return parts;
}

function part(region: MemoryRegion, from: bigint, to: bigint): MemoryRegion {
  const size = Number(to - from);
  if (size === region.size) return region;
  return { ...region, address: from, size, offset: region.offset + Number(from - region.address) };
}

/** Protection and type by label; pages of one label that follow each other in memory and file become one region. */
export function withAttributes(
  regions: readonly MemoryRegion[],
  labels: readonly (Interval & Pick<MemoryRegion, "protection" | "type">)[],
): MemoryRegion[] {
  if (labels.length === 0) return [...regions];
  const out: MemoryRegion[] = [];
  let last: (typeof labels)[number] | undefined;
  for (const { region, label } of cutByLabels(regions, labels)) {
    const before = out.at(-1);
    if (before !== undefined && label !== undefined && label === last && follows(region, before))
      out[out.length - 1] = { ...before, size: before.size + region.size };
    else out.push(label === undefined ? region : { ...region, ...attributes(label) });
    last = label;
  }
  return out;
}

function attributes(label: Pick<MemoryRegion, "protection" | "type">): Partial<MemoryRegion> {
  return {
    ...(label.protection === undefined ? {} : { protection: label.protection }),
    ...(label.type === undefined ? {} : { type: label.type }),
  };
}

function follows(region: MemoryRegion, before: MemoryRegion): boolean {
  return (
    region.offset === before.offset + before.size && region.address === before.address + BigInt(before.size)
  );
}

/** The module of each region; none where something else than an image lies at a module's addresses. */
export function withModules(
  regions: readonly MemoryRegion[],
  modules: readonly { readonly name: string; readonly address: bigint; readonly size: number }[],
): MemoryRegion[] {
  const labels = modules
    .filter((module) => module.size > 0)
    .map(({ name, address, size }) => ({ module: name, address, end: endOf(address, BigInt(size)) }));
  if (labels.length === 0) return [...regions];
  return cutByLabels(regions, labels).map(({ region, label }) =>
    label === undefined || (region.type !== undefined && region.type !== "image")
      ? region
      : { ...region, module: label.module },
  );
}
