/**
 * Images in memory, found by the structure of their NT headers: loaders that hide erase MZ, the PE signature or the
 * whole DOS header, and none of these is asked for.
 */
import { dataRuns, type View } from "../../bytes/index.ts";
import { IMAGE_NT_OPTIONAL_HDR64_MAGIC, PAGE_SIZE } from "./constants.ts";
import {
  areExact,
  areSound,
  dosHeaderOf,
  hasPeSignature,
  MAGIC_AT,
  MAGIC_LOW,
  ntHeadersAt,
} from "./nt-headers.ts";

export interface FoundImage {
  /** Offset of the image's first byte in the view. */
  readonly start: number;
  /** Distance of the NT headers from there, which e_lfanew says unless it is erased. */
  readonly lfanew: number;
  readonly machine: number;
  readonly pe32Plus: boolean;
  readonly sizeOfImage: number;
  readonly erased: {
    readonly mz: boolean;
    readonly pe: boolean;
    /** No e_lfanew leads to the headers: `start` is the page that they are in, as the loader places images. */
    readonly dos: boolean;
  };
}

export interface FindImagesOptions {
  /** Headers are looked for in [from, to); what is read of one may reach to the view's end. */
  readonly from?: number;
  readonly to?: number;
  /** Virtual address of the view's first byte, so far as it tells where pages begin. */
  readonly address?: number;
}

/** Headers looked at closely in one view: a process has some hundreds, a hostile window as many as fit. */
const MAX_CANDIDATES = 0x4000;
/** Behind a byte that was met, so many are looked at before the next native search: its call costs as much. */
const NEAR = 32;

/**
 * Every sound image header, ascending by its NT headers; images within images too. One linear pass. For a scan in
 * windows: the headers of an image lie within one page of its start, so windows that share a page miss none, and what
 * they find twice has the same start.
 */
export function findImages(view: View, options: FindImagesOptions = {}): FoundImage[] {
  const { from = 0, to = view.length, address = 0 } = options;
  const phase = (PAGE_SIZE - (address % PAGE_SIZE)) % PAGE_SIZE;
  const found: FoundImage[] = [];
  let candidates = 0;
  for (const [start, end] of dataRuns(view.bytes, from, to)) {
    const bytes = view.bytes.subarray(0, end);
    for (let at = bytes.indexOf(MAGIC_LOW, start); at >= 0 && candidates < MAX_CANDIDATES; ) {
      const near = Math.min(at + NEAR, end);
      for (; at < near; at++) {
        const lfanew = ntHeadersAt(view.bytes, at);
        if (lfanew < 0 || !areSound(view, lfanew, 0) || ++candidates > MAX_CANDIDATES) continue;
        const image = imageOf(view, lfanew, phase);
        if (image !== undefined) found.push(image);
      }
      at = bytes.indexOf(MAGIC_LOW, at);
    }
  }
  return found;
}

function imageOf(view: View, lfanew: number, phase: number): FoundImage | undefined {
  const dos = dosHeaderOf(view, lfanew, 0, phase);
  const pe = hasPeSignature(view, lfanew);
  const mz = dos?.hasMz === true;
  // Both marks speak for headers whose section count is wiped; neither, and all else must hold.
  if (mz && pe ? false : mz || pe ? !areSound(view, lfanew) : !areExact(view, lfanew)) return undefined;
  const start = dos?.start ?? lfanew - ((lfanew - phase + PAGE_SIZE) % PAGE_SIZE);
  if (start < 0) return undefined;
  return {
    start,
    lfanew: lfanew - start,
    machine: view.u16(lfanew + 4) as number,
    pe32Plus: view.u16(lfanew + MAGIC_AT) === IMAGE_NT_OPTIONAL_HDR64_MAGIC,
    sizeOfImage: view.u32(lfanew + 80) as number,
    erased: { mz: !mz, pe: !pe, dos: dos === undefined },
  };
}
