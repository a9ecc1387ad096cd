/** What every kind of memory image is to the rest of the house: a list of regions over a source. */
import type { ByteSource } from "../../bytes/index.ts";

export type MemoryKind =
  | "minidump"
  /** CAPE's `memory/<pid>.dmp`. */
  | "cape-dump"
  | "elf-core"
  | "lime"
  /** Physical pages from address 0: no process, no virtual addresses. */
  | "raw"
  /** One run of bytes whose address somebody gave. */
  | "region";

/** A run of bytes with one address and one protection. */
export interface MemoryRegion {
  /** Address of its first byte: virtual, or physical where the image is of a whole machine. */
  readonly address: bigint;
  /** Bytes that the source holds of it. */
  readonly size: number;
  /** Offset in the source of the byte at `address`. */
  readonly offset: number;
  /** `rwx` with `-` for what is not allowed, as /proc/PID/maps writes it; undefined when the image does not say. */
  readonly protection?: string;
  /** MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE of winnt.h. */
  readonly type?: "private" | "mapped" | "image";
  /** File that is mapped here, as the image names it. */
  readonly module?: string;
}

export interface MemoryModule {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
}

export interface MemoryImage {
  readonly kind: MemoryKind;
  readonly source: ByteSource;
  /** Ascending by address, disjoint: where the image lists an address twice the first listing stands. */
  readonly regions: readonly MemoryRegion[];
  readonly modules: readonly MemoryModule[];
  /** Whose memory it is, as far as the image itself says. */
  readonly process?: { readonly name?: string; readonly pid?: number };
  readonly pointerSize?: 4 | 8;
  /** What is odd, in the words of a reason: overlapping ranges, a count that the file cannot hold. */
  readonly anomalies: readonly string[];
  /** Bytes that the image lists and the source does not hold: the image is a part of what it says it is. */
  readonly missing: number;
}
