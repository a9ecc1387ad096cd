/**
 * IMAGE_NT_HEADERS known by structure, for those who look for them anywhere: Machine, SizeOfOptionalHeader and Magic
 * that go together, then the alignments, sizes and sections that a loader can make something of.
 */
import type { View } from "../../bytes/index.ts";
import {
  IMAGE_DOS_SIGNATURE,
  IMAGE_NT_OPTIONAL_HDR64_MAGIC,
  IMAGE_NT_SIGNATURE,
  MACHINES,
} from "./constants.ts";

/** Low byte of IMAGE_NT_OPTIONAL_HDR32_MAGIC and HDR64_MAGIC, 0x10b and 0x20b: one byte to look for. */
export const MAGIC_LOW = 0x0b;
/** Offsets from the PE signature: FileHeader.SizeOfOptionalHeader and OptionalHeader.Magic. */
export const OPTIONAL_SIZE_AT = 20;
export const MAGIC_AT = 24;
/** Bytes that are looked at to call headers sound, from the PE signature on: up to NumberOfRvaAndSizes of PE32+. */
const SOUND_SIZE = 24 + 112;

/** e_lfanew in IMAGE_DOS_HEADER; linkers, and loaders that are honest, keep it below a page. */
export const LFANEW_AT = 0x3c;
export const MAX_LFANEW = 0x1000;
const DOS_HEADER_SIZE = 0x40;

/** Windows' limit of old; no linker makes more. */
const MAX_SECTIONS = 96;
/** Larger than any image of user space. */
const MAX_IMAGE = 0x7fff_0000;
const SECTION_SIZE = 40;

/** Offset of the PE signature, there or erased, of the headers whose Magic is at `magic`; -1 when there are none. */
export function ntHeadersAt(bytes: Uint8Array, magic: number): number {
  const high = bytes[magic + 1];
  if (bytes[magic] !== MAGIC_LOW || (high !== 1 && high !== 2)) return -1;
  const lfanew = magic - MAGIC_AT;
  if (lfanew < 0 || bytes[lfanew + OPTIONAL_SIZE_AT + 1] !== 0) return -1;
  const machine = (bytes[lfanew + 4] as number) | ((bytes[lfanew + 5] as number) << 8);
  return fitsMagic(bytes[lfanew + OPTIONAL_SIZE_AT] as number, high) && MACHINES.has(machine) ? lfanew : -1;
}

/** True for a SizeOfOptionalHeader of whole data directories, 16 at most; `magicHigh` 1 for PE32, 2 for PE32+. */
export function fitsMagic(size: number, magicHigh: number): boolean {
  const fixed = magicHigh === 2 ? 112 : 96;
  return size >= fixed && (size - fixed) % 8 === 0 && size <= fixed + 128;
}

/**
 * True when what the headers at `lfanew` say holds together. Section headers that are wiped or behind the view's end
 * say nothing; those that are there must ascend within SizeOfImage. `least`: the fewest sections that they may name.
 */
export function areSound(view: View, lfanew: number, least = 1): boolean {
  if (!view.has(lfanew, SOUND_SIZE)) return false;
  const u32 = (at: number): number => view.u32(lfanew + at) as number;
  const sectionAlignment = u32(56);
  const fileAlignment = u32(60);
  const sizeOfImage = u32(80);
  const sizeOfHeaders = u32(84);
  const sections = view.u16(lfanew + 6) as number;
  return (
    sections >= least &&
    sections <= MAX_SECTIONS &&
    isPowerOfTwo(sectionAlignment) &&
    isPowerOfTwo(fileAlignment) &&
    fileAlignment <= sectionAlignment &&
    sizeOfImage >= sectionAlignment &&
    sizeOfImage <= MAX_IMAGE &&
    sizeOfHeaders <= sizeOfImage &&
    areSectionsSound(view, lfanew, sections, sizeOfImage)
  );
}

/** True when nothing but the headers themselves has to speak for them: sound, and of the size that they say. */
export function areExact(view: View, lfanew: number): boolean {
  const fixed = view.u16(lfanew + MAGIC_AT) === IMAGE_NT_OPTIONAL_HDR64_MAGIC ? 112 : 96;
  const directories = view.u32(lfanew + MAGIC_AT + fixed - 4);
  const size = view.u16(lfanew + OPTIONAL_SIZE_AT);
  return directories !== undefined && size === fixed + 8 * directories && areSound(view, lfanew);
}

function areSectionsSound(view: View, lfanew: number, count: number, sizeOfImage: number): boolean {
  const table = lfanew + MAGIC_AT + (view.u16(lfanew + OPTIONAL_SIZE_AT) as number);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const virtualSize = view.u32(table + SECTION_SIZE * i + 8);
    const virtualAddress = view.u32(table + SECTION_SIZE * i + 12);
    if (virtualSize === undefined || virtualAddress === undefined) return true;
    if (virtualSize === 0 && virtualAddress === 0) continue;
    if (virtualAddress < before || virtualAddress >= sizeOfImage) return false;
    before = virtualAddress;
  }
  return true;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && value <= 0x8000_0000 && Math.log2(value) % 1 === 0;
}

export function hasPeSignature(view: View, lfanew: number): boolean {
  return view.u32(lfanew) === IMAGE_NT_SIGNATURE;
}

export interface DosHeader {
  /** Offset of the image's first byte. */
  readonly start: number;
  readonly hasMz: boolean;
}

/**
 * The DOS header at or behind `from` whose e_lfanew leads to `lfanew`. One that starts with MZ is taken before one
 * that does not, and among these one that starts a page, where `phase` is the offset of a page modulo its size.
 */
export function dosHeaderOf(view: View, lfanew: number, from: number, phase = 0): DosHeader | undefined {
  const first = Math.max(from, lfanew - MAX_LFANEW);
  let unmarked = -1;
  for (let start = lfanew - 4; start >= first; start--) {
    if (view.u32(start + LFANEW_AT) !== lfanew - start) continue;
    if (view.u16(start) === IMAGE_DOS_SIGNATURE) return { start, hasMz: true };
    // Without MZ, a header that begins within itself is a number by chance.
    if (lfanew - start < DOS_HEADER_SIZE) continue;
    if (unmarked < 0 || (start - phase) % 0x1000 === 0) unmarked = start;
  }
  return unmarked < 0 ? undefined : { start: unmarked, hasMz: false };
}
