/** Writes LiME images: a range header before each region's bytes, in the order given. */
import { ByteWriter } from "../dotnet/bytes.ts";
import type { DumpRegion } from "./regions.ts";

export function writeLime(regions: readonly DumpRegion[]): Uint8Array {
  const out = new ByteWriter();
  for (const { address, bytes } of regions) {
    out
      .ascii("EMiL")
      .u32(1)
      .u64(address)
      .u64(address + BigInt(bytes.length) - 1n)
      .u64(0n);
    out.bytes(bytes);
  }
  return out.toBytes();
}
