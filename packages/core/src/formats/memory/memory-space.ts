/** Reading a memory image by address, over regions that touch as over one. */
import type { MemoryImage, MemoryRegion } from "./model.ts";

/** Bytes that one read gives; what needs more goes through the regions in windows. */
export const MAX_READ = 256 * 1024 * 1024;

export interface MemoryBytes {
  /** A copy. */
  readonly bytes: Uint8Array;
  /** Where they lie in the image's source, in order; parts that follow each other there are one. */
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
}

/** A stretch of addresses without a gap, as long as it can be. */
export interface Run {
  readonly address: bigint;
  readonly size: number;
  readonly regions: readonly MemoryRegion[];
}

export class MemorySpace {
  readonly image: MemoryImage;

  constructor(image: MemoryImage) {
    this.image = image;
  }

  /** The region that holds the byte at `address`. */
  regionAt(address: bigint): MemoryRegion | undefined {
    return this.image.regions[this.#indexAt(address)];
  }

  /** `length` bytes when all of them are there and no more than MAX_READ. */
  read(address: bigint, length: number): MemoryBytes | undefined {
    if (!(length >= 0 && length <= MAX_READ) || this.#present(address, length) < length) return undefined;
    const read = this.#copy(address, length);
    return read.bytes.length === length ? read : undefined;
  }

  /** What there is from `address` on without a gap, up to `length` bytes and MAX_READ; empty when nothing is. */
  clip(address: bigint, length: number): MemoryBytes {
    return this.#copy(address, this.#present(address, Math.min(length, MAX_READ)));
  }

  /**
   * Fills `target` with what follows `address`, which must be present so far, and says where it lies in the source;
   * `length` is less than the target's when the source gives fewer bytes than it lists.
   */
  fill(
    address: bigint,
    target: Uint8Array,
  ): { readonly length: number; readonly spans: MemoryBytes["spans"] } {
    const spans: { offset: number; length: number }[] = [];
    let index = this.#indexAt(address);
    let at = address;
    let done = 0;
    while (done < target.length) {
      const region = this.image.regions[index++];
      if (region === undefined || region.address > at) break;
      const skip = Number(at - region.address);
      const wanted = Math.min(target.length - done, region.size - skip);
      const read = this.image.source.read(region.offset + skip, wanted);
      target.set(read, done);
      const last = spans.at(-1);
      if (last !== undefined && last.offset + last.length === region.offset + skip)
        last.length += read.length;
      else if (read.length > 0) spans.push({ offset: region.offset + skip, length: read.length });
      done += read.length;
      at += BigInt(read.length);
      if (read.length < wanted) break;
    }
    return { length: done, spans };
  }

  /** Every stretch of regions that touch, ascending. */
  *runs(): Iterable<Run> {
    const { regions } = this.image;
    for (let first = 0; first < regions.length; ) {
      const address = (regions[first] as MemoryRegion).address;
      let size = 0;
      let behind = first;
      let end = address;
      while (regions[behind]?.address === end) {
        const region = regions[behind++] as MemoryRegion;
        size += region.size;
        end += BigInt(region.size);
      }
      yield { address, size, regions: regions.slice(first, behind) };
      first = behind;
    }
  }

  /** Index of the region that holds `address`; -1 for none. */
  #indexAt(address: bigint): number {
    const { regions } = this.image;
    let low = 0;
    let high = regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((regions[middle] as MemoryRegion).address <= address) low = middle + 1;
      else high = middle;
    }
    const region = regions[low - 1];
    return region !== undefined && address < region.address + BigInt(region.size) ? low - 1 : -1;
  }

  /** Bytes that follow each other from `address` on, at most `length`. */
  #present(address: bigint, length: number): number {
    const { regions } = this.image;
    let index = this.#indexAt(address);
    if (index < 0) return 0;
    let there = 0;
    let at = address;
    while (there < length) {
      const region = regions[index++];
      if (region === undefined || region.address > at) break;
      const part = region.size - Number(at - region.address);
      there += part;
      at += BigInt(part);
    }
    return Math.max(0, Math.min(there, length));
  }

  /** Copies what is known to be present; fewer bytes when the source gives fewer. */
  #copy(address: bigint, length: number): MemoryBytes {
    const bytes = new Uint8Array(length);
    const { length: done, spans } = this.fill(address, bytes);
    return { bytes: bytes.subarray(0, done), spans };
  }
}
