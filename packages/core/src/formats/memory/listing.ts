/** From the ranges that an image lists to the regions that it has. */
import type { ByteSource } from "../../bytes/index.ts";
import { ADDRESS_END, disjoint, type Interval } from "./intervals.ts";
import type { MemoryRegion } from "./model.ts";

/** Ranges read from one image: a 4 GiB process has a million pages. */
export const MAX_RANGES = 1 << 20;

export type Attributes = Pick<MemoryRegion, "protection" | "type" | "module">;

interface Listed extends Interval {
  readonly offset: number;
  readonly attributes: Attributes | undefined;
  /** May lie where another one lies: it lists bytes again that the image lists elsewhere. */
  readonly again: boolean;
}

/** What an image lists, clipped to what there is. */
export class Listing {
  readonly #source: ByteSource;
  readonly #listed: Listed[] = [];
  readonly #anomalies: string[];
  #missing = 0;
  #outside = 0;
  #wrapping = 0;

  constructor(source: ByteSource, anomalies: string[] = []) {
    this.#source = source;
    this.#anomalies = anomalies;
  }

  get count(): number {
    return this.#listed.length;
  }

  /** `size` bytes at `address`, at `offset` of the source. False when no more ranges are taken. */
  add(address: bigint, size: number, offset: number, attributes?: Attributes, again = false): boolean {
    if (this.#listed.length >= MAX_RANGES) return false;
    let held = Math.max(0, Math.min(size, this.#source.size - offset));
    if (held < size && !again) {
      this.#missing += size - held;
      this.#outside++;
    }
    const room = ADDRESS_END - address;
    if (BigInt(held) > room) {
      held = Number(room);
      this.#wrapping++;
    }
    if (held > 0) this.#listed.push({ address, end: address + BigInt(held), offset, attributes, again });
    return true;
  }

  /** Ascending and disjoint; the first listing of an address stands. */
  finish(): { readonly regions: MemoryRegion[]; readonly anomalies: string[]; readonly missing: number } {
    const anomalies = this.#anomalies;
    if (this.#outside > 0) anomalies.push(`${ranges(this.#outside)} not wholly in the file`);
    if (this.#wrapping > 0) anomalies.push(`${ranges(this.#wrapping)} beyond the last address, cut there`);
    const { pieces, overlapped } = disjoint(this.#listed);
    let overlaps = 0;
    for (const index of overlapped) if (this.#listed[index]?.again === false) overlaps++;
    if (overlaps > 0) anomalies.push(`${ranges(overlaps)} over others; the first listing stands`);

    const regions: MemoryRegion[] = [];
    let total = 0;
    for (const { address, end, owner } of pieces) {
      const listed = this.#listed[owner] as Listed;
      const size = Number(end - address);
      // No image says all its bytes twice. One that does would make a small file into terabytes of work.
      if ((total += size) > this.#source.size) {
        anomalies.push(
          "ranges that share bytes of the file are more than the file itself; the rest is left out",
        );
        break;
      }
      const offset = listed.offset + Number(address - listed.address);
      regions.push({ address, size, offset, ...listed.attributes });
    }
    return { regions, anomalies, missing: Math.min(this.#missing, Number.MAX_SAFE_INTEGER) };
  }
}

function ranges(count: number): string {
  return count === 1 ? "1 range lies" : `${count} ranges lie`;
}
