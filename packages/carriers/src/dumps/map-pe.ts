/** A PE as the loader lays it out in memory. */

const PAGE_SIZE = 0x1000;
const SECTOR_SIZE = 0x200;
/** No test needs a larger image. */
const MAX_IMAGE = 0x4000_0000;
const IMAGE_REL_BASED_HIGHLOW = 3;
const IMAGE_REL_BASED_DIR64 = 10;
const DIRECTORY_BASERELOC = 5;

export interface MappedSection {
  readonly name: string;
  readonly rva: number;
  /** Whole pages. */
  readonly size: number;
  readonly characteristics: number;
}

/** Where the parts of a PE lie in memory. Throws for what is no PE, which is a mistake of the caller's. */
export interface PeHeaders {
  readonly is64: boolean;
  readonly imageBase: bigint;
  readonly sizeOfImage: number;
  readonly sizeOfHeaders: number;
  readonly sections: readonly (MappedSection & { readonly raw: number; readonly rawSize: number })[];
}

/**
 * The file as the loader maps it: headers and sections at their RVAs, no overlay. At a `base` of its own its base
 * relocations are applied and its ImageBase is set, when it has relocations; without, it is laid out as it is.
 */
export function mapPe(file: Uint8Array, base?: bigint): Uint8Array {
  const headers = headersOfPe(file);
  const image = new Uint8Array(headers.sizeOfImage);
  image.set(file.subarray(0, Math.min(headers.sizeOfHeaders, image.length)));
  for (const { rva, size, raw, rawSize } of headers.sections) {
    const length = Math.max(0, Math.min(size, rawSize, image.length - rva));
    image.set(file.subarray(raw, raw + length), Math.min(rva, image.length));
  }
  if (base !== undefined && base !== headers.imageBase) relocate(image, headers, base);
  return image;
}

export function headersOfPe(file: Uint8Array): PeHeaders {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  const nt = u32(0x3c);
  if (u32(nt) !== 0x4550) throw new RangeError("not a PE");
  const optional = nt + 24;
  const is64 = view.getUint16(optional, true) === 0x20b;
  const sizeOfImage = align(u32(optional + 56), PAGE_SIZE);
  if (sizeOfImage > MAX_IMAGE) throw new RangeError(`an image of ${sizeOfImage} bytes`);
  const table = optional + view.getUint16(nt + 20, true);
  const sections = Array.from({ length: view.getUint16(nt + 6, true) }, (_, i) => {
    const at = table + 40 * i;
    const rawSize = u32(at + 16);
    return {
      name: String.fromCharCode(...file.subarray(at, at + 8)).replace(/\0+$/, ""),
      rva: u32(at + 12),
      size: align(u32(at + 8) || rawSize, PAGE_SIZE),
      raw: u32(at + 20) - (u32(at + 20) % SECTOR_SIZE),
      rawSize,
      characteristics: u32(at + 36),
    };
  });
  return {
    is64,
    imageBase: is64 ? view.getBigUint64(optional + 24, true) : BigInt(u32(optional + 28)),
    sizeOfImage,
    sizeOfHeaders: u32(optional + 60),
    sections,
  };
}

function relocate(image: Uint8Array, headers: PeHeaders, base: bigint): void {
  const view = new DataView(image.buffer);
  const optional = view.getUint32(0x3c, true) + 24;
  const directory = optional + (headers.is64 ? 112 : 96) + 8 * DIRECTORY_BASERELOC;
  let at = view.getUint32(directory, true);
  const end = Math.min(at + view.getUint32(directory + 4, true), image.length);
  if (at === 0) return;
  const delta = base - headers.imageBase;
  while (at + 8 <= end) {
    const page = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    if (size < 8) break;
    for (let entry = at + 8; entry + 2 <= Math.min(at + size, end); entry += 2) {
      const value = view.getUint16(entry, true);
      const place = page + (value & 0xfff);
      if (value >> 12 === IMAGE_REL_BASED_HIGHLOW && place + 4 <= image.length)
        view.setUint32(place, Number(BigInt.asUintN(32, BigInt(view.getUint32(place, true)) + delta)), true);
      if (value >> 12 === IMAGE_REL_BASED_DIR64 && place + 8 <= image.length)
        view.setBigUint64(place, BigInt.asUintN(64, view.getBigUint64(place, true) + delta), true);
    }
    at += size;
  }
  if (headers.is64) view.setBigUint64(optional + 24, base, true);
  else view.setUint32(optional + 28, Number(BigInt.asUintN(32, base)), true);
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
