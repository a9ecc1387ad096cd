/**
 * CAPE's `memory/<pid>.dmp`, which Cuckoo 2 wrote too: records of address (u64), size, State, Type and Protect (u32
 * each, as MEMORY_BASIC_INFORMATION has them), each followed by its bytes.
 * After parse_dump in lib/cuckoo/common/objects.py of CAPEv2.
 */
import { type ByteSource, fail, ok, type Result } from "../../bytes/index.ts";
import { Listing } from "./listing.ts";
import type { MemoryImage, MemoryRegion } from "./model.ts";
import { MEM_COMMIT, protectionOfPage, typeOfMemory } from "./protection.ts";
import { SourceReader } from "./source-reader.ts";

const RECORD_HEADER = 24;
const PAGE_MASK = 0xfff;
/** Records that must look right before a file counts as such a dump; a shorter one must have them all. */
const PROBED_RECORDS = 4;

interface RecordHeader {
  readonly address: bigint;
  readonly size: number;
  readonly protection: MemoryRegion["protection"];
  readonly type: MemoryRegion["type"];
  readonly offset: number;
}

/** Whether the first records chain: committed pages of a known type and protection, addresses that ascend. */
export function isCapeDump(source: ByteSource): boolean {
  const reader = new SourceReader(source, RECORD_HEADER);
  let offset = 0;
  let end = 0n;
  for (let i = 0; i < PROBED_RECORDS; i++) {
    if (offset >= source.size) return i > 0;
    const header = readHeader(reader, offset);
    if (header === undefined) return i > 0 && offset + RECORD_HEADER > source.size;
    if (header.address < end || header.protection === undefined) return false;
    end = header.address + BigInt(header.size);
    offset = header.offset + header.size;
  }
  return true;
}

/** Reads the record headers, none of the memory. Fails (`bad-magic`) when the file does not start with a record. */
export function readCapeDump(source: ByteSource): Result<MemoryImage> {
  const reader = new SourceReader(source, RECORD_HEADER);
  if (readHeader(reader, 0) === undefined)
    return fail({ code: "bad-magic", field: "MEMORY_BASIC_INFORMATION" });
  const anomalies: string[] = [];
  const listing = new Listing(source, anomalies);
  let offset = 0;
  while (offset < source.size) {
    const header = readHeader(reader, offset);
    if (header === undefined) {
      anomalies.push(`no record at offset ${offset}: ${source.size - offset} bytes are not read`);
      break;
    }
    const { address, size, protection, type } = header;
    const taken = listing.add(address, size, header.offset, protection, type);
    if (!taken) {
      anomalies.push(`more than ${listing.count} records: ${source.size - offset} bytes are not read`);
      break;
    }
    offset = header.offset + header.size;
  }
  const { regions, missing } = listing.finish();
  return ok({ kind: "cape-dump", source, regions, modules: [], anomalies, missing });
}

/** A record that VirtualQuery could have given; undefined for anything else. */
function readHeader(reader: SourceReader, offset: number): RecordHeader | undefined {
  const address = reader.u64(offset);
  const size = reader.u32(offset + 8);
  const state = reader.u32(offset + 12);
  const type = reader.u32(offset + 16);
  const protect = reader.u32(offset + 20);
  if (
    address === undefined ||
    size === undefined ||
    state === undefined ||
    type === undefined ||
    protect === undefined
  )
    return undefined;
  const memoryType = typeOfMemory(type);
  const protection = protectionOfPage(protect);
  const plausible =
    (Number(address & 0xffffn) & PAGE_MASK) === 0 &&
    size > 0 &&
    (size & PAGE_MASK) === 0 &&
    state === MEM_COMMIT &&
    memoryType !== undefined &&
    // VirtualQuery gives no protection for a few secured regions.
    (protection !== undefined || protect === 0);
  return plausible
    ? { address, size, protection, type: memoryType, offset: offset + RECORD_HEADER }
    : undefined;
}
