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
  if (forFile === 0)
    forFile =
      filledShare(view, mappedGaps(pe)) - filledShare(view, fileGaps(pe)) + SIZE_WEIGHT * bySize(view, pe);
  if (forFile === 0 && pe.addressOfEntryPoint > 0)
    forFile =
      Number(passes(isCode, file, pe.addressOfEntryPoint)) -
      Number(passes(isCode, mapped, pe.addressOfEntryPoint));
  return forFile < 0 || (forFile === 0 && isFirstGapZero(view, pe)) ? "mapped" : "file";
}

/** What an exact size counts for beside shares of gaps. */
const SIZE_WEIGHT = 0.5;

/** 1 for as long as the sections' raw data reaches, -1 for as long as the image is in memory, 0 for any other length. */
function bySize(view: View, pe: Pe): number {
  const ends = pe.sections.map((section) => section.pointerToRawData + section.sizeOfRawData);
  const isFile = view.length === Math.max(0, ...ends);
  const isImage = view.length === Math.ceil(pe.sizeOfImage / PAGE_SIZE) * PAGE_SIZE;
  return Number(isFile) - Number(isImage);
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

type Gap = readonly [start: number, end: number];

/** What the loader leaves zero: behind the headers and behind each section, up to the next. */
function mappedGaps(pe: Pe): readonly Gap[] {
  const places = pe.sections
    .map((section): Gap => {
      const size = Math.max(section.virtualSize, section.sizeOfRawData);
      return [section.virtualAddress, section.virtualAddress + size];
    })
    .sort((a, b) => a[0] - b[0]);
  let end = pe.sizeOfHeaders;
  return places.map(([start, next]): Gap => {
    const gap: Gap = [end, start];
    end = Math.max(end, next);
    return gap;
  });
}

/** What the linker leaves zero: the rest of the last sector of each section. */
function fileGaps(pe: Pe): readonly Gap[] {
  return pe.sections.map(({ pointerToRawData: raw, virtualSize, sizeOfRawData }) => [
    raw + (raw > 0 && virtualSize > 0 ? virtualSize : sizeOfRawData),
    raw + sizeOfRawData,
  ]);
}

/** Zeros behind the headers where a file would have raw data. */
function isFirstGapZero(view: View, pe: Pe): boolean {
  const first = Math.min(...pe.sections.map((section) => section.virtualAddress));
  const isFilled = pe.sections.some(
    ({ pointerToRawData: at, sizeOfRawData }) => sizeOfRawData > 0 && at >= pe.sizeOfHeaders && at < first,
  );
  const gap: Gap = [pe.sizeOfHeaders, first];
  return isFilled && view.length > first && filledShare(view, [gap]) === 0;
}

/** Gaps that are looked at, and the bytes that make one worth it. */
const MAX_GAPS = 64;
const MIN_GAP = 16;

/** Share of the gaps in the view that hold anything but zeros. */
function filledShare(view: View, gaps: readonly Gap[]): number {
  const there = gaps
    .filter(([start, end]) => end - start >= MIN_GAP && start + MIN_GAP <= view.length)
    .slice(0, MAX_GAPS);
  const filled = there.filter(([start, end]) =>
    view.bytes.subarray(start, Math.min(end, start + PAGE_SIZE)).some((byte) => byte !== 0),
  );
  return filled.length / Math.max(1, there.length);
}

function isBetween(value: number | undefined, low: number, high: number): boolean {
  return value !== undefined && value >= low && value <= high;
}
