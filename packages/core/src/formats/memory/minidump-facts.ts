/** The streams of a minidump that say what lies at its addresses, and whose memory it is. */
import { utf16le } from "../../bytes/index.ts";
import { endOf, type Interval } from "./intervals.ts";
import { countedList, entriesIn, type MinidumpParts, type Stream } from "./minidump-lists.ts";
import type { MemoryModule, MemoryRegion } from "./model.ts";
import { MEM_COMMIT, protectionOfPage, typeOfMemory } from "./protection.ts";

const MODULE = 108;
/** A process with all of Office's add-ins has some five hundred modules. */
const MAX_MODULES = 1 << 14;
/** Bytes of a module's path; MAX_PATH is 260 chars, and longer ones are rare. */
const MAX_NAME_BYTES = 2048;

/** MINIDUMP_MEMORY_INFO_LIST: SizeOfHeader, SizeOfEntry, NumberOfEntries. */
const MEMORY_INFO_LIST_HEADER = 16;
const MEMORY_INFO = 48;

/** ProcessorArchitecture of SYSTEM_INFO → bytes of a pointer. */
const POINTER_SIZES: ReadonlyMap<number, 4 | 8> = new Map([
  [0, 4], // INTEL
  [5, 4], // ARM
  [6, 8], // IA64
  [9, 8], // AMD64
  [10, 4], // IA32_ON_WIN64
  [12, 8], // ARM64
]);

const MINIDUMP_MISC1_PROCESS_ID = 1;

export type MemoryInfo = Interval & Pick<MemoryRegion, "protection" | "type">;

/** Committed ranges with their protection and type, as listed. */
export function readMemoryInfo(parts: MinidumpParts, stream: Stream | undefined): MemoryInfo[] {
  if (stream === undefined) return [];
  const { reader, anomalies } = parts;
  const headerSize = reader.u32(stream.offset);
  const entrySize = reader.u32(stream.offset + 4);
  const counted = reader.u64(stream.offset + 8);
  if (
    stream.size < MEMORY_INFO_LIST_HEADER ||
    headerSize === undefined ||
    entrySize === undefined ||
    counted === undefined
  ) {
    anomalies.push("MemoryInfoListStream is cut");
    return [];
  }
  if (headerSize < MEMORY_INFO_LIST_HEADER || entrySize < MEMORY_INFO) {
    anomalies.push(
      `MemoryInfoListStream has a header of ${headerSize} bytes and entries of ${entrySize}: not read`,
    );
    return [];
  }
  const list = entriesIn(parts, "MemoryInfoListStream", stream, headerSize, entrySize, Number(counted));
  const infos: MemoryInfo[] = [];
  for (let i = 0; i < list.count; i++) {
    const at = list.start + i * entrySize;
    const address = reader.u64(at);
    const size = reader.u64(at + 24);
    const protect = reader.u32(at + 36);
    if (address === undefined || size === undefined || protect === undefined) break;
    if (((reader.u32(at + 32) ?? 0) & MEM_COMMIT) === 0 || size === 0n) continue;
    const protection = protectionOfPage(protect);
    const type = typeOfMemory(reader.u32(at + 40) ?? 0);
    infos.push({
      address,
      end: endOf(address, size),
      ...(protection === undefined ? {} : { protection }),
      ...(type === undefined ? {} : { type }),
    });
  }
  return infos;
}

export function readModules(parts: MinidumpParts, stream: Stream | undefined): MemoryModule[] {
  if (stream === undefined) return [];
  const { reader } = parts;
  const list = countedList(parts, "ModuleListStream", stream, MODULE, MAX_MODULES);
  const modules: MemoryModule[] = [];
  const names: { readonly at: number; readonly index: number }[] = [];
  for (let i = 0; i < list.count; i++) {
    const at = list.start + i * MODULE;
    const address = reader.u64(at);
    const size = reader.u32(at + 8);
    const nameAt = reader.u32(at + 20);
    if (address === undefined || size === undefined || nameAt === undefined) break;
    names.push({ at: nameAt, index: i });
    modules.push({ name: "", address, size });
  }
  // In a second pass and by place, so that the reader goes through the file once.
  names.sort((a, b) => a.at - b.at);
  let unread = 0;
  for (const { at, index } of names) {
    const name = readName(parts, at);
    if (name === undefined) unread++;
    else modules[index] = { ...(modules[index] as MemoryModule), name };
  }
  if (unread > 0) parts.anomalies.push(`names of ${unread} modules are not wholly in the file or too long`);
  return modules;
}

/** MINIDUMP_STRING: bytes without the NUL, then UTF-16LE. */
function readName({ reader }: MinidumpParts, offset: number): string | undefined {
  const length = reader.u32(offset);
  if (length === undefined || length > MAX_NAME_BYTES) return undefined;
  const bytes = reader.bytes(offset + 4, length);
  return bytes.length === length ? utf16le(bytes) : undefined;
}

export function readSystemInfo(parts: MinidumpParts, stream: Stream | undefined): 4 | 8 | undefined {
  if (stream === undefined || stream.size < 2) return undefined;
  const architecture = parts.reader.u16(stream.offset);
  return architecture === undefined ? undefined : POINTER_SIZES.get(architecture);
}

/** ProcessId of MINIDUMP_MISC_INFO, when its flags say that it is there. */
export function readMiscInfo(parts: MinidumpParts, stream: Stream | undefined): number | undefined {
  if (stream === undefined || stream.size < 12) return undefined;
  const flags = parts.reader.u32(stream.offset + 4) ?? 0;
  return (flags & MINIDUMP_MISC1_PROCESS_ID) === 0 ? undefined : parts.reader.u32(stream.offset + 8);
}
