import type { View } from "../../bytes/index.ts";
import type { Layout } from "../address-space.ts";
import type { Space } from "../space.ts";
import { DIRECTORY, PAGE_SIZE } from "./constants.ts";
import type { Pe } from "./model.ts";
import { printableName } from "./names.ts";
import { isLowAlignment, peSpace } from "./regions.ts";

/** Does what a data directory or the entry point leads to, look right under this address space? */
type Probe = (at: View, space: Space) => boolean;

/** Probe and weight by directory: what random bytes rarely pass weighs more. */
const PROBES: readonly (readonly [directory: number, weight: number, probe: Probe])[] = [
  [DIRECTORY.import, 4, (at, space) => printableName(space, at.u32(12) ?? 0) !== undefined],
  [DIRECTORY.export, 4, (at, space) => printableName(space, at.u32(12) ?? 0) !== undefined],
  [DIRECTORY.delayImport, 4, (at, space) => printableName(space, at.u32(4) ?? 0) !== undefined],
  [DIRECTORY.comDescriptor, 4, (at) => at.u32(0) === 72],
  [DIRECTORY.resource, 3, isResourceRoot],
  [DIRECTORY.baseReloc, 3, isRelocationBlock],
  [DIRECTORY.debug, 2, (at) => at.u32(0) === 0 && isBetween(at.u32(12), 1, 20)],
  [DIRECTORY.exception, 2, (at) => isBetween(at.u32(4), (at.u32(0) ?? 0) + 1, (at.u32(0) ?? 0) + 0x10_0000)],
];

/** Tells a file on disk from an image as the loader laid it out, by where the headers' addresses lead. */
export function guessLayout(view: View, pe: Pe): Layout {
  const filled = pe.sections.filter((section) => section.sizeOfRawData !== 0);
  const same =
    filled.length > 0 && filled.every((section) => section.pointerToRawData === section.virtualAddress);
  if (same || isLowAlignment(pe)) return "file";
  const file = peSpace(view, pe, "file");
  const mapped = peSpace(view, pe, "mapped");
  let forFile = 0;
  for (const [index, weight, probe] of PROBES) {
    const rva = pe.dataDirectories[index]?.virtualAddress ?? 0;
    if (rva === 0) continue;
    forFile += weight * (Number(passes(probe, file, rva)) - Number(passes(probe, mapped, rva)));
  }
  if (forFile === 0 && pe.addressOfEntryPoint > 0)
    forFile +=
      Number(passes(isCode, file, pe.addressOfEntryPoint)) -
      Number(passes(isCode, mapped, pe.addressOfEntryPoint));
  if (forFile !== 0) return forFile > 0 ? "file" : "mapped";
  return hasImageSize(view, pe) || gapIsZero(view, pe) ? "mapped" : "file";
}

/** As long as the image is in memory, and not as long as its file was. */
function hasImageSize(view: View, pe: Pe): boolean {
  const rawEnd = Math.max(
    0,
    ...pe.sections.map((section) => section.pointerToRawData + section.sizeOfRawData),
  );
  return view.length === Math.ceil(pe.sizeOfImage / PAGE_SIZE) * PAGE_SIZE && view.length !== rawEnd;
}

function passes(probe: Probe, space: Space, rva: number): boolean {
  const at = space.clipRva(rva, 64);
  return at !== undefined && probe(at, space);
}

function isResourceRoot(at: View): boolean {
  const named = at.u16(12) ?? 0;
  const numbered = at.u16(14) ?? 0;
  const first = at.u32(20) ?? 0;
  return (
    at.u32(0) === 0 && isBetween(named + numbered, 1, 4096) && first >= 0x8000_0010 && first < 0x8010_0000
  );
}

function isRelocationBlock(at: View): boolean {
  const size = at.u32(4) ?? 0;
  return (at.u32(0) ?? 1) % 0x1000 === 0 && isBetween(size, 8, 0x4000) && size % 2 === 0;
}

function isCode(at: View): boolean {
  return at.length >= 4 && at.bytes.subarray(0, 16).some((byte) => byte !== 0);
}

/** The loader leaves zeros between the headers and the first section; in a file, raw data stands there. */
function gapIsZero(view: View, pe: Pe): boolean {
  const first = Math.min(...pe.sections.map((section) => section.virtualAddress));
  const isFilled = pe.sections.some(
    ({ pointerToRawData: at, sizeOfRawData }) => sizeOfRawData > 0 && at >= pe.sizeOfHeaders && at < first,
  );
  const gap = view.clip(pe.sizeOfHeaders, first - pe.sizeOfHeaders).bytes;
  return isFilled && view.length > first && gap.length >= 0x200 && gap.every((byte) => byte === 0);
}

function isBetween(value: number | undefined, low: number, high: number): boolean {
  return value !== undefined && value >= low && value <= high;
}
