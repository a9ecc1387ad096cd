/** Constants of winnt.h and the limits of the readers here. */

export const IMAGE_DOS_SIGNATURE = 0x5a4d;
export const IMAGE_NT_SIGNATURE = 0x4550;

export const IMAGE_FILE_MACHINE_I386 = 0x014c;

/** IMAGE_FILE_MACHINE_* values that Windows has run, used to know headers whose signatures are gone. */
export const MACHINES: ReadonlyMap<number, string> = new Map([
  [IMAGE_FILE_MACHINE_I386, "I386"],
  [0x8664, "AMD64"],
  [0xaa64, "ARM64"],
  [0x01c0, "ARM"],
  [0x01c2, "THUMB"],
  [0x01c4, "ARMNT"],
  [0x0200, "IA64"],
]);

export const IMAGE_NT_OPTIONAL_HDR32_MAGIC = 0x10b;
export const IMAGE_NT_OPTIONAL_HDR64_MAGIC = 0x20b;

export const IMAGE_FILE_DLL = 0x2000;
export const IMAGE_FILE_SYSTEM = 0x1000;

export const IMAGE_SUBSYSTEM_NATIVE = 1;
/** IMAGE_SUBSYSTEM_EFI_APPLICATION to IMAGE_SUBSYSTEM_EFI_ROM. */
export const EFI_SUBSYSTEMS: readonly number[] = [10, 11, 12, 13];

export const IMAGE_SCN_MEM_EXECUTE = 0x2000_0000;
export const IMAGE_SCN_MEM_WRITE = 0x8000_0000;

/** Indexes of the optional header's data directories. */
export const DIRECTORY = {
  export: 0,
  import: 1,
  resource: 2,
  exception: 3,
  security: 4,
  baseReloc: 5,
  debug: 6,
  delayImport: 13,
  comDescriptor: 14,
} as const;

export const IMAGE_NUMBEROF_DIRECTORY_ENTRIES = 16;

export const PAGE_SIZE = 0x1000;
/** The loader reads sections in sectors: PointerToRawData is rounded down to one. */
export const SECTOR_SIZE = 0x200;

/** Windows itself took 96 up to XP; linkers of today stay far below this. */
export const MAX_SECTIONS = 1024;
/** Headers whose e_lfanew is gone are looked for in this many bytes. */
export const MAX_HEADER_SEARCH = 0x1000;
/** Names (DLLs, functions, sections of a path): MSVC cuts decorated names at 4096. */
export const MAX_NAME = 4096;
