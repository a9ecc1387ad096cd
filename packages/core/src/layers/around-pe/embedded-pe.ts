/** PEs within other bytes: where one starts, and how far it reaches. */
import type { View } from "../../bytes/index.ts";
import { openImage, type Pe } from "../../formats/index.ts";

export interface EmbeddedPe {
  /** Offset in the view of the image's first byte. */
  readonly start: number;
  /** Up to the end of the raw data and of a certificate table right behind; in mapped layout SizeOfImage. */
  readonly length: number;
  readonly format: string;
  readonly layout: "file" | "mapped";
}

/** IMAGE_SIZEOF_FILE_HEADER and the signature before it. */
const NT_TO_OPTIONAL = 24;
/** Windows' limit of old; no linker makes more. */
const MAX_SECTIONS = 96;
/** The certificate table stands at the next multiple of 8 behind the raw data; some linkers' debug data lies between. */
const MAX_GAP = 0x1_0000;

/**
 * The image at `start`, when headers and section table hold together: erased marks are made up for by structure as
 * the PE reader does it. Undefined for what is no PE, or none of which more than the headers is there.
 */
export function embeddedPe(view: View, start: number): EmbeddedPe | undefined {
  const rest = view.clip(start);
  if (rest.length < 0x100) return undefined;
  const image = openImage(rest);
  const { pe } = image;
  if (pe === undefined || image.layout === "raw" || !isSound(rest, pe)) return undefined;
  const end = image.layout === "mapped" ? pe.sizeOfImage : fileEnd(rest, pe);
  return { start, length: Math.min(end, rest.length), format: image.format, layout: image.layout };
}

function isSound(view: View, pe: Pe): boolean {
  const { sections, sectionAlignment, fileAlignment, sizeOfOptionalHeader } = pe;
  const count = view.u16(pe.lfanew + 6) ?? 0;
  if (count < 1 || count > MAX_SECTIONS || sections.length !== count) return false;
  if (sizeOfOptionalHeader < 96 || sizeOfOptionalHeader > 0x200) return false;
  if (!isPowerOfTwo(sectionAlignment) || !isPowerOfTwo(fileAlignment) || fileAlignment > sectionAlignment)
    return false;
  if (pe.sizeOfImage < pe.lfanew + NT_TO_OPTIONAL || pe.sizeOfHeaders < pe.lfanew) return false;
  let before = 0;
  for (const { virtualAddress } of sections) {
    if (virtualAddress < before || virtualAddress >= pe.sizeOfImage) return false;
    before = virtualAddress;
  }
  const filled = sections.filter((section) => section.sizeOfRawData > 0 && section.pointerToRawData > 0);
  return filled.length > 0 && filled.some((section) => section.pointerToRawData < view.length);
}

function fileEnd(view: View, pe: Pe): number {
  let end = pe.sizeOfHeaders;
  for (const { pointerToRawData, sizeOfRawData } of pe.sections)
    if (pointerToRawData > 0 && pointerToRawData < view.length)
      end = Math.max(end, pointerToRawData + sizeOfRawData);
  const table = pe.dataDirectories[4];
  if (table !== undefined && table.virtualAddress >= end && table.virtualAddress <= end + MAX_GAP) {
    const tableEnd = table.virtualAddress + table.size;
    if (table.size >= 8 && tableEnd <= view.length) end = tableEnd;
  }
  return end;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
