import type { View } from "../../bytes/index.ts";
import {
  IMAGE_DOS_SIGNATURE,
  IMAGE_NT_OPTIONAL_HDR32_MAGIC,
  IMAGE_NT_OPTIONAL_HDR64_MAGIC,
  MACHINES,
  MAX_HEADER_SEARCH,
} from "./constants.ts";
import { areExact, hasPeSignature } from "./nt-headers.ts";

export interface HeadersAt {
  /** Offset of the PE signature, there or erased. */
  readonly lfanew: number;
  readonly hasMz: boolean;
  readonly hasSignature: boolean;
  /** True when e_lfanew did not lead here. */
  readonly searched: boolean;
}

/**
 * Where the NT headers stand. The straight way is MZ → e_lfanew → "PE\0\0". Loaders that hide in memory wipe any of the
 * three, so what is gone is made up for by structure: the fewer marks stand, the more of the header must hold together.
 */
export function findHeaders(view: View): HeadersAt | undefined {
  const hasMz = view.u16(0) === IMAGE_DOS_SIGNATURE;
  const lfanew = view.u32(0x3c);
  if (lfanew !== undefined && lfanew >= 4) {
    const hasSignature = hasPeSignature(view, lfanew);
    if (hasSignature && hasMz && isOptionalMagic(view.u16(lfanew + 24)))
      return { lfanew, hasMz, hasSignature, searched: false };
    if (hasSignature ? isLikely(view, lfanew) : lfanew < MAX_HEADER_SEARCH && isSound(view, lfanew))
      return { lfanew, hasMz, hasSignature, searched: false };
  }
  return search(view, hasMz);
}

function search(view: View, hasMz: boolean): HeadersAt | undefined {
  // The linker keeps the NT headers at a multiple of 8; 4 is what the loader asks for.
  const end = Math.min(MAX_HEADER_SEARCH, view.length - 24);
  for (let lfanew = 4; lfanew < end; lfanew += 4) {
    if (!isOptionalMagic(view.u16(lfanew + 24)) || !MACHINES.has(view.u16(lfanew + 4) as number)) continue;
    const hasSignature = hasPeSignature(view, lfanew);
    if (!(hasSignature ? isLikely(view, lfanew) : isSound(view, lfanew))) continue;
    if (belongsToLaterImage(view, lfanew)) return undefined;
    return { lfanew, hasMz, hasSignature, searched: true };
  }
  return undefined;
}

/** Some image further in has an e_lfanew that leads here: these headers are not of the bytes at offset 0. */
function belongsToLaterImage(view: View, lfanew: number): boolean {
  for (let start = lfanew - 0x40; start > 0; start--) {
    if (view.u16(start) === IMAGE_DOS_SIGNATURE && view.u32(start + 0x3c) === lfanew - start) return true;
  }
  return false;
}

function isOptionalMagic(magic: number | undefined): boolean {
  return magic === IMAGE_NT_OPTIONAL_HDR32_MAGIC || magic === IMAGE_NT_OPTIONAL_HDR64_MAGIC;
}

/** Machine known, magic right: enough beside a signature. */
function isLikely(view: View, lfanew: number): boolean {
  return MACHINES.has(view.u16(lfanew + 4) ?? 0) && isOptionalMagic(view.u16(lfanew + 24));
}

/** Nothing but structure speaks for these headers, so all of it must hold. */
function isSound(view: View, lfanew: number): boolean {
  return isLikely(view, lfanew) && areExact(view, lfanew);
}
