/** IMAGE_COR20_HEADER (ECMA-335 II.25.3.3), and the metadata roots that it would lead to. */
import { indexesOf, latin1Bytes, type View } from "../../bytes/index.ts";

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

/** Offsets where a metadata root may start, ascending. */
export function findRoots(view: View): readonly number[] {
  const offsets: number[] = [];
  for (const offset of indexesOf(view.bytes, latin1Bytes("BSJB"))) {
    if (offsets.push(offset) === MAX_ROOTS) break;
  }
  return offsets;
}
