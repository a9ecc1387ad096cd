/** The streams of a minidump that say what lies at its addresses, and whose memory it is. */
import { utf16le } from "../../bytes/index.ts";
import type { Labels, MemoryInfo } from "./labels.ts";
import { countedList, type EntryList, entriesIn, type MinidumpParts, type Stream } from "./minidump-lists.ts";
import type { MemoryModule } from "./model.ts";
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

/** Committed ranges with their protection and type, as listed. */
export function readMemoryInfo(parts: MinidumpParts, stream: Stream | undefined): Labels<MemoryInfo> {
  const list = stream === undefined ? undefined : memoryInfoList(parts, stream);
  // In columns: of a hundred thousand infos not one outlives the reading.
  const columns = new InfoColumns(list?.count ?? 0);
  const { reader } = parts;
  for (let i = 0; list !== undefined && i < list.count; i++) {
    const at = reader.locate(list.start + i * list.entrySize, MEMORY_INFO);
    if (at < 0) break;
    const { view } = reader;
    const size = Number(view.getBigUint64(at + 24, true));
    if ((view.getUint32(at + 32, true) & MEM_COMMIT) === 0 || size === 0) continue;
    const [protect, type] = [view.getUint32(at + 36, true), view.getUint32(at + 40, true)];
    columns.add(view.getBigUint64(at, true), size, protect, type);
  }
  return columns;
}

function memoryInfoList(parts: MinidumpParts, stream: Stream): EntryList | undefined {
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
    return undefined;
  }
  if (headerSize < MEMORY_INFO_LIST_HEADER || entrySize < MEMORY_INFO) {
    anomalies.push(
      `MemoryInfoListStream has a header of ${headerSize} bytes and entries of ${entrySize}: not read`,
    );
    return undefined;
  }
  return entriesIn(parts, "MemoryInfoListStream", stream, headerSize, entrySize, Number(counted));
}

class InfoColumns implements Labels<MemoryInfo> {
  length = 0;
  readonly #addresses: BigUint64Array;
  readonly #sizes: Float64Array;
  readonly #protects: Uint32Array;
  readonly #types: Uint32Array;

  constructor(room: number) {
    this.#addresses = new BigUint64Array(room);
    this.#sizes = new Float64Array(room);
    this.#protects = new Uint32Array(room);
    this.#types = new Uint32Array(room);
  }

  add(address: bigint, size: number, protect: number, type: number): void {
    const index = this.length++;
    this.#addresses[index] = address;
    this.#sizes[index] = size;
    this.#protects[index] = protect;
    this.#types[index] = type;
  }

  address(index: number): bigint {
    return this.#addresses[index] as bigint;
  }

  size(index: number): number {
    return this.#sizes[index] as number;
  }

  value(index: number): MemoryInfo {
    const protection = protectionOfPage(this.#protects[index] as number);
    return { protection, type: typeOfMemory(this.#types[index] as number) };
  }
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

/** As the dumping tool saw it: a 32-bit process under WOW64 that a 64-bit tool dumped has 8. */
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
