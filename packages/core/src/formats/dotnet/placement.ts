/** Where the RVAs of a module lead whose headers are gone: its method bodies tell. */
import { indexesOf, type View } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import { LOAD_STEP, possibleLoads } from "../loads.ts";
import { CLI_HEADER_SIZE, type CliHeader, NO_CLI_HEADER, readCliHeader } from "./cli-header.ts";
import { ROOT_SIGNATURE } from "./metadata-root.ts";
import { bodyForm } from "./method-body.ts";
import { TABLE } from "./table-layout.ts";
import type { Tables } from "./tables.ts";

/** `cb` 72 and runtime version 2.5: how every compiler writes the header. */
const HEADER_START = Uint8Array.of(CLI_HEADER_SIZE, 0, 0, 0, 2, 0, 5, 0);
/** How many places that could be a CLI header are checked against a root. */
const MAX_HEADER_CANDIDATES = 64;
/** PE sections are laid out in multiples of this. */
const FILE_ALIGNMENT = 0x200;
/** MethodImplAttributes.CodeTypeMask: anything but 0 is not CIL (II.23.1.10). */
const CODE_TYPE_MASK = 0x3;

/** Methods whose bodies are looked at, spread over the table. */
const SAMPLES = 64;
/** Share of them that must look like bodies: obfuscators fill a table with bodies of nothing. */
const SHARE = 0.6;
/** Fewest that speak for a place which no CLI header names, unless one has a fat header; and first looks. */
const MIN_SAMPLES = 3;
const PROBES = 3;

export interface Placement {
  readonly header: CliHeader;
  /** What to take from an RVA to get an offset, where the space's own mapping does not lead there. */
  readonly delta: number | undefined;
}

/**
 * The CLI header of the root at `rootOffset` and where RVAs lead. A header belongs to the root when the space maps its
 * metadata RVA there, or else when the difference of RVA and offset leads to method bodies; without bodies to ask, the
 * difference must be whole sections, as in a file whose section table is lost. Without a header the one place counts
 * at which the bodies stand.
 */
export function placeModule(
  space: AddressSpace,
  tables: Tables,
  rootOffset: number,
  headers: readonly CliHeader[],
): Placement {
  const { view } = space;
  const rvas = sampleRvas(tables);
  const share = (delta: number | undefined): number => shareOfBodies(space, rvas, delta);
  let loose: Placement | undefined;
  for (const header of headers) {
    if (space.offsetOfRva(header.metadataRva) === rootOffset && (rvas.length === 0 || share(undefined) > 0))
      return { header, delta: undefined };
    const delta = header.metadataRva - rootOffset;
    if (share(delta) >= SHARE) return { header, delta };
    const mapped = space.offsetOfRva(header.metadataRva);
    const leadsElsewhere = mapped !== undefined && view.u32(mapped) === ROOT_SIGNATURE;
    if (delta > 0 && delta % FILE_ALIGNMENT === 0 && !leadsElsewhere) loose ??= { header, delta };
  }
  if (share(undefined) >= SHARE) return { header: NO_CLI_HEADER, delta: undefined };
  if (loose !== undefined) return loose;
  if (rvas.length === 0) return { header: NO_CLI_HEADER, delta: undefined };
  const probes = rvas.slice(0, PROBES);
  const { first, last } = possibleLoads(view.length, rvas);
  for (let delta = first; delta >= last; delta -= LOAD_STEP) {
    if (shareOfBodies(space, probes, delta) < 1 || share(delta) < SHARE) continue;
    const isTold = rvas.length >= MIN_SAMPLES || rvas.some((rva) => bodyForm(view, rva - delta) === "fat");
    if (isTold) return { header: NO_CLI_HEADER, delta };
  }
  return { header: NO_CLI_HEADER, delta: undefined };
}

/** What looks like a CLI header, wherever it stands. */
export function findHeaders(view: View): readonly CliHeader[] {
  const headers: CliHeader[] = [];
  for (const offset of indexesOf(view.bytes, HEADER_START)) {
    const header = readCliHeader(view, offset);
    if (header === undefined || headers.push(header) === MAX_HEADER_CANDIDATES) break;
  }
  return headers;
}

/** RVAs of CIL bodies, the smallest and the largest among them. */
function sampleRvas(tables: Tables): readonly number[] {
  const all: number[] = [];
  for (let rid = 1; rid <= tables.rowCount(TABLE.MethodDef); rid++) {
    const rva = tables.column(TABLE.MethodDef, rid, 0);
    if (rva !== 0 && (tables.column(TABLE.MethodDef, rid, 1) & CODE_TYPE_MASK) === 0) all.push(rva);
  }
  const step = Math.max(1, Math.floor(all.length / SAMPLES));
  return [...new Set(all.filter((_, i) => i % step === 0))];
}

function shareOfBodies(space: AddressSpace, rvas: readonly number[], delta: number | undefined): number {
  if (rvas.length === 0) return 0;
  let bodies = 0;
  for (const rva of rvas) {
    const offset = delta === undefined ? space.offsetOfRva(rva) : rva - delta;
    if (offset !== undefined && bodyForm(space.view, offset) !== undefined) bodies++;
  }
  return bodies / rvas.length;
}
