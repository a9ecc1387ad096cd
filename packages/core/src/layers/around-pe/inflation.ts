/** A PE blown up with padding or repeated junk: what to cut out of the file so that the image stays what it is. */
import { hex } from "../../bytes/index.ts";
import type { Image, Pe, Section } from "../../formats/index.ts";
import type { Step } from "../../model/index.ts";
import { certificateRange, type Range } from "./pe-overlay.ts";
import { findRepeats, MIN_REPEAT, type Repeat } from "./repeats.ts";

export interface Inflation {
  /** Ascending, in offsets of the image's view. */
  readonly cuts: readonly Range[];
  /** `cut` and `patch`: from the file to the image without them. */
  readonly steps: readonly Step[];
  /** Bytes cut out. */
  readonly removed: number;
  /** For people: where what was cut. */
  readonly what: readonly string[];
}

/** Cut from this much on, or from `MIN_REPEAT` on when it is half of the file. */
const MIN_REMOVED = 0x40_0000;
/** Sections are cut by pages, so that what is left keeps its addresses. */
const PAGE = 0x1000;
/** So much of a repeat is left in a section: the padding of what stands before it is part of that. */
const KEPT = 0x1_0000;
const SECTOR = 0x200;
/** A period that short is padding: nothing of it is kept in an overlay. */
const PADDING_PERIOD = 0x1000;
const SECTION_HEADER = 40;
const SECURITY_DIRECTORY = 4;

const known = new WeakMap<Image, { readonly inflation: Inflation | undefined }>();

/** What can be cut out of this image; undefined when it is no file of a PE, or not inflated. Asked again, it costs nothing. */
export function findInflation(image: Image): Inflation | undefined {
  let entry = known.get(image);
  if (entry === undefined) {
    entry = { inflation: measure(image) };
    known.set(image, entry);
  }
  return entry.inflation;
}

interface Cut extends Range {
  /** Index in the section table; undefined in the overlay. */
  readonly section: number | undefined;
  readonly period: number;
}

function measure(image: Image): Inflation | undefined {
  const { pe, view } = image;
  if (pe === undefined || image.layout !== "file" || view.length < MIN_REPEAT) return undefined;
  const repeats = findRepeats(view.bytes, Math.min(pe.sizeOfHeaders, view.length), view.length);
  if (repeats.length === 0) return undefined;
  const cuts = fitting(
    image,
    pe,
    repeats.flatMap((repeat) => cutsOf(image, pe, repeat)),
  );
  const removed = cuts.reduce((sum, cut) => sum + cut.end - cut.start, 0);
  if (removed < MIN_REMOVED && (removed < MIN_REPEAT || removed * 2 < view.length)) return undefined;
  return {
    cuts,
    removed,
    steps: [
      { op: "cut", params: { ranges: cuts.map((cut) => `${cut.start}+${cut.end - cut.start}`).join(",") } },
      { op: "patch", params: { writes: patches(image, pe, cuts) } },
    ],
    what: cuts.map((cut) => {
      const where = cut.section === undefined ? "overlay" : `section ${pe.sections[cut.section]?.name}`;
      const kind = cut.period === 1 ? "one byte" : `a block of ${cut.period} bytes`;
      return `${cut.end - cut.start} bytes of ${kind} repeated in ${where}`;
    }),
  };
}

/** The parts of a repeat that may go: of each section whole pages, of the overlay all but its first period. */
function cutsOf(image: Image, pe: Pe, repeat: Repeat): Cut[] {
  const cuts: Cut[] = [];
  let rawEnd = pe.sizeOfHeaders;
  pe.sections.forEach((section, index) => {
    const { pointerToRawData: raw, sizeOfRawData: size } = section;
    if (raw === 0 || size === 0) return;
    rawEnd = Math.max(rawEnd, raw + size);
    const end = Math.min(raw + size, image.view.length);
    const keepFrom = Math.max(repeat.start + Math.max(repeat.period, KEPT), raw) - raw;
    const start = raw + Math.ceil(keepFrom / PAGE) * PAGE;
    const to = repeat.end >= end ? end : raw + Math.floor((repeat.end - raw) / PAGE) * PAGE;
    const length = Math.floor((to - start) / SECTOR) * SECTOR;
    if (length >= PAGE) cuts.push({ start, end: start + length, section: index, period: repeat.period });
  });
  const table = certificateRange(image);
  const end = table !== undefined && table.start >= rawEnd ? Math.min(repeat.end, table.start) : repeat.end;
  const kept = repeat.period <= PADDING_PERIOD ? 0 : repeat.period;
  const start = Math.max(repeat.start + kept, rawEnd);
  // The certificate table is found at a multiple of eight.
  const length = Math.floor((end - start) / 8) * 8;
  if (length >= PAGE) cuts.push({ start, end: start + length, section: undefined, period: repeat.period });
  return cuts;
}

