import type { View } from "../../bytes/index.ts";
import {
  IMAGE_DOS_SIGNATURE,
  IMAGE_NT_OPTIONAL_HDR32_MAGIC,
  IMAGE_NT_OPTIONAL_HDR64_MAGIC,
  IMAGE_NT_SIGNATURE,
  MACHINES,
  MAX_HEADER_SEARCH,
} from "./constants.ts";

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
    const hasSignature = view.u32(lfanew) === IMAGE_NT_SIGNATURE;
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
    const hasSignature = view.u32(lfanew) === IMAGE_NT_SIGNATURE;
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
  if (!isLikely(view, lfanew)) return false;
  const is64 = view.u16(lfanew + 24) === IMAGE_NT_OPTIONAL_HDR64_MAGIC;
  const sections = view.u16(lfanew + 6) ?? 0;
  const optionalSize = view.u16(lfanew + 20) ?? 0;
  const sectionAlignment = view.u32(lfanew + 56) ?? 0;
  const fileAlignment = view.u32(lfanew + 60) ?? 0;
  const sizeOfImage = view.u32(lfanew + 80) ?? 0;
  const directories = view.u32(lfanew + 24 + (is64 ? 108 : 92)) ?? 0;
  return (
    sections >= 1 &&
    sections <= 96 &&
    optionalSize === (is64 ? 112 : 96) + 8 * directories &&
    isPowerOfTwo(sectionAlignment) &&
    isPowerOfTwo(fileAlignment) &&
    fileAlignment <= sectionAlignment &&
    sizeOfImage >= sectionAlignment
  );
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && value <= 0x8000_0000 && Math.log2(value) % 1 === 0;
}
