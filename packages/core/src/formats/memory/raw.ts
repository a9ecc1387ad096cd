/** Images without any header: a machine's RAM from address 0 on, or one region whose address somebody gave. */
import { type ByteSource, fail, ok, type Result } from "../../bytes/index.ts";
import { ADDRESS_END } from "./intervals.ts";
import { Listing } from "./listing.ts";
import type { MemoryImage } from "./model.ts";

/** Physical pages: what a page says stays, what spans pages may lie elsewhere. */
export function readRaw(source: ByteSource): Result<MemoryImage> {
  return ok(oneRegion("raw", source, 0n, []));
}

/** One run of bytes at `base`; where nobody knows the base, addresses count from 0 and `anomalies` says so. */
export function readRegion(source: ByteSource, base?: bigint): Result<MemoryImage> {
  if (base !== undefined && (base < 0n || base >= ADDRESS_END))
    return fail({ code: "bad-value", field: "base" });
  const anomalies = base === undefined ? ["no base address is known: addresses count from 0"] : [];
  return ok(oneRegion("region", source, base ?? 0n, anomalies));
}

function oneRegion(
  kind: "raw" | "region",
  source: ByteSource,
  address: bigint,
  anomalies: string[],
): MemoryImage {
  const listing = new Listing(source, anomalies);
  listing.add(address, source.size, 0);
  const { regions, missing } = listing.finish();
  return { kind, source, regions, modules: [], anomalies, missing };
}
