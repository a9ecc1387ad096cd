/** PEs in clear and reversed, found at their NT headers, so that an erased MZ or PE signature hides none. */
import { View } from "../bytes/index.ts";
import { openImage } from "../formats/index.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type SearchArea } from "./carved.ts";
import { type EmbeddedPe, embeddedPe } from "./embedded-pe.ts";

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

/** Images in [start, end), whole ones, not those within them; `own`: NT headers that are the artifact's own. */
export function carveHeaders({ view, start, end }: SearchArea, own: number | undefined): Carved[] {
  const { bytes } = view;
  const found: Carved[] = [];
  let erased = 0;
  let candidates = 0;
  let done = start;
  const last = end - 1;
  for (
    let at = bytes.indexOf(MAGIC_LOW, start);
    at >= 0 && at < last;
    at = bytes.indexOf(MAGIC_LOW, at + 1)
  ) {
    const isForward = isMagicHigh(bytes[at + 1]) && bytes[at - MAGIC_FROM_SIZE + 1] === 0;
    if (isForward && isHeader(bytes[at - 4], bytes[at - 20], bytes[at - 19], bytes[at + 1])) {
      const lfanew = at - MAGIC;
      if (lfanew === own || lfanew < done || ++candidates > MAX_CANDIDATES) continue;
      const image =
        imageOf(view, lfanew, done) ?? (erased++ < MAX_ERASED ? erasedImage(view, lfanew, done) : undefined);
      if (image === undefined) continue;
      found.push({
        start: image.start,
        length: Math.min(image.length, end - image.start),
        steps: [],
        format: image.format,
      });
      done = image.start + image.length;
      at = Math.max(at, done - 1);
    } else if (isMagicHigh(bytes[at - 1]) && bytes[at + MAGIC_FROM_SIZE - 1] === 0) {
      const isReversed = isHeader(bytes[at + 4], bytes[at + 20], bytes[at + 19], bytes[at - 1]);
      if (!isReversed || ++candidates > MAX_CANDIDATES) continue;
      const image = reversedImage(view, at, done);
      if (image !== undefined) found.push(image);
    }
    if (found.length >= MAX_CARVED) break;
  }
  return found;
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
  for (let start = lfanew - 0x40; start >= first; start -= 8) {
    const image = embeddedPe(view, start);
    if (image === undefined) continue;
    const opened = openImage(view.clip(start), { layout: image.layout });
    if (opened.pe?.lfanew === lfanew - start && (opened.imports.length > 0 || opened.dotnet !== undefined))
      return image;
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
