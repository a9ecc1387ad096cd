import type { View } from "../../bytes/index.ts";
import type { Layout, Region } from "../address-space.ts";
import { findPointerBase } from "../pointer-base.ts";
import { Space } from "../space.ts";
import {
  IMAGE_FILE_MACHINE_I386,
  IMAGE_SCN_MEM_EXECUTE,
  IMAGE_SCN_MEM_WRITE,
  PAGE_SIZE,
  SECTOR_SIZE,
} from "./constants.ts";
import type { Pe, Section } from "./model.ts";

const UNKNOWN = { name: "image", executable: true, writable: true };

/** Where Windows puts an image whose ImageBase is out of user space. */
const FALLBACK_BASE = 0x10000;

/**
 * The address space of a PE as the Windows loader would lay it out (MiCreateImageFileMap as documented in Windows
 * Internals, 7th edition, and Corkami's PE notes):
 *
 * - the headers map 1:1;
 * - an image of low alignment (SectionAlignment below a page) is the file itself, offset = RVA;
 * - otherwise PointerToRawData is rounded down to a sector, VirtualSize 0 means SizeOfRawData, and of the raw data as
 *   much is mapped as VirtualSize, rounded up to the section alignment, has room for.
 *
 * In a mapped view every offset is its RVA.
 */
export function peSpace(view: View, pe: Pe, layout: Layout, base?: number): Space {
  const own = baseOf(pe);
  const at = base ?? own;
  const find =
    pe.machine === IMAGE_FILE_MACHINE_I386
      ? (space: Space) => findPointerBase(space, at === own ? [at] : [at, own])
      : undefined;
  if (layout !== "file") return new Space(view, "mapped", at, regionsOf(view, pe, true), view.length, find);
  const low = isLowAlignment(pe);
  const regions = regionsOf(view, pe, low);
  return new Space(view, "file", at, regions, low ? flatEnd(view, pe) : undefined, find);
}

/** Windows takes such an image only when every section stands at the file offset that is its RVA. */
export function isLowAlignment(pe: Pe): boolean {
  return (
    pe.sectionAlignment > 0 &&
    pe.sectionAlignment < PAGE_SIZE &&
    pe.fileAlignment === pe.sectionAlignment &&
    pe.sections.every(
      (section) => section.sizeOfRawData === 0 || section.pointerToRawData === section.virtualAddress,
    )
  );
}

/** ImageBase when a number holds it and addresses above it exactly. */
function baseOf(pe: Pe): number {
  return pe.imageBase <= BigInt(Number.MAX_SAFE_INTEGER) - 0x1_0000_0000n
    ? Number(pe.imageBase)
    : FALLBACK_BASE;
}

function flatEnd(view: View, pe: Pe): number {
  let end = Math.max(pe.sizeOfImage, headersEnd(pe));
  for (const section of pe.sections) end = Math.max(end, section.virtualAddress + section.virtualSize);
  return Math.min(end, view.length);
}

/** End of what SizeOfHeaders or, when that is too small, the section table covers. */
function headersEnd(pe: Pe): number {
  return Math.max(pe.sizeOfHeaders, pe.lfanew + 24 + pe.sizeOfOptionalHeader + 40 * pe.sections.length);
}

/** Headers and sections with bytes in the view, ascending by RVA, each cut off where the next one starts. */
function regionsOf(view: View, pe: Pe, flat: boolean): readonly Region[] {
  const sections = pe.sections.filter((section) => !isWiped(section));
  const wanted = sections.map((section) => (flat ? flatRegion(section, pe) : fileRegion(section, pe)));
  wanted.push({
    name: "headers",
    rva: 0,
    offset: 0,
    size: headersEnd(pe),
    executable: false,
    writable: false,
  });
  // A section table wiped in memory: what stands behind the headers may be anything.
  if (flat && sections.length === 0)
    wanted.push({ ...UNKNOWN, rva: headersEnd(pe), offset: headersEnd(pe), size: view.length });
  wanted.sort((a, b) => a.rva - b.rva);
  const regions: Region[] = [];
  wanted.forEach((region, i) => {
    const next = wanted[i + 1];
    const room = next === undefined ? Number.POSITIVE_INFINITY : next.rva - region.rva;
    const size = Math.min(region.size, room, view.length - region.offset);
    if (size > 0) regions.push({ ...region, size });
  });
  return regions;
}

function isWiped(section: Section): boolean {
  return section.virtualAddress === 0 && section.virtualSize === 0 && section.sizeOfRawData === 0;
}

function fileRegion(section: Section, pe: Pe): Region {
  const hasData = section.pointerToRawData !== 0;
  const aligned = pe.fileAlignment >= SECTOR_SIZE;
  const offset = aligned
    ? section.pointerToRawData - (section.pointerToRawData % SECTOR_SIZE)
    : section.pointerToRawData;
  return {
    ...protection(section),
    offset,
    size: hasData ? Math.min(section.sizeOfRawData, virtualSize(section, pe)) : 0,
  };
}

function flatRegion(section: Section, pe: Pe): Region {
  return { ...protection(section), offset: section.virtualAddress, size: virtualSize(section, pe) };
}

function protection(section: Section) {
  return {
    name: section.name,
    rva: section.virtualAddress,
    executable: (section.characteristics & IMAGE_SCN_MEM_EXECUTE) !== 0,
    writable: (section.characteristics & IMAGE_SCN_MEM_WRITE) !== 0,
  };
}

function virtualSize(section: Section, pe: Pe): number {
  const size = section.virtualSize || section.sizeOfRawData;
  const unit = pe.sectionAlignment > 0 ? pe.sectionAlignment : PAGE_SIZE;
  return Math.ceil(size / unit) * unit;
}
