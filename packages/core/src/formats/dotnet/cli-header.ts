/** IMAGE_COR20_HEADER (ECMA-335 II.25.3.3), and what stands in for it when it is gone. */
import { indexesOf, latin1Bytes, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import { ROOT_SIGNATURE } from "./metadata-root.ts";

const CLI_HEADER_SIZE = 72;

/** How many `BSJB` are looked at; a single-file bundle in memory holds some dozens of modules. */
const MAX_ROOTS = 64;

/** How many places that could be a CLI header are checked against a root. */
const MAX_HEADER_CANDIDATES = 64;

/** PE sections are laid out in multiples of this. */
const FILE_ALIGNMENT = 0x200;

/** `cb` 72 and runtime version 2.5: how every compiler writes the header. */
const HEADER_START = Uint8Array.of(0x48, 0, 0, 0, 2, 0, 5, 0);

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

/** Offsets where a metadata root may start, ascending. */
export function findRoots(view: View): readonly number[] {
  const offsets: number[] = [];
  for (const offset of indexesOf(view.bytes, latin1Bytes("BSJB"))) {
    if (offsets.push(offset) === MAX_ROOTS) break;
  }
  return offsets;
}

export interface FoundHeader {
  readonly header: CliHeader;
  /** What to take from an RVA to get an offset, where the space's own mapping does not lead to the root. */
  readonly delta: number | undefined;
}

/**
 * A CLI header that belongs to the root at `rootOffset`: either the space maps its metadata RVA there, or RVA and
 * offset differ by whole sections, as they do in a file whose section table is lost.
 */
export function findHeaderOf(space: AddressSpace, rootOffset: number): FoundHeader | undefined {
  let left = MAX_HEADER_CANDIDATES;
  let loose: FoundHeader | undefined;
  for (const offset of indexesOf(space.view.bytes, HEADER_START)) {
    if (left-- === 0) break;
    const header = readCliHeader(space.view, offset);
    if (header === undefined) break;
    if (space.offsetOfRva(header.metadataRva) === rootOffset) return { header, delta: undefined };
    const delta = header.metadataRva - rootOffset;
    const mapped = space.offsetOfRva(header.metadataRva);
    const leadsElsewhere = mapped !== undefined && space.view.u32(mapped) === ROOT_SIGNATURE;
    if (loose === undefined && delta > 0 && delta % FILE_ALIGNMENT === 0 && !leadsElsewhere)
      loose = { header, delta };
  }
  return loose;
}
