/** Writes ELF cores as Linux does: a PT_NOTE with NT_PRSTATUS, NT_PRPSINFO and NT_FILE, then a PT_LOAD a region. */
import { latin1Bytes } from "@assay/core/bytes/index";
import { ByteWriter } from "../dotnet/bytes.ts";
import type { DumpRegion } from "./regions.ts";

export interface ElfCoreOptions {
  /** 8 by default. */
  readonly pointerSize?: 4 | 8;
  readonly pid?: number;
  /** Name of the program; the kernel keeps 15 bytes of it. */
  readonly name?: string;
  /** NT_FILE, which names the regions' modules: written by default. */
  readonly files?: boolean;
}

/** The file. Regions in the order given; each region with a module is a mapping of that file. */
export function writeElfCore(regions: readonly DumpRegion[], options: ElfCoreOptions = {}): Uint8Array {
  const is64 = options.pointerSize !== 4;
  const notes = notesOf(regions, options, is64);
  const headerSize = is64 ? 64 : 52;
  const entrySize = is64 ? 56 : 32;
  const out = new ByteWriter();
  const word = (value: bigint | number) => (is64 ? out.u64(BigInt(value)) : out.u32(Number(value)));

  out
    .ascii("\x7fELF")
    .u8(is64 ? 2 : 1)
    .u8(1)
    .u8(1)
    .pad(16);
  out
    .u16(4)
    .u16(is64 ? 62 : 3)
    .u32(1); // ET_CORE; EM_X86_64 or EM_386
  word(0);
  word(headerSize);
  word(0);
  out
    .u32(0)
    .u16(headerSize)
    .u16(entrySize)
    .u16(regions.length + 1)
    .u16(0)
    .u16(0)
    .u16(0);

  let offset = headerSize + entrySize * (regions.length + 1);
  const segment = (type: number, flags: number, address: bigint, size: number, memory: number): void => {
    out.u32(type);
    if (is64) out.u32(flags);
    for (const value of [offset, address, 0, size, memory]) word(value);
    if (!is64) out.u32(flags);
    word(1);
    offset += size;
  };
  segment(4, 0, 0n, notes.length, 0);
  for (const { address, bytes, protection } of regions)
    segment(1, flagsOf(protection ?? "rw-"), address, bytes.length, bytes.length);
  out.bytes(notes);
  for (const { bytes } of regions) out.bytes(bytes);
  return out.toBytes();
}

function flagsOf(protection: string): number {
  return [..."xwr"].reduce((sum, char, bit) => sum | (protection.includes(char) ? 1 << bit : 0), 0);
}

function notesOf(regions: readonly DumpRegion[], options: ElfCoreOptions, is64: boolean): Uint8Array {
  const out = new ByteWriter();
  const note = (type: number, data: Uint8Array): void => {
    out.u32(5).u32(data.length).u32(type).ascii("CORE\0").align(4).bytes(data).align(4);
  };
  if (options.pid !== undefined) {
    const status = new ByteWriter().pad(is64 ? 32 : 24).u32(options.pid);
    note(1, status.pad(is64 ? 336 : 144).toBytes());
  }
  if (options.name !== undefined) {
    const info = new ByteWriter().pad(is64 ? 24 : 12).u32(options.pid ?? 0);
    info
      .pad(is64 ? 40 : 28)
      .ascii(options.name.slice(0, 15))
      .pad(is64 ? 56 : 44)
      .ascii(options.name);
    note(3, info.pad(is64 ? 136 : 124).toBytes());
  }
  const mapped = regions.filter((region) => region.module !== undefined);
  if (options.files !== false && mapped.length > 0) {
    const files = new ByteWriter();
    const word = (value: bigint) => (is64 ? files.u64(value) : files.u32(Number(value)));
    word(BigInt(mapped.length));
    word(0x1000n);
    for (const { address, bytes } of mapped) {
      word(address);
      word(address + BigInt(bytes.length));
      word(0n);
    }
    for (const { module = "" } of mapped) files.bytes(latin1Bytes(module)).u8(0);
    note(0x46494c45, files.toBytes());
  }
  return out.toBytes();
}
