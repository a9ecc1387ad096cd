/** Which bytes of a file lie behind its image: data, without symbol table and certificates. */
import type { View } from "../../bytes/index.ts";
import type { Image } from "../../formats/index.ts";

export interface Range {
  readonly start: number;
  readonly end: number;
}

const SECURITY = 4;
/** IMAGE_SIZEOF_SYMBOL. */
const SYMBOL_SIZE = 18;
/** Less is alignment or a stray byte. */
const MIN_OVERLAY = 32;

/** The certificate table as data directory 4 states it, clipped to the view; undefined when there is none. */
export function certificateRange(image: Image): Range | undefined {
  const directory = image.layout === "file" ? image.pe?.dataDirectories[SECURITY] : undefined;
  if (directory === undefined || directory.virtualAddress === 0 || directory.size === 0) return undefined;
  const start = directory.virtualAddress;
  const end = Math.min(start + directory.size, image.view.length);
  return start < end ? { start, end } : undefined;
}

/** COFF symbols and their string table ("PE Format", COFF Symbol Table), which linkers of GNU leave behind the sections. */
function symbolsEnd(view: View, lfanew: number, start: number): number {
  const pointer = view.u32(lfanew + 12) ?? 0;
  const count = view.u32(lfanew + 16) ?? 0;
  if (pointer < start || pointer > start + 16 || count === 0) return start;
  const strings = pointer + count * SYMBOL_SIZE;
  const size = view.u32(strings) ?? 0;
  return strings + size <= view.length ? strings + Math.max(size, 4) : start;
}

/** The overlay's parts, ascending: before and behind the certificate table, padding taken off. */
export function overlayRanges(image: Image): readonly Range[] {
  const { overlay, pe, view } = image;
  if (overlay === undefined || pe === undefined) return [];
  const start = symbolsEnd(view, pe.lfanew, overlay.base - view.base);
  const table = certificateRange(image);
  const parts =
    table === undefined || table.end <= start
      ? [{ start, end: view.length }]
      : [
          { start, end: Math.max(start, table.start) },
          { start: table.end, end: view.length },
        ];
  return parts.filter((part) => part.end - part.start >= MIN_OVERLAY && !isBlank(view.bytes, part));
}

/** As much as is looked at to tell that there is nothing: the rest of a longer one is for the inflation layer. */
const BLANK_PROBE = 0x1_0000;

function isBlank(bytes: Uint8Array, { start, end }: Range): boolean {
  const first = bytes[start];
  const last = Math.min(end, start + BLANK_PROBE);
  for (let i = start; i < last; i++) if (bytes[i] !== first) return false;
  return end - start <= BLANK_PROBE;
}
