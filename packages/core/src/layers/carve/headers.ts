/** PEs in clear and reversed, found at their NT headers, so that an erased MZ or PE signature hides none. */
import { View } from "../../bytes/index.ts";
import { openImage } from "../../formats/index.ts";
import { type EmbeddedPe, embeddedPe } from "../around-pe/embedded-pe.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type MarkCarver, type SearchArea } from "./carved.ts";

/** Low byte of IMAGE_NT_OPTIONAL_HDR32_MAGIC and HDR64_MAGIC: 0x10b, 0x20b. */
const MAGIC_LOW = 0x0b;
/** Offsets of SizeOfOptionalHeader and Magic from the PE signature (winnt.h). */
const OPTIONAL_SIZE = 20;
const MAGIC = 24;
const MAGIC_FROM_SIZE = MAGIC - OPTIONAL_SIZE;
const MACHINES: ReadonlySet<number> = new Set([0x014c, 0x8664, 0xaa64, 0x01c0, 0x01c2, 0x01c4, 0x0200]);
/** e_lfanew stands here in IMAGE_DOS_HEADER, and leads no further than this. */
const LFANEW = 0x3c;
const MAX_LFANEW = 0x1000;
/** Where no e_lfanew says where the image starts, starts up to this far before the headers are tried, */
const MAX_ERASED_STUB = 0x400;
/** for so many headers of one artifact. */
const MAX_ERASED = 4;

/** Carves at the mark that it asks for: whole images in the area, not those within them; `own` are the artifact's headers. */
export function headerCarver({ view, start, end }: SearchArea, own: number | undefined): MarkCarver {
  const { bytes } = view;
  const found: Carved[] = [];
  let erased = 0;
  let candidates = 0;
  let done = start;
  const carve = (at: number): void => {
    if (found.length >= MAX_CARVED) return;
    if (isForwardHeader(bytes, at)) {
      const lfanew = at - MAGIC;
      if (lfanew === own || lfanew < done || !isSound(view, lfanew) || ++candidates > MAX_CANDIDATES) return;
      const image =
        imageOf(view, lfanew, done) ?? (erased++ < MAX_ERASED ? erasedImage(view, lfanew, done) : undefined);
      if (image === undefined) return;
      const length = Math.min(image.length, end - image.start);
      found.push({ start: image.start, length, steps: [], format: image.format });
      done = image.start + length;
    } else if (isReversedHeader(bytes, at) && at >= done && ++candidates <= MAX_CANDIDATES) {
      const image = reversedImage(view, at, done);
      if (image !== undefined) found.push(image);
    }
  };
  return { marks: [MAGIC_LOW], carve, found };
}

function isForwardHeader(bytes: Uint8Array, at: number): boolean {
  if (!isMagicHigh(bytes[at + 1]) || bytes[at - MAGIC_FROM_SIZE + 1] !== 0) return false;
  return isHeader(bytes[at - 4], bytes[at - 20], bytes[at - 19], bytes[at + 1]);
}

function isReversedHeader(bytes: Uint8Array, at: number): boolean {
  if (!isMagicHigh(bytes[at - 1]) || bytes[at + MAGIC_FROM_SIZE - 1] !== 0) return false;
  return isHeader(bytes[at + 4], bytes[at + 20], bytes[at + 19], bytes[at - 1]);
}

function isMagicHigh(byte: number | undefined): boolean {
  return byte === 1 || byte === 2;
}

/** SizeOfOptionalHeader (below 256), Machine and Magic that go together. */
function isHeader(size = 0, machineLow = 0, machineHigh = 0, magicHigh = 0): boolean {
  const fixed = magicHigh === 2 ? 112 : 96;
  return (
    size >= fixed &&
    (size - fixed) % 8 === 0 &&
    size <= fixed + 128 &&
    MACHINES.has(machineLow | (machineHigh << 8))
  );
}

/** NumberOfSections and the alignments are such as linkers write. */
function isSound(view: View, lfanew: number): boolean {
  const sections = view.u16(lfanew + 6) ?? 0;
  const sectionAlignment = view.u32(lfanew + 56) ?? 0;
  const fileAlignment = view.u32(lfanew + 60) ?? 0;
  const isAligned = isPowerOfTwo(sectionAlignment) && isPowerOfTwo(fileAlignment);
  return sections > 0 && sections <= 96 && isAligned && fileAlignment <= sectionAlignment;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** The image whose e_lfanew leads to the headers; one that starts with MZ is taken before one that does not. */
function imageOf(view: View, lfanew: number, from: number): EmbeddedPe | undefined {
  const first = Math.max(from, lfanew - MAX_LFANEW);
  let unmarked = -1;
  for (let start = lfanew - 4; start >= first; start--) {
    if (view.u32(start + LFANEW) !== lfanew - start) continue;
    if (view.u16(start) === 0x5a4d) return imageAt(view, start, lfanew);
    if (unmarked < 0 && lfanew - start >= 0x40) unmarked = start;
  }
  return unmarked < 0 ? undefined : imageAt(view, unmarked, lfanew);
}

function imageAt(view: View, start: number, lfanew: number): EmbeddedPe | undefined {
  const image = embeddedPe(view, start);
  return image !== undefined && view.u16(lfanew + 6) !== 0 ? image : undefined;
}

/** With the DOS header wiped, the start is where the import directory or the CLI header can be read from. */
function erasedImage(view: View, lfanew: number, from: number): EmbeddedPe | undefined {
  const first = Math.max(from, lfanew - MAX_ERASED_STUB);
  // Headers and section table hold or do not, wherever the image starts.
  if (embeddedPe(view, Math.max(first, lfanew - 0x40)) === undefined) return undefined;
  for (let start = lfanew - 0x40; start >= first; start -= 8) {
    const opened = openImage(view.clip(start), { layout: "file" });
    if (opened.pe?.lfanew !== lfanew - start) continue;
    if (opened.imports.length > 0 || opened.format.startsWith(".NET")) return embeddedPe(view, start);
  }
  return undefined;
}

/** The image whose bytes stand in reverse order around `magic`, the offset of the magic's low byte. */
function reversedImage(view: View, magic: number, from: number): Carved | undefined {
  const low = Math.max(from, magic - HEAD);
  const high = Math.min(view.length, magic + 1 + MAGIC + MAX_LFANEW);
  const turned = new View(Uint8Array.from(view.bytes.subarray(low, high)).reverse());
  const image = imageOf(turned, high - 1 - magic - MAGIC, 0);
  // The turned bytes are little more than the headers: the length is what these say.
  const length = image && lengthOf(turned.clip(image.start));
  if (image === undefined || length === undefined) return undefined;
  const start = high - image.start - length;
  return start < from ? undefined : { start, length, steps: [{ op: "reverse" }], format: image.format };
}

/** Where the raw data ends, by the section table alone: the bytes themselves are not in the view. */
export function lengthOf(head: View): number | undefined {
  const { pe } = openImage(head, { layout: "file" });
  if (pe === undefined) return undefined;
  return pe.sections.reduce(
    (end, section) =>
      section.pointerToRawData > 0 ? Math.max(end, section.pointerToRawData + section.sizeOfRawData) : end,
    pe.sizeOfHeaders,
  );
}
