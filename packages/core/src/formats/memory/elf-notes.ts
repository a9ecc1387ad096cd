/** Notes of an ELF core: which files are mapped where (NT_FILE), whose core it is (NT_PRPSINFO, NT_PRSTATUS). */
import { latin1, utf8 } from "../../bytes/index.ts";
import type { Interval } from "./intervals.ts";
import { MAX_RANGES } from "./listing.ts";
import type { MemoryImage } from "./model.ts";
import type { SourceReader } from "./source-reader.ts";

/** "CORE", the owner of the notes of every Unix. */
const CORE = 0x4552_4f43;
const NT_PRSTATUS = 1;
const NT_PRPSINFO = 3;
const NT_FILE = 0x4649_4c45;
/** A handful of notes for each thread. */
const MAX_NOTES = 1 << 17;
/** PATH_MAX of Linux. */
const MAX_PATH = 4096;
const FNAME_LENGTH = 16;

/** Offsets within struct elf_prpsinfo, by its size: 64 bit, 32 bit with 16-bit and with 32-bit user ids. */
const PRPSINFO: ReadonlyMap<number, { readonly pid: number; readonly fname: number }> = new Map([
  [136, { pid: 24, fname: 40 }],
  [124, { pid: 12, fname: 28 }],
  [128, { pid: 16, fname: 32 }],
]);

export interface MappedFile extends Interval {
  readonly name: string;
}

export interface Notes {
  /** Undefined when no note says what files are mapped. */
  readonly files?: readonly MappedFile[];
  readonly process?: NonNullable<MemoryImage["process"]>;
}

interface Note {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

export function readNotes(
  reader: SourceReader,
  segments: readonly { readonly offset: number; readonly size: number }[],
  is64: boolean,
  anomalies: string[],
): Notes {
  const notes = segments.flatMap((segment) => notesIn(reader, segment, anomalies));
  const first = (type: number) => notes.find((note) => note.type === type);
  const files = first(NT_FILE);
  const process = processOf(reader, first(NT_PRPSINFO), first(NT_PRSTATUS), is64);
  return {
    ...(files === undefined ? {} : { files: readFiles(reader, files, is64, anomalies) }),
    ...(process === undefined ? {} : { process }),
  };
}

/** The notes read here: name and description are padded to four bytes in files of either class. */
function notesIn(
  reader: SourceReader,
  { offset, size }: { readonly offset: number; readonly size: number },
  anomalies: string[],
): Note[] {
  const end = Math.min(offset + size, reader.source.size);
  if (end < offset + size) anomalies.push("a note segment is not wholly in the file");
  const notes: Note[] = [];
  let at = offset;
  for (let i = 0; at + 12 <= end; i++) {
    if (i >= MAX_NOTES) {
      anomalies.push(`more than ${MAX_NOTES} notes; these are read`);
      break;
    }
    const nameSize = reader.u32(at);
    const length = reader.u32(at + 4);
    const type = reader.u32(at + 8);
    if (nameSize === undefined || length === undefined || type === undefined) break;
    const start = at + 12 + align4(nameSize);
    const known = type === NT_PRSTATUS || type === NT_PRPSINFO || type === NT_FILE;
    if (known && (nameSize === 4 || nameSize === 5) && reader.u32(at + 12) === CORE)
      notes.push({ type, offset: start, size: Math.max(0, Math.min(length, end - start)) });
    at = start + align4(length);
  }
  if (at > end) anomalies.push("a note runs past the end of its segment");
  return notes;
}

/** count, page size, then start, end and page offset of each mapping, then their names. */
function readFiles(reader: SourceReader, note: Note, is64: boolean, anomalies: string[]): MappedFile[] {
  const word = is64 ? 8 : 4;
  const counted = Number(reader.word(note.offset, is64) ?? 0n);
  const table = note.offset + 2 * word;
  const there = Math.max(0, Math.floor((note.size - 2 * word) / (3 * word)));
  if (counted > there) anomalies.push(`NT_FILE counts ${counted} mappings, its note has room for ${there}`);
  const ranges: Interval[] = [];
  const count = Math.min(counted, there, MAX_RANGES);
  for (let i = 0; i < count; i++) {
    const address = reader.word(table + 3 * word * i, is64);
    const end = reader.word(table + 3 * word * i + word, is64);
    if (address === undefined || end === undefined) break;
    ranges.push({ address, size: Number(end - address) });
  }
  const files: MappedFile[] = [];
  const behind = note.offset + note.size;
  let at = table + 3 * word * counted;
  for (const { address, size } of ranges) {
    const name = at < behind ? reader.cString(at, Math.min(MAX_PATH, behind - at)) : undefined;
    if (name === undefined) {
      anomalies.push("names in NT_FILE run off its note or are too long");
      break;
    }
    at += name.length + 1;
    if (size > 0) files.push({ name: utf8(name) ?? latin1(name), address, size });
  }
  return files;
}

function processOf(
  reader: SourceReader,
  info: Note | undefined,
  status: Note | undefined,
  is64: boolean,
): Notes["process"] {
  const fields = info === undefined ? undefined : PRPSINFO.get(info.size);
  if (info !== undefined && fields !== undefined) {
    const pid = reader.u32(info.offset + fields.pid);
    const fname = reader.bytes(info.offset + fields.fname, FNAME_LENGTH);
    const end = fname.indexOf(0);
    const name = fname.subarray(0, end < 0 ? fname.length : end);
    return {
      ...(name.length === 0 ? {} : { name: utf8(name) ?? latin1(name) }),
      ...(pid === undefined ? {} : { pid }),
    };
  }
  // pr_pid of struct elf_prstatus, behind siginfo, the signal and two words of signal sets. It is the thread's id,
  // which for the first thread is the process's.
  const at = is64 ? 32 : 24;
  if (status === undefined || status.size < at + 4) return undefined;
  const pid = reader.u32(status.offset + at);
  return pid === undefined ? undefined : { pid };
}

function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
