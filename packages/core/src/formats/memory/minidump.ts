/**
 * Minidumps (MDMP), after minidumpapiset.h. Memory comes from Memory64List, MemoryList and the threads' stacks, in
 * that order; protections and types from MemoryInfoList; names from ModuleList.
 * https://learn.microsoft.com/windows/win32/api/minidumpapiset/
 */
import { type ByteSource, fail, ok, type Result } from "../../bytes/index.ts";
import { withAttributes, withModules } from "./labels.ts";
import { Listing } from "./listing.ts";
import { readMemoryInfo, readMiscInfo, readModules, readSystemInfo } from "./minidump-facts.ts";
import type { MinidumpParts, Stream } from "./minidump-lists.ts";
import { readMemory64List, readMemoryList, readThreadStacks } from "./minidump-memory.ts";
import type { MemoryImage } from "./model.ts";
import { SourceReader } from "./source-reader.ts";

/** "MDMP". */
export const MINIDUMP_SIGNATURE = 0x504d_444d;
const HEADER_SIZE = 32;
const DIRECTORY_ENTRY_SIZE = 12;
/** dbghelp writes some fifteen streams; tools that add their own stay below a hundred. */
const MAX_STREAMS = 1024;

/** MINIDUMP_STREAM_TYPE. Exception (6) and ProcessVmCounters (22) say nothing of addresses. */
const STREAM = {
  unused: 0,
  threadList: 3,
  moduleList: 4,
  memoryList: 5,
  systemInfo: 7,
  memory64List: 9,
  miscInfo: 15,
  memoryInfoList: 16,
} as const;

/**
 * Reads a minidump's lists, none of its memory. Fails for what is not one (`bad-magic`) and for one whose directory
 * is not there (`truncated`); all else that is wrong is said in `anomalies` and `missing`.
 */
export function readMinidump(source: ByteSource): Result<MemoryImage> {
  const reader = new SourceReader(source);
  if (reader.u32(0) !== MINIDUMP_SIGNATURE) return fail({ code: "bad-magic", field: "Signature" });
  const count = reader.u32(8);
  const directory = reader.u32(12);
  if (count === undefined || directory === undefined || source.size < HEADER_SIZE)
    return fail({ code: "truncated", field: "MINIDUMP_HEADER" });
  if (count > 0 && directory + DIRECTORY_ENTRY_SIZE > source.size)
    return fail({ code: "truncated", field: "StreamDirectoryRva" });

  const anomalies: string[] = [];
  const parts: MinidumpParts = { reader, anomalies };
  const streams = readDirectory(parts, directory, count);
  const listing = new Listing(source, anomalies);
  readMemory64List(parts, streams.get(STREAM.memory64List), listing);
  readMemoryList(parts, streams.get(STREAM.memoryList), listing);
  readThreadStacks(parts, streams.get(STREAM.threadList), listing);
  const infos = readMemoryInfo(parts, streams.get(STREAM.memoryInfoList));
  const modules = readModules(parts, streams.get(STREAM.moduleList));
  const pointerSize = readSystemInfo(parts, streams.get(STREAM.systemInfo));
  const pid = readMiscInfo(parts, streams.get(STREAM.miscInfo));

  const { regions, missing } = listing.finish();
  if (regions.length === 0) anomalies.push("holds no memory");
  const name = programOf(modules);
  return ok({
    kind: "minidump",
    source,
    regions: withModules(withAttributes(regions, infos), modules),
    modules,
    ...(name === undefined && pid === undefined
      ? {}
      : { process: { ...(name === undefined ? {} : { name }), ...(pid === undefined ? {} : { pid }) } }),
    ...(pointerSize === undefined ? {} : { pointerSize }),
    anomalies,
    missing,
  });
}

/** The first stream of each type. */
function readDirectory(
  { reader, anomalies }: MinidumpParts,
  directory: number,
  count: number,
): ReadonlyMap<number, Stream> {
  const size = reader.source.size;
  const there = Math.floor((size - directory) / DIRECTORY_ENTRY_SIZE);
  if (count > there) anomalies.push(`the header counts ${count} streams, the file has room for ${there}`);
  else if (count > MAX_STREAMS) anomalies.push(`there are ${count} streams; ${MAX_STREAMS} are read`);
  const streams = new Map<number, Stream>();
  for (let i = 0; i < Math.min(count, there, MAX_STREAMS); i++) {
    const at = directory + i * DIRECTORY_ENTRY_SIZE;
    const type = reader.u32(at) ?? STREAM.unused;
    const length = reader.u32(at + 4) ?? 0;
    const offset = reader.u32(at + 8) ?? 0;
    if (type === STREAM.unused) continue;
    if (streams.has(type)) {
      anomalies.push(`stream ${type} is listed again`);
      continue;
    }
    const held = Math.max(0, Math.min(length, size - offset));
    if (held < length) anomalies.push(`stream ${type} is not wholly in the file`);
    streams.set(type, { offset, size: held });
  }
  if (overlap([...streams.values()])) anomalies.push("streams overlap");
  return streams;
}

function overlap(streams: readonly Stream[]): boolean {
  const ascending = streams.filter((one) => one.size > 0).sort((a, b) => a.offset - b.offset);
  return ascending.some((one, i) => {
    const before = ascending[i - 1];
    return before !== undefined && before.offset + before.size > one.offset;
  });
}

/** File name of the first module that is a program: dbghelp lists modules in load order, the program first. */
function programOf(modules: readonly { readonly name: string }[]): string | undefined {
  const path = modules.find(({ name }) => name.toLowerCase().endsWith(".exe"))?.name;
  return path?.slice(Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/")) + 1);
}
