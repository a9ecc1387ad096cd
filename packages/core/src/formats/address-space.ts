import type { View } from "../bytes/index.ts";

/** How an image's bytes relate to addresses. `file`: by section table; `mapped`: offset = RVA; `raw`: base + offset. */
export type Layout = "file" | "mapped" | "raw";

/** A run of an image's bytes with one protection: a section, the headers, or the whole of a raw region. */
export interface Region {
  readonly name: string;
  readonly rva: number;
  /** Offset in the image's view. */
  readonly offset: number;
  /** Bytes that are really there, in the view. */
  readonly size: number;
  /** Unknown (raw layout) counts as true. */
  readonly executable: boolean;
  readonly writable: boolean;
}

/** Addresses over bytes. All probing gives undefined for what is not mapped to bytes in the view. */
export interface AddressSpace {
  readonly view: View;
  readonly layout: Layout;
  /** Virtual address of RVA 0. User-space addresses fit a number exactly. */
  readonly base: number;
  readonly regions: readonly Region[];
  offsetOfRva(rva: number): number | undefined;
  rvaOfOffset(offset: number): number | undefined;
  offsetOfVa(va: number): number | undefined;
  vaOfOffset(offset: number): number | undefined;
  /** Exactly `length` bytes at a virtual address, when they lie in one region. */
  readVa(va: number, length: number): View | undefined;
  readRva(rva: number, length: number): View | undefined;
}