/** Without cuts that the section table has no room for: each within a section makes two sections of one. */
function fitting(image: Image, pe: Pe, cuts: readonly Cut[]): readonly Cut[] {
  const sorted = [...pe.sections]
    .filter((section) => section.pointerToRawData > 0 && section.sizeOfRawData > 0)
    .sort((a, b) => a.pointerToRawData - b.pointerToRawData);
  const isOverlapping = sorted.some((section, i) => {
    const next = sorted[i + 1];
    return next !== undefined && section.pointerToRawData + section.sizeOfRawData > next.pointerToRawData;
  });
  const tableEnd = tableStart(pe) + pe.sections.length * SECTION_HEADER;
  const firstRaw = Math.min(pe.sizeOfHeaders, ...sorted.map((section) => section.pointerToRawData));
  const free = image.view.clip(tableEnd, Math.max(0, firstRaw - tableEnd)).bytes;
  const used = free.findIndex((byte) => byte !== 0);
  let room = Math.floor((used < 0 ? free.length : used) / SECTION_HEADER);
  const kept = [...cuts]
    .sort((a, b) => b.end - b.start - (a.end - a.start))
    .filter((cut) => {
      if (cut.section === undefined) return true;
      if (isOverlapping) return false;
      return isAtEnd(pe.sections[cut.section], cut) || --room >= 0;
    });
  return kept.sort((a, b) => a.start - b.start);
}

function isAtEnd(section: Section | undefined, cut: Range): boolean {
  return section !== undefined && section.pointerToRawData + section.sizeOfRawData - cut.end < SECTOR;
}

function tableStart(pe: Pe): number {
  return pe.lfanew + 24 + pe.sizeOfOptionalHeader;
}

/** Section count, section table and certificate directory as they must be without the cuts: `offset:hex` with commas. */
function patches(image: Image, pe: Pe, cuts: readonly Cut[]): string {
  const before = (offset: number): number =>
    cuts.reduce((sum, cut) => sum + Math.max(0, Math.min(cut.end, offset) - cut.start), 0);
  const table: number[] = [];
  pe.sections.forEach((section, index) => {
    const header = image.view.clip(tableStart(pe) + index * SECTION_HEADER, SECTION_HEADER).bytes;
    for (const part of partsOf(
      section,
      cuts.filter((cut) => cut.section === index),
    ))
      table.push(...sectionHeader(header, { ...part, raw: part.raw - before(part.raw) }));
  });
  const writes = [
    `${pe.lfanew + 6}:${hex(u16(table.length / SECTION_HEADER))}`,
    `${tableStart(pe)}:${hex(Uint8Array.from(table))}`,
  ];
  const certificates = certificateRange(image);
  if (certificates !== undefined) {
    const at = pe.lfanew + 24 + (pe.is64 ? 112 : 96) + 8 * SECURITY_DIRECTORY;
    writes.push(`${at}:${hex(u32(certificates.start - before(certificates.start)))}`);
  }
  return writes.join(",");
}

interface Part {
  readonly rva: number;
  readonly virtualSize: number;
  readonly raw: number;
  readonly size: number;
}

/** One part more than cuts within the section; each reaches in memory to where the next one starts, as the loader asks. */
function partsOf(section: Section, cuts: readonly Range[]): Part[] {
  const { pointerToRawData: raw, sizeOfRawData: size, virtualAddress: rva } = section;
  const virtualSize = section.virtualSize || size;
  const parts: Part[] = [];
  let from = 0;
  for (const cut of cuts) {
    const isLast = isAtEnd(section, cut);
    const to = isLast ? Math.max(virtualSize, from) : cut.end - raw;
    parts.push({ rva: rva + from, virtualSize: to - from, raw: raw + from, size: cut.start - raw - from });
    from = cut.end - raw;
    if (isLast) return parts;
  }
  const rest = Math.max(virtualSize - from, 0) || size - from;
  parts.push({
    rva: rva + from,
    virtualSize: cuts.length === 0 ? section.virtualSize : rest,
    raw: raw + from,
    size: size - from,
  });
  return parts;
}

function sectionHeader(original: Uint8Array, part: Part): Uint8Array {
  const header = Uint8Array.from(original);
  header.set(u32(part.virtualSize), 8);
  header.set(u32(part.rva), 12);
  header.set(u32(part.size), 16);
  header.set(u32(part.raw), 20);
  return header;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff);
}
