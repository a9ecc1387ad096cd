/**
 * Writes small PE32 and PE32+ files that Windows' loader accepts, byte for byte the same for the same options.
 * After "PE Format" (learn.microsoft.com/windows/win32/debug/pe-format). The program itself returns at once.
 */
import { importSection } from "./pe-imports.ts";
import { resourceSection } from "./pe-resources.ts";

export { mapPe } from "./dumps/map-pe.ts";

export interface PeSection {
  /** At most eight bytes. */
  readonly name: string;
  readonly data: Uint8Array;
  /** IMAGE_SCN_*; by default what the name calls for. */
  readonly characteristics?: number;
  /** Bytes in memory; by default those of `data`. */
  readonly virtualSize?: number;
}

export interface PeResource {
  readonly type: number | string;
  readonly name: number | string;
  /** LANGID; 0x0409 is English (US). */
  readonly language?: number;
  readonly data: Uint8Array;
}

export interface PeOptions {
  readonly is64?: boolean;
  readonly dll?: boolean;
  /** By default 0x400000 for PE32, 0x140000000 for PE32+. */
  readonly imageBase?: number;
  /** In this order in file and memory; the entry stub goes behind the data of `.text`, or into one of its own. */
  readonly sections?: readonly PeSection[];
  readonly resources?: readonly PeResource[];
  /** DLL name → function names, such as `{ "KERNEL32.dll": ["ExitProcess"] }`. */
  readonly imports?: Readonly<Record<string, readonly string[]>>;
  readonly overlay?: Uint8Array;
  readonly timeDateStamp?: number;
  /** IMAGE_SUBSYSTEM_*: 2 (Windows GUI) by default, 3 console. */
  readonly subsystem?: number;
  /** Data directories to set by index, such as 14 (CLR header); RVAs as `layoutPe` gives them. */
  readonly directories?: Readonly<Record<number, { readonly rva: number; readonly size: number }>>;
}

export interface PlacedSection {
  readonly name: string;
  readonly rva: number;
  readonly va: number;
  readonly fileOffset: number;
  readonly virtualSize: number;
  readonly rawSize: number;
}

export interface PeLayout {
  readonly imageBase: number;
  readonly entryPointRva: number;
  readonly sizeOfImage: number;
  readonly sections: readonly PlacedSection[];
  /** Where a section lies; a name that is not there is a mistake of the caller's and throws. */
  section(name: string): PlacedSection;
  sectionVa(name: string): number;
}

const SECTION_ALIGNMENT = 0x1000;
const FILE_ALIGNMENT = 0x200;
const PE_OFFSET = 0x80;
const DEFAULT_TIME = 0x65000000;
const DOS_STUB = "0e1fba0e00b409cd21b8014ccd21";
const DOS_MESSAGE = "This program cannot be run in DOS mode.\r\r\n$";

const CODE = 0x60000020;
const READ_ONLY_DATA = 0x40000040;
const READ_WRITE_DATA = 0xc0000040;
const CHARACTERISTICS: Readonly<Record<string, number>> = {
  ".text": CODE,
  ".data": READ_WRITE_DATA,
  ".idata": READ_WRITE_DATA,
};

/** `xor eax, eax; ret`, and for a DllMain `mov eax, 1; ret` (PE32: `ret 12`). */
const EXE_STUB = Uint8Array.of(0x33, 0xc0, 0xc3);
const DLL_STUB = Uint8Array.of(0xb8, 1, 0, 0, 0, 0xc2, 12, 0);
const DLL_STUB_64 = Uint8Array.of(0xb8, 1, 0, 0, 0, 0xc3);

let defaultBases = { pe32: 0x400000, pe64: 0x140000000 };

/** What `make` builds without an imageBase of its own gets these: the same programs as if relocated by the loader. */
export function atImageBase<T>(pe32: number, pe64: number, make: () => T): T {
  const before = defaultBases;
  defaultBases = { pe32, pe64 };
  try {
    return make();
  } finally {
    defaultBases = before;
  }
}

