/**
 * ELF core files of Linux, 32 and 64 bit, little-endian: memory from PT_LOAD, the rest from notes. What a core lists
 * and leaves out on purpose (p_filesz below p_memsz: file-backed pages) is not missing.
 * After the System V ABI (gabi, chapters 4 and 5), core(5) and elf(5).
 */
import { type ByteSource, fail, ok, type Result } from "../../bytes/index.ts";
import { type MappedFile, readNotes } from "./elf-notes.ts";
import { endOf } from "./intervals.ts";
import { cutByLabels, labelsOf } from "./labels.ts";
import { type Draft, Listing, MAX_RANGES } from "./listing.ts";
import type { MemoryImage, MemoryModule, MemoryRegion } from "./model.ts";
import { protectionOf } from "./protection.ts";
import { SourceReader } from "./source-reader.ts";

/** "\x7fELF". */
export const ELF_MAGIC = 0x464c_457f;
export const ET_CORE = 4;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
/** e_phnum when the count stands in sh_info of section 0: a process with 65,535 mappings or more. */
const PN_XNUM = 0xffff;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
/** The kernel writes one PT_NOTE. */
const MAX_NOTE_SEGMENTS = 16;

interface Shape {
  readonly is64: boolean;
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
}

interface NoteSegment {
  readonly offset: number;
  readonly size: number;
}

/** Reads headers and notes, none of the memory. Fails for what is no little-endian ELF core. */
export function readElfCore(source: ByteSource): Result<MemoryImage> {
  const reader = new SourceReader(source);
  if (reader.u32(0) !== ELF_MAGIC) return fail({ code: "bad-magic", field: "EI_MAG" });
  const elfClass = reader.u8(4);
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64)
    return fail({ code: "bad-value", field: "EI_CLASS" });
  if (reader.u8(5) !== ELFDATA2LSB) return fail({ code: "bad-value", field: "EI_DATA" });
  if (reader.u16(16) !== ET_CORE) return fail({ code: "bad-value", field: "e_type" });
  const anomalies: string[] = [];
  const shape = readShape(reader, elfClass === ELFCLASS64, anomalies);
  if (shape === undefined) return fail({ code: "truncated", field: "e_phoff" });

  const listing = new Listing(source, anomalies);
  const executable = new Set<bigint>();
  const noteSegments: NoteSegment[] = [];
  for (let i = 0; i < shape.phnum; i++) readSegment(reader, shape, i, listing, executable, noteSegments);
  if (noteSegments.length > MAX_NOTE_SEGMENTS)
    anomalies.push(`${noteSegments.length} note segments; ${MAX_NOTE_SEGMENTS} are read`);
  const notes = readNotes(reader, noteSegments.slice(0, MAX_NOTE_SEGMENTS), shape.is64, anomalies);

  const { regions, missing } = listing.finish();
  if (regions.length === 0) anomalies.push("holds no memory");
  return ok({
    kind: "elf-core",
    source,
    regions: notes.files === undefined ? regions : withFiles(regions, notes.files, executable),
    modules: modulesOf(notes.files ?? []),
    ...(notes.process === undefined ? {} : { process: notes.process }),
    pointerSize: shape.is64 ? 8 : 4,
    anomalies,
    missing,
  });
}

function readShape(reader: SourceReader, is64: boolean, anomalies: string[]): Shape | undefined {
  const phoff = reader.word(is64 ? 32 : 28, is64);
  const phentsize = reader.u16(is64 ? 54 : 42);
  let phnum = reader.u16(is64 ? 56 : 44);
  if (phoff === undefined || phentsize === undefined || phnum === undefined) return undefined;
  if (phnum === PN_XNUM) {
    const shoff = Number(reader.word(is64 ? 40 : 32, is64) ?? 0n);
    const info = shoff === 0 ? undefined : reader.u32(shoff + (is64 ? 44 : 28));
    if (info === undefined) anomalies.push("the count of segments is in a section header that is not there");
    else phnum = info;
  }
  const least = is64 ? 56 : 32;
  if (phentsize < least || Number(phoff) + least > reader.source.size) return undefined;
  const there = Math.floor((reader.source.size - Number(phoff)) / phentsize);
  if (phnum > there) anomalies.push(`the header counts ${phnum} segments, the file has room for ${there}`);
  if (Math.min(phnum, there) > MAX_RANGES) anomalies.push(`more than ${MAX_RANGES} segments; these are read`);
  return { is64, phoff: Number(phoff), phentsize, phnum: Math.min(phnum, there, MAX_RANGES) };
}

function readSegment(
  reader: SourceReader,
  { is64, phoff, phentsize }: Shape,
  index: number,
  listing: Listing,
  executable: Set<bigint>,
  notes: NoteSegment[],
): void {
  const at = phoff + index * phentsize;
  const type = reader.u32(at);
  const offset = reader.word(at + (is64 ? 8 : 4), is64);
  const address = reader.word(at + (is64 ? 16 : 8), is64);
  const size = reader.word(at + (is64 ? 32 : 16), is64);
  const flags = reader.u32(at + (is64 ? 4 : 24));
  if (offset === undefined || address === undefined || size === undefined || flags === undefined) return;
  if (type === PT_NOTE) notes.push({ offset: Number(offset), size: Number(size) });
  if (type !== PT_LOAD) return;
  if ((flags & PF_X) !== 0) executable.add(address);
  const protection = protectionOf((flags & PF_R) !== 0, (flags & PF_W) !== 0, (flags & PF_X) !== 0);
  listing.add(address, Number(size), Number(offset), protection);
}

/**
 * What files lie where. One with an executable mapping, or with several side by side as a loader makes them (a core
 * may leave out the code, which the file has), is a program or library; others are data.
 */
function withFiles(
  regions: readonly Draft[],
  files: readonly MappedFile[],
  executable: ReadonlySet<bigint>,
): readonly MemoryRegion[] {
  const images = new Set<string>();
  files.forEach((file, i) => {
    const before = files[i - 1];
    const sideBySide = before?.name === file.name && endOf(before) === file.address;
    if (sideBySide || executable.has(file.address)) images.add(file.name);
  });
  const out: Draft[] = [];
  cutByLabels(regions, labelsOf(files), (region, file) => {
    region.type = file === undefined ? "private" : images.has(file.name) ? "image" : "mapped";
    region.module = file?.name;
    out.push(region);
  });
  return out;
}

/** The mappings of one file that follow each other are one module. */
function modulesOf(files: readonly MappedFile[]): MemoryModule[] {
  const modules: { name: string; address: bigint; size: number }[] = [];
  for (const { name, address, size } of files) {
    const last = modules.at(-1);
    if (last?.name === name && last.address <= address) last.size = Number(address - last.address) + size;
    else modules.push({ name, address, size });
  }
  return modules;
}
