/** The streams of a minidump that say where memory lies in the file. */
import type { Listing } from "./listing.ts";
import { countedList, entriesIn, type MinidumpParts, type Stream } from "./minidump-lists.ts";

/** MINIDUMP_MEMORY64_LIST: NumberOfMemoryRanges, BaseRva. */
const MEMORY64_LIST_HEADER = 16;
/** MINIDUMP_MEMORY_DESCRIPTOR64: StartOfMemoryRange, DataSize. */
const MEMORY_DESCRIPTOR64 = 16;
/** MINIDUMP_MEMORY_DESCRIPTOR: StartOfMemoryRange, then DataSize and Rva of 32 bits. */
const MEMORY_DESCRIPTOR = 16;
const THREAD = 48;
/** `Stack` within MINIDUMP_THREAD. */
const THREAD_STACK = 24;
/** Windows takes some ten thousand threads a process before memory ends. */
const MAX_THREADS = 1 << 16;

/** The data of the ranges follows each other from BaseRva on, in list order. */
export function readMemory64List(parts: MinidumpParts, stream: Stream | undefined, listing: Listing): void {
  if (stream === undefined) return;
  const { reader, anomalies } = parts;
  const counted = reader.u64(stream.offset);
  const base = reader.u64(stream.offset + 8);
  if (stream.size < MEMORY64_LIST_HEADER || counted === undefined || base === undefined) {
    anomalies.push("Memory64ListStream is cut");
    return;
  }
  const list = entriesIn(
    parts,
    "Memory64ListStream",
    stream,
    MEMORY64_LIST_HEADER,
    MEMORY_DESCRIPTOR64,
    Number(counted),
  );
  let offset = Number(base);
  for (let i = 0; i < list.count; i++) {
    const at = reader.locate(list.start + i * MEMORY_DESCRIPTOR64, MEMORY_DESCRIPTOR64);
    if (at < 0) return;
    const size = Number(reader.view.getBigUint64(at + 8, true));
    listing.add(reader.view.getBigUint64(at, true), size, offset);
    offset += size;
  }
}

export function readMemoryList(parts: MinidumpParts, stream: Stream | undefined, listing: Listing): void {
  if (stream === undefined) return;
  const list = countedList(parts, "MemoryListStream", stream, MEMORY_DESCRIPTOR);
  for (let i = 0; i < list.count; i++) addDescriptor(parts, list.start + i * MEMORY_DESCRIPTOR, listing);
}

/**
 * Stacks are listed with their threads too. With full memory dbghelp leaves their Rva zero; without, they are often
 * the same bytes as in MemoryList.
 */
export function readThreadStacks(parts: MinidumpParts, stream: Stream | undefined, listing: Listing): void {
  if (stream === undefined) return;
  const list = countedList(parts, "ThreadListStream", stream, THREAD, MAX_THREADS);
  listing.listAgain();
  for (let i = 0; i < list.count; i++) addDescriptor(parts, list.start + i * THREAD + THREAD_STACK, listing);
}

function addDescriptor({ reader }: MinidumpParts, at: number, listing: Listing): void {
  const address = reader.u64(at);
  const size = reader.u32(at + 8);
  const offset = reader.u32(at + 12);
  // An Rva of zero would be the file's header: the writer kept no bytes of this range here.
  if (address === undefined || size === undefined || offset === undefined || offset === 0) return;
  listing.add(address, size, offset);
}
