/**
 * What UPX's own decompressor says of the data: its code stays as it is where a modified packer wipes the header, since
 * the program would not start without it. Instruction bytes as UPX 0.7 to 5 write them (i386-win32.pe.S,
 * amd64-win64.pe.S).
 */
import { findAll, matchesAt, type Pattern, pattern, type View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import type { Section } from "../../formats/pe/model.ts";

export interface UpxStub {
  /** Offset of the instruction that loads the source. */
  readonly at: number;
  /** Offset of the compressed data, and where its section's bytes end. */
  readonly source: number;
  readonly sourceEnd: number;
  /** RVA that it is decompressed to: where the original image's first section lies. */
  readonly target: number;
  /** LZMA only: sizes are operands. */
  readonly lzma?: { readonly uncompressedSize: number; readonly compressedSize: number };
  readonly filter?: { readonly id: number; readonly cto: number };
}

/** `mov esi, source; lea edi, [esi + d]`. */
const LOAD_32 = pattern("BE ?? ?? ?? ?? 8D BE ?? ?? ?? ??");
/** `call $+5; pop eax; lea esi, [eax + d]; lea edi, [esi + d]`: in images that may load anywhere. */
const LOAD_32_PIC = pattern("E8 00 00 00 00 58 8D B0 ?? ?? ?? ?? 8D BE ?? ?? ?? ??");
/** `lea rsi, [rip + d]; lea rdi, [rsi + d]`. */
const LOAD_64 = pattern("48 8D 35 ?? ?? ?? ?? 48 8D BE ?? ?? ?? ??");

/** `push ebx; push usize; push edi; add ebx, 4; push ebx; push csize; push esi`. */
const LZMA_32 = pattern("53 68 ?? ?? ?? ?? 57 83 C3 04 53 68 ?? ?? ?? ?? 56");
/** `mov eax, usize; push rax; mov rcx, rsp; mov rdx, rdi; mov rdi, rsi; mov esi, csize`. */
const LZMA_64 = pattern("B8 ?? ?? ?? ?? 50 48 89 E1 48 89 FA 48 89 F7 BE ?? ?? ?? ??");
/** The two bytes before the stream are UPX's form of its properties. */
const LZMA_PROPERTIES = 2;

/** Loops that undo a filter, with where the marker byte (cto) stands; -1 for none. */
const FILTERS: readonly { readonly id: number; readonly code: Pattern; readonly cto: number }[] = [
  // mov al, [edi]; inc edi; sub al, E8; cmp al, 1; ja …
  {
    id: 0x26,
    code: pattern("8A 07 47 2C E8 3C 01 77 ?? 80 3F ?? 75 ?? 8B 07 8A 5F 04 66 C1 E8 08"),
    cto: 11,
  },
  { id: 0x16, code: pattern("8A 07 47 2C E8 3C 01 77 ?? 8B 07 8A 5F 04 86 C4"), cto: -1 },
  { id: 0x13, code: pattern("8A 07 47 2C E8 3C 01 77 ?? 8B 07 8A 5F 04 29 F8"), cto: -1 },
  // mov al, E8 or E9; repnz scasb; jnz …
  { id: 0x24, code: pattern("B0 E8 F2 AE 75 ?? 80 3F ?? 75 ?? 8B 07 66 C1 E8 08"), cto: 8 },
  { id: 0x25, code: pattern("B0 E9 F2 AE 75 ?? 80 3F ?? 75 ?? 8B 07 66 C1 E8 08"), cto: 8 },
  { id: 0x14, code: pattern("B0 E8 F2 AE 75 ?? 8B 07 86 C4"), cto: -1 },
  { id: 0x15, code: pattern("B0 E9 F2 AE 75 ?? 8B 07 86 C4"), cto: -1 },
  { id: 0x11, code: pattern("B0 E8 F2 AE 75 ?? 8B 07 29 F8"), cto: -1 },
  { id: 0x12, code: pattern("B0 E9 F2 AE 75 ?? 8B 07 29 F8"), cto: -1 },
  // The newer loop, with the test for 0F 80 … 0F 8F (49) or without (46).
  {
    id: 0x49,
    code: pattern("3C 80 72 0A 3C 8F 77 06 80 7F FE 0F 74 06 2C E8 3C 01 77 ?? 83 F9 04 72 ?? 8B 07 2C ??"),
    cto: 28,
  },
  { id: 0x46, code: pattern("8A 07 47 2C E8 3C 01 77 ?? 83 F9 04 72 ?? 8B 07 2C ??"), cto: 17 },
  // 64 bits: push rsi; mov rdi, rsi; mov rsi, length; mov dl, cto
  { id: 0x49, code: pattern("56 48 89 F7 48 C7 C6 ?? ?? ?? ?? B2 ??"), cto: 12 },
];

/** The load stands within this many bytes of the entry point, behind `pusha` or a DLL's test of the reason. */
const ENTRY_WINDOW = 0x40;
/** Stubs with LZMA are some 3 KB long. */
const MAX_STUB = 0x2000;
/** Bytes of a section in which a stub is looked for when the entry point leads elsewhere. */
const MAX_SEARCH = 0x10_0000;

/**
 * The stub at the entry point, or in the section behind one that is empty in the file and executable, as UPX lays them
 * out, whatever their names. Undefined when no load leads from section data to the start of a section.
 */
export function findStub(image: Image): UpxStub | undefined {
  const { pe, view } = image;
  if (pe === undefined) return undefined;
  const entry = image.offsetOfRva(pe.addressOfEntryPoint);
  if (entry !== undefined) {
    const found = findLoad(image, entry, entry + ENTRY_WINDOW);
    if (found !== undefined) return found;
  }
  const shape = pe.sections.findIndex((section, i) => isUpxShaped(section, pe.sections[i + 1]));
  const packed = shape < 0 ? undefined : pe.sections[shape + 1];
  if (packed === undefined) return undefined;
  const end = Math.min(packed.pointerToRawData + packed.sizeOfRawData, view.length);
  // The stub stands behind the compressed data.
  return findLoad(image, Math.max(packed.pointerToRawData, end - MAX_SEARCH), end);
}

/** UPX0 and UPX1: memory without bytes, then bytes that may run. */
export function isUpxShaped(first: Section, second: Section | undefined): boolean {
  const RUNS = 0x2000_0000;
  return (
    first.sizeOfRawData === 0 &&
    first.virtualSize >= 0x1000 &&
    (first.characteristics & RUNS) !== 0 &&
    second !== undefined &&
    second.sizeOfRawData > 0 &&
    (second.characteristics & RUNS) !== 0
  );
}

function findLoad(image: Image, start: number, end: number): UpxStub | undefined {
  const { view } = image;
  const is64 = image.pe?.is64 ?? false;
  for (const code of is64 ? [LOAD_64] : [LOAD_32, LOAD_32_PIC]) {
    for (const at of findAll(view.bytes, code, start, Math.min(end + code.value.length, view.length))) {
      const stub = readLoad(image, code, at);
      if (stub !== undefined) return stub;
    }
  }
  return undefined;
}

function readLoad(image: Image, code: Pattern, at: number): UpxStub | undefined {
  const { view, pe } = image;
  const rva = image.rvaOfOffset(at);
  if (pe === undefined || rva === undefined) return undefined;
  const length = code.value.length;
  const displacement = view.i32(at + length - 4) as number;
  let source: number;
  if (code === LOAD_32) source = (view.u32(at + 1) as number) - Number(pe.imageBase);
  else if (code === LOAD_32_PIC) source = rva + 5 + (view.i32(at + 8) as number);
  else source = rva + 7 + (view.i32(at + 3) as number);
  const target = source + displacement;
  const offset = source > 0 ? image.offsetOfRva(source) : undefined;
  if (offset === undefined || !pe.sections.some((section) => section.virtualAddress === target))
    return undefined;
  if (target >= source) return undefined;
  const region = image.regions.find((r) => source >= r.rva && source < r.rva + r.size);
  if (region === undefined) return undefined;
  const stub = view.clip(at, MAX_STUB);
  const lzma = readLzma(stub, pe.is64);
  const filter = readFilter(stub);
  return {
    at,
    source: offset,
    sourceEnd: region.offset + region.size,
    target,
    ...(lzma === undefined ? {} : { lzma }),
    ...(filter === undefined ? {} : { filter }),
  };
}

function readLzma(stub: View, is64: boolean): UpxStub["lzma"] {
  // Right behind the loads, with room for the lines about icons and TLS.
  const end = Math.min(stub.length, 0x80);
  for (const at of findAll(stub.bytes, is64 ? LZMA_64 : LZMA_32, 0, end)) {
    const uncompressedSize = stub.u32(at + (is64 ? 1 : 2));
    const compressedSize = stub.u32(at + (is64 ? 16 : 12));
    if (uncompressedSize === undefined || compressedSize === undefined) continue;
    return { uncompressedSize, compressedSize: compressedSize + LZMA_PROPERTIES };
  }
  return undefined;
}

function readFilter(stub: View): UpxStub["filter"] {
  for (const { id, code, cto } of FILTERS) {
    for (const at of findAll(stub.bytes, code)) {
      if (matchesAt(stub.bytes, code, at)) return { id, cto: cto < 0 ? 0 : (stub.u8(at + cto) as number) };
    }
  }
  return undefined;
}
