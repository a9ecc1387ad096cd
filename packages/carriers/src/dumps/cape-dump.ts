/** Writes CAPE's `memory/<pid>.dmp`: a record header before each region's bytes, in the order given. */
import { ByteWriter } from "../dotnet/bytes.ts";
import { type DumpRegion, memoryType, pageProtection } from "./regions.ts";

const MEM_COMMIT = 0x1000;

export function writeCapeDump(regions: readonly DumpRegion[]): Uint8Array {
  const out = new ByteWriter();
  for (const region of regions) {
    out.u64(region.address).u32(region.bytes.length).u32(MEM_COMMIT);
    out.u32(memoryType(region)).u32(pageProtection(region)).bytes(region.bytes);
  }
  return out.toBytes();
}
