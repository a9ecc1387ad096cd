/** What the carving parts hand to the layer, and the bounds they share. */
import type { View } from "../../bytes/index.ts";
import type { Step } from "../../model/index.ts";

/** Something found by its structure: apply `steps` to the bytes at `start`. */
export interface Carved {
  /** In the offsets of the view that was searched. */
  readonly start: number;
  readonly length: number;
  readonly steps: readonly Step[];
  /** Name of what comes out, as `sniff` gives it. */
  readonly format: string;
}

/** A part of an artifact to search, and the artifact's bytes as a whole. */
export interface SearchArea {
  readonly view: View;
  readonly start: number;
  readonly end: number;
}

/** As much of an image as shows that it is one: headers, section table, the first section's first bytes. */
export const HEAD = 0x1000;
/** Things carved out of one artifact by one means; a file made of headers must not fill the ledger. */
export const MAX_CARVED = 256;
/** Places looked at closely by one means, in one artifact. */
export const MAX_CANDIDATES = 4096;

/** A means of carving that goes by single bytes: asked at each place where one of its marks stands. */
export interface MarkCarver {
  readonly marks: readonly number[];
  /** `at`: offset of a mark in the view. */
  carve(at: number, mark: number): void;
  readonly found: readonly Carved[];
}