/** The file. Throws only for options that no PE can hold. */
export function buildPe(options: PeOptions): Uint8Array {
  const plan = planPe(options);
  const is64 = options.is64 ?? false;
  const last = plan.sections.at(-1);
  const rawEnd = last === undefined ? plan.sizeOfHeaders : last.fileOffset + last.rawSize;
  const overlay = options.overlay ?? new Uint8Array(0);
  const file = new Uint8Array(rawEnd + overlay.length);
  const out = new DataView(file.buffer);

  ascii(file, 0, "MZ");
  for (const [at, value] of [
    [2, 0x90],
    [4, 3],
    [8, 4],
    [12, 0xffff],
    [16, 0xb8],
    [24, 0x40],
  ] as const)
    out.setUint16(at, value, true);
  out.setUint32(0x3c, PE_OFFSET, true);
  for (let i = 0; i < DOS_STUB.length / 2; i++)
    file[0x40 + i] = Number.parseInt(DOS_STUB.slice(i * 2, i * 2 + 2), 16);
  ascii(file, 0x4e, DOS_MESSAGE.slice(0, PE_OFFSET - 0x4e));

  ascii(file, PE_OFFSET, "PE\0\0");
  let at = PE_OFFSET + 4;
  const u8 = (value: number) => out.setUint8(at++, value);
  const u16 = (value: number) => {
    out.setUint16(at, value, true);
    at += 2;
  };
  const u32 = (value: number) => {
    out.setUint32(at, value, true);
    at += 4;
  };
  const word = (value: number) => {
    if (!is64) return u32(value);
    out.setBigUint64(at, BigInt(value), true);
    at += 8;
  };

  // IMAGE_FILE_HEADER. No base relocations, so it must load at its base (RELOCS_STRIPPED).
  u16(is64 ? 0x8664 : 0x14c);
  u16(plan.sections.length);
  u32(options.timeDateStamp ?? DEFAULT_TIME);
  u32(0);
  u32(0);
  u16(is64 ? 240 : 224);
  u16(0x0003 | (is64 ? 0x0020 : 0x0100) | (options.dll ? 0x2000 : 0));

  // IMAGE_OPTIONAL_HEADER
  const sumOf = (bit: number) =>
    plan.sections.reduce((sum, s) => sum + (s.characteristics & bit ? s.rawSize : 0), 0);
  u16(is64 ? 0x20b : 0x10b);
  u8(14);
  u8(0);
  u32(sumOf(0x20));
  u32(sumOf(0x40));
  u32(0);
  u32(plan.entryPointRva);
  u32(plan.sections.find((s) => s.characteristics & 0x20)?.rva ?? 0);
  if (!is64) u32(plan.sections.find((s) => s.characteristics & 0x40)?.rva ?? 0);
  word(plan.imageBase);
  u32(SECTION_ALIGNMENT);
  u32(FILE_ALIGNMENT);
  for (const version of [6, 0, 0, 0, 6, 0]) u16(version); // OS, image, subsystem
  u32(0);
  u32(plan.sizeOfImage);
  u32(plan.sizeOfHeaders);
  u32(0); // CheckSum: looked at for drivers only
  u16(options.subsystem ?? 2);
  u16(0x8100); // TERMINAL_SERVER_AWARE | NX_COMPAT
  for (const size of [0x100000, 0x1000, 0x100000, 0x1000]) word(size);
  u32(0);
  u32(16);
  const directories = { ...plan.directories, ...options.directories };
  for (let i = 0; i < 16; i++) {
    u32(directories[i]?.rva ?? 0);
    u32(directories[i]?.size ?? 0);
  }

  for (const section of plan.sections) {
    ascii(file, at, section.name);
    at += 8;
    u32(section.virtualSize);
    u32(section.rva);
    u32(section.rawSize);
    u32(section.rawSize === 0 ? 0 : section.fileOffset);
    at += 12;
    u32(section.characteristics);
    file.set(section.data, section.fileOffset);
  }
  file.set(overlay, rawEnd);
  return file;
}

/** Where everything will lie. Only the lengths of the data count, so that code may be written afterwards. */
export function layoutPe(options: PeOptions): PeLayout {
  return planPe(options);
}

interface PlannedSection extends PlacedSection {
  readonly data: Uint8Array;
  readonly characteristics: number;
}

interface Plan extends PeLayout {
  readonly sizeOfHeaders: number;
  readonly sections: readonly PlannedSection[];
  readonly directories: Readonly<Record<number, { readonly rva: number; readonly size: number }>>;
}

function planPe(options: PeOptions): Plan {
  const is64 = options.is64 ?? false;
  const imageBase = options.imageBase ?? (is64 ? defaultBases.pe64 : defaultBases.pe32);
  const given = options.sections ?? [];
  const wanted: PeSection[] = given.some((s) => s.name === ".text")
    ? [...given]
    : [{ name: ".text", data: new Uint8Array(0) }, ...given];
  const stub = options.dll ? (is64 ? DLL_STUB_64 : DLL_STUB) : EXE_STUB;
  const count = wanted.length + (options.imports ? 1 : 0) + (options.resources?.length ? 1 : 0);
  const sizeOfHeaders = align(PE_OFFSET + 24 + (is64 ? 240 : 224) + count * 40, FILE_ALIGNMENT);

  const sections: PlannedSection[] = [];
  const directories: Record<number, { rva: number; size: number }> = {};
  let rva = align(sizeOfHeaders, SECTION_ALIGNMENT);
  let fileOffset = sizeOfHeaders;
  let entryPointRva = 0;
  const place = (section: PeSection): void => {
    if (section.name.length > 8) throw new RangeError(`section name ${section.name} is longer than 8`);
    const virtualSize = Math.max(section.virtualSize ?? section.data.length, 1);
    const rawSize = align(section.data.length, FILE_ALIGNMENT);
    sections.push({
      name: section.name,
      data: section.data,
      rva,
      va: imageBase + rva,
      fileOffset,
      virtualSize,
      rawSize,
      characteristics: section.characteristics ?? CHARACTERISTICS[section.name] ?? READ_ONLY_DATA,
    });
    rva = align(rva + virtualSize, SECTION_ALIGNMENT);
    fileOffset += rawSize;
  };

  for (const section of wanted) {
    if (section.name !== ".text" || entryPointRva !== 0) {
      place(section);
      continue;
    }
    const stubAt = align(section.data.length, 16);
    entryPointRva = rva + stubAt;
    const data = new Uint8Array(stubAt + stub.length);
    data.set(section.data);
    data.set(stub, stubAt);
    place({ ...section, data, virtualSize: Math.max(section.virtualSize ?? 0, data.length) });
  }
  if (options.imports) {
    const built = importSection(options.imports, rva, is64);
    directories[1] = { rva, size: built.descriptorsSize };
    directories[12] = { rva: rva + built.iatOffset, size: built.iatSize };
    place({ name: ".idata", data: built.data });
  }
  if (options.resources?.length) {
    const data = resourceSection(options.resources, rva);
    directories[2] = { rva, size: data.length };
    place({ name: ".rsrc", data });
  }

  const section = (name: string): PlacedSection => {
    const found = sections.find((s) => s.name === name);
    if (found === undefined) throw new RangeError(`no section ${name}`);
    return found;
  };
  return {
    imageBase,
    entryPointRva,
    sizeOfImage: rva,
    sizeOfHeaders,
    sections,
    directories,
    section,
    sectionVa: (name) => section(name).va,
  };
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function ascii(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}
