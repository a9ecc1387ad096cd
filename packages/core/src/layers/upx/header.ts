/** UPX's PackHeader: 32 bytes right before the compressed data (format facts: UPX's packhead.cpp). */
import type { View } from "../../bytes/index.ts";
import type { NrvWidth } from "../../codecs/index.ts";

export type UpxAlgorithm = "nrv2b" | "nrv2d" | "nrv2e" | "lzma";

export interface UpxMethod {
  readonly algorithm: UpxAlgorithm;
  readonly width: NrvWidth;
}

export interface PackHeader {
  /** Offset of its magic. */
  readonly at: number;
  /** Its size, so that the compressed data starts at `at + size`. */
  readonly size: number;
  readonly method: UpxMethod;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
  /** Adler-32 of the image, before its filter is undone. */
  readonly uncompressedAdler: number;
  readonly compressedAdler: number;
  readonly filter: number;
  readonly filterCto: number;
  /** Its own checksum and magic are right. */
  readonly isIntact: boolean;
}

/** M_NRV2B_LE32 … M_LZMA. */
const METHODS: Readonly<Record<number, UpxMethod>> = {
  2: { algorithm: "nrv2b", width: 32 },
  3: { algorithm: "nrv2b", width: 8 },
  4: { algorithm: "nrv2b", width: 16 },
  5: { algorithm: "nrv2d", width: 32 },
  6: { algorithm: "nrv2d", width: 8 },
  7: { algorithm: "nrv2d", width: 16 },
  8: { algorithm: "nrv2e", width: 32 },
  9: { algorithm: "nrv2e", width: 8 },
  10: { algorithm: "nrv2e", width: 16 },
  14: { algorithm: "lzma", width: 32 },
};
export const UPX_MAGIC = Uint8Array.of(0x55, 0x50, 0x58, 0x21);
/** From this version on the header has a checksum, and a filter id instead of a flag. */
const FIRST_WITH_CHECKSUM = 10;
const SIZE = 32;
const OLD_SIZE = 28;
/** The flag of old versions: calls and jumps are filtered as 26 does it. */
const OLD_FILTER = 0x26;

/**
 * A header at `at`, its magic and checksum right or not: what modified packers damage is made up for by the code and
 * by the decompressed image. Undefined when its sizes cannot be, or its method is unknown.
 */
export function readPackHeader(view: View, at: number): PackHeader | undefined {
  const bytes = view.sub(at, OLD_SIZE)?.bytes;
  const uncompressedAdler = view.u32(at + 8);
  const compressedAdler = view.u32(at + 12);
  const uncompressedSize = view.u32(at + 16);
  const compressedSize = view.u32(at + 20);
  if (bytes === undefined || uncompressedAdler === undefined || compressedAdler === undefined)
    return undefined;
  if (uncompressedSize === undefined || compressedSize === undefined) return undefined;
  const version = bytes[4] as number;
  const method = METHODS[bytes[6] as number];
  const isOld = version < FIRST_WITH_CHECKSUM;
  const size = isOld ? OLD_SIZE : SIZE;
  if (method === undefined || compressedSize < 2 || compressedSize > uncompressedSize) return undefined;
  if (!view.has(at + size, compressedSize)) return undefined;
  const isFiltered = ((bytes[7] as number) & 0x80) !== 0;
  return {
    at,
    size,
    method,
    uncompressedSize,
    compressedSize,
    uncompressedAdler,
    compressedAdler,
    filter: isOld ? (isFiltered ? OLD_FILTER : 0) : (view.u8(at + 28) as number),
    filterCto: isOld ? 0 : (view.u8(at + 29) as number),
    isIntact: view.u32(at) === 0x21585055 && (isOld || view.u8(at + 31) === checksum(view, at)),
  };
}

/** Sum of the bytes behind the magic, mod 251. */
function checksum(view: View, at: number): number {
  let sum = 0;
  for (let i = 4; i < SIZE - 1; i++) sum += view.u8(at + i) ?? 0;
  return sum % 251;
}
