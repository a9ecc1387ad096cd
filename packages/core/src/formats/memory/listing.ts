/** From the ranges that an image lists to the regions that it has. */
import type { ByteSource } from "../../bytes/index.ts";
import { ADDRESS_END, disjoint } from "./intervals.ts";
import type { MemoryRegion } from "./model.ts";

/** Ranges read from one image: a 4 GiB process has a million pages. */
export const MAX_RANGES = 1 << 20;

/** A region in the making, which the reader that made it may still fill in. */
export type Draft = { -readonly [K in keyof MemoryRegion]: MemoryRegion[K] };

/** All fields in one order, so that a million of them have one shape. */
function draft(
  address: bigint,
  size: number,
  offset: number,
  protection: MemoryRegion["protection"],
  type: MemoryRegion["type"],
): Draft {
  return { address, size, offset, protection, type, module: undefined };
}

/** The part of a region that begins at an address. */
export function partOf(region: Draft, address: bigint, size: number): Draft {
  const offset = region.offset + Number(address - region.address);
  return draft(address, size, offset, region.protection, region.type);
}

/** What an image lists, clipped to what there is. */
export class Listing {
  readonly #source: ByteSource;
  readonly #listed: Draft[] = [];
  readonly #anomalies: string[];
  /** From this index on come ranges that the image lists again. */
  #again = Number.POSITIVE_INFINITY;
  /** Behind the last range, as long as each begins behind the one before. */
  #end: bigint | undefined = 0n;
  #missing = 0;
  #outside = 0;
  #wrapping = 0;

  constructor(source: ByteSource, anomalies: string[]) {
    this.#source = source;
    this.#anomalies = anomalies;
  }

  get count(): number {
    return this.#listed.length;
  }

  /** What is added from now on may lie over the rest in silence: it is what the image also lists elsewhere. */
  listAgain(): void {
    this.#again = this.#listed.length;
  }

  /** `size` bytes at `address`, at `offset` of the source. False when no more ranges are taken. */
  add(
    address: bigint,
    size: number,
    offset: number,
    protection?: MemoryRegion["protection"],
    type?: MemoryRegion["type"],
  ): boolean {
    const index = this.#listed.length;
    if (index >= MAX_RANGES) return false;
    let held = Math.max(0, Math.min(size, this.#source.size - offset));
    if (held < size && index < this.#again) {
      this.#missing += size - held;
      this.#outside++;
    }
    let end = address + BigInt(held);
    if (end > ADDRESS_END) {
      end = ADDRESS_END;
      held = Number(end - address);
      this.#wrapping++;
    }
    if (held === 0) return true;
    this.#listed.push(draft(address, held, offset, protection, type));
    this.#end = this.#end !== undefined && address >= this.#end ? end : undefined;
    return true;
  }

  /** Ascending and disjoint; the first listing of an address stands. */
  finish(): { readonly regions: readonly Draft[]; readonly missing: number } {
    if (this.#outside > 0) this.#anomalies.push(`${ranges(this.#outside)} not wholly in the file`);
    if (this.#wrapping > 0)
      this.#anomalies.push(`${ranges(this.#wrapping)} beyond the last address, cut there`);
    const ascending = this.#end !== undefined;
    const { parts, overlapped } = disjoint(this.#listed, partOf, ascending);
    const overlaps = overlapped.filter((index) => index < this.#again).length;
    if (overlaps > 0) this.#anomalies.push(`${ranges(overlaps)} over others; the first listing stands`);
    return { regions: this.#within(parts), missing: Math.min(this.#missing, Number.MAX_SAFE_INTEGER) };
  }

  /** No image says all its bytes twice: one that does would make a small file into terabytes of work. */
  #within(regions: readonly Draft[]): readonly Draft[] {
    let total = 0;
    const first = regions.findIndex(({ size }) => (total += size) > this.#source.size);
    if (first < 0) return regions;
    this.#anomalies.push(
      "ranges that share bytes of the file are more than the file itself; the rest is left out",
    );
    return regions.slice(0, first);
  }
}

function ranges(count: number): string {
  return count === 1 ? "1 range lies" : `${count} ranges lie`;
}
