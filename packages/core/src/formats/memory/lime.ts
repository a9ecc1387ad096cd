/**
 * LiME: physical memory as ranges, each behind a header of 32 bytes: magic, version (u32), first and last address
 * (u64), eight bytes reserved. After doc/README of 504ensicsLabs/LiME.
 */
import { type ByteSource, fail, ok, type Result } from "../../bytes/index.ts";
import { Listing } from "./listing.ts";
import type { MemoryImage } from "./model.ts";
import { SourceReader } from "./source-reader.ts";

/** "EMiL" as bytes. */
export const LIME_MAGIC = 0x4c69_4d45;
const LIME_VERSION = 1;
const RANGE_HEADER = 32;

/** Reads the range headers, none of the memory. Fails when the first is none, or of another version. */
export function readLime(source: ByteSource): Result<MemoryImage> {
  const reader = new SourceReader(source, RANGE_HEADER);
  if (reader.u32(0) !== LIME_MAGIC) return fail({ code: "bad-magic", field: "magic" });
  if (reader.u32(4) !== LIME_VERSION) return fail({ code: "bad-value", field: "version" });
  if (source.size < RANGE_HEADER) return fail({ code: "truncated", field: "s_addr" });
  const anomalies: string[] = [];
  const listing = new Listing(source, anomalies);
  let offset = 0;
  while (offset < source.size) {
    const first = reader.u64(offset + 8);
    const last = reader.u64(offset + 16);
    const isRange = reader.u32(offset) === LIME_MAGIC && reader.u32(offset + 4) === LIME_VERSION;
    if (!isRange || first === undefined || last === undefined || last < first) {
      anomalies.push(`no range header at offset ${offset}: ${source.size - offset} bytes are not read`);
      break;
    }
    const size = Number(last - first) + 1;
    if (!listing.add(first, size, offset + RANGE_HEADER)) {
      anomalies.push(`more than ${listing.count} ranges: ${source.size - offset} bytes are not read`);
      break;
    }
    offset += RANGE_HEADER + size;
  }
  const { regions, missing } = listing.finish();
  return ok({ kind: "lime", source, regions, modules: [], anomalies, missing });
}
