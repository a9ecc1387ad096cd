/** IMAGE_COR20_HEADER (ECMA-335 II.25.3.3), and the metadata roots that it would lead to. */
import { alignedWords, indexesOf, latin1Bytes, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import { ROOT_SIGNATURE } from "./metadata-root.ts";

export const CLI_HEADER_SIZE = 72;

/** How many `BSJB` are looked at; a single-file bundle in memory holds some dozens of modules. */
const MAX_ROOTS = 64;

export interface CliHeader {
  readonly metadataRva: number;
  readonly flags: number;
  readonly entryPointToken: number;
  readonly resourcesRva: number;
  readonly resourcesSize: number;
}

export const NO_CLI_HEADER: CliHeader = {
  metadataRva: 0,
  flags: 0,
  entryPointToken: 0,
  resourcesRva: 0,
  resourcesSize: 0,
};

export function readCliHeader(view: View, offset: number): CliHeader | undefined {
  const header = view.sub(offset, CLI_HEADER_SIZE);
  if (header === undefined) return undefined;
  const u32 = (at: number): number => header.u32(at) as number;
  return {
    metadataRva: u32(8),
    flags: u32(16),
    entryPointToken: u32(20),
    resourcesRva: u32(24),
    resourcesSize: u32(28),
  };
}

/**
 * Offsets where a metadata root may start, ascending. It is aligned to four bytes in memory (II.24.2.1), which the search
 * goes by where the address is known.
 */
export function findRoots({ view, layout, base }: AddressSpace): readonly number[] {
  const isPlaced = layout === "raw" && base > 0;
  const found = isPlaced
    ? alignedWords(view.bytes, ROOT_SIGNATURE, -base)
    : indexesOf(view.bytes, latin1Bytes("BSJB"));
  const offsets: number[] = [];
  for (const offset of found) {
    if (offsets.push(offset) === MAX_ROOTS) break;
  }
  return offsets;
}
