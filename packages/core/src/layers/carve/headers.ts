/** PEs in clear and reversed, found at their NT headers, so that an erased MZ or PE signature hides none. */
import { View } from "../../bytes/index.ts";
import { MACHINES, openImage } from "../../formats/index.ts";
import {
  areSound,
  dosHeaderOf,
  fitsMagic,
  MAGIC_AT,
  MAGIC_LOW,
  MAX_LFANEW,
  ntHeadersAt,
  OPTIONAL_SIZE_AT,
} from "../../formats/pe/nt-headers.ts";
import { type EmbeddedPe, embeddedPe } from "../around-pe/embedded-pe.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type MarkCarver, type SearchArea } from "./carved.ts";

const MAGIC_FROM_SIZE = MAGIC_AT - OPTIONAL_SIZE_AT;
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
    const lfanew = ntHeadersAt(bytes, at);
    if (lfanew >= 0) {
      if (lfanew === own || lfanew < done || !areSound(view, lfanew) || ++candidates > MAX_CANDIDATES) return;
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

/** The same headers with their bytes in reverse order; `at`: the magic's low byte, the last of its two. */
function isReversedHeader(bytes: Uint8Array, at: number): boolean {
  const high = bytes[at - 1];
  if ((high !== 1 && high !== 2) || bytes[at + MAGIC_FROM_SIZE - 1] !== 0) return false;
  const machine = (bytes[at + 20] ?? 0) | ((bytes[at + 19] ?? 0) << 8);
  return fitsMagic(bytes[at + MAGIC_FROM_SIZE] ?? 0, high) && MACHINES.has(machine);
}

/** The image whose e_lfanew leads to the headers; one that starts with MZ is taken before one that does not. */
function imageOf(view: View, lfanew: number, from: number): EmbeddedPe | undefined {
  const dos = dosHeaderOf(view, lfanew, from);
  return dos && imageAt(view, dos.start, lfanew);
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
  const high = Math.min(view.length, magic + 1 + MAGIC_AT + MAX_LFANEW);
  const turned = new View(Uint8Array.from(view.bytes.subarray(low, high)).reverse());
  const image = imageOf(turned, high - 1 - magic - MAGIC_AT, 0);
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
