/**
 * What UPX compresses: the original image as the loader would have mapped it, from its first section on, then what is
 * needed to make a file of it again (imports and relocations packed, the original headers), and at the very end where those
 * headers stand (format facts: PeFile::pack0 and unpack0 of UPX's pefile.cpp).
 */
import { View } from "../../bytes/index.ts";

export interface UpxImage {
  /** Bytes by RVA minus `first`; changed in place by those who rebuild it. */
  readonly bytes: Uint8Array;
  readonly data: DataView;
  /** RVA of byte 0. */
  readonly first: number;
  readonly is64: boolean;
  /** Offset of the original headers ("PE"), then section table, then what the rebuilders read. */
  readonly headers: number;
  readonly sections: readonly UpxSection[];
  /** Offsets of what the rebuilders need, where UPX stored it. */
  readonly extra: Extra;
}

/** Undefined parts were not there to be packed. */
export interface Extra {
  /** Offset of the packed imports, RVA of the names: 8 bytes. */
  readonly imports: number | undefined;
  /** Offset of the packed relocations, flags: 5 bytes. */
  readonly relocations: number | undefined;
  /** Icons in the first group: 2 bytes. */
  readonly resources: number | undefined;
}

export interface UpxSection {
  readonly virtualAddress: number;
  readonly virtualSize: number;
  readonly sizeOfRawData: number;
  readonly pointerToRawData: number;
}

const PE_SIGNATURE = 0x4550;
/** As the loader of Windows XP; UPX stores no more than were there. */
const MAX_SECTIONS = 96;
/** Signature, file header, and an optional header with 16 data directories. */
const HEADERS_32 = 0xf8;
const HEADERS_64 = 0x108;

/** Size of the stored headers. */
export function headersSize(is64: boolean): number {
  return is64 ? HEADERS_64 : HEADERS_32;
}

/**
 * The image in decompressed bytes; undefined when the last four bytes do not lead to headers of this machine whose
 * sections lie in the bytes before them. That is what proves a decompression, too.
 */
export function readUpxImage(bytes: Uint8Array, machine: number, is64: boolean): UpxImage | undefined {
  const view = new View(bytes);
  const headers = view.u32(bytes.length - 4);
  if (headers === undefined || headers > bytes.length - headersSize(is64)) return undefined;
  if (view.u32(headers) !== PE_SIGNATURE || view.u16(headers + 4) !== machine) return undefined;
  if (view.u16(headers + 24) !== (is64 ? 0x20b : 0x10b)) return undefined;
  const count = view.u16(headers + 6) ?? 0;
  const table = headers + headersSize(is64);
  if (count === 0 || count > MAX_SECTIONS || !view.has(table, count * 40)) return undefined;
  const sections: UpxSection[] = [];
  for (let at = table; at < table + count * 40; at += 40)
    sections.push({
      virtualSize: view.u32(at + 8) as number,
      virtualAddress: view.u32(at + 12) as number,
      sizeOfRawData: view.u32(at + 16) as number,
      pointerToRawData: view.u32(at + 20) as number,
    });
  const first = sections[0]?.virtualAddress ?? 0;
  let before = first;
  for (const { virtualAddress } of sections) {
    if (virtualAddress < before || virtualAddress - first > headers) return undefined;
    before = virtualAddress;
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const extra = readExtra(table + count * 40, bytes.length - 4);
  return { bytes, data, first, is64, headers, sections, extra };
}

/** Which parts there are shows in their length alone: no two sums of 8, 5 and 2 are the same. */
function readExtra(start: number, end: number): Extra {
  let at = start;
  const take = (size: number): number | undefined => {
    if (end - at < size) return undefined;
    at += size;
    return at - size;
  };
  return { imports: take(8), relocations: take(5), resources: take(2) };
}

/** Reads and writes inside an image; a step outside ends the rebuilding of that part, as a value. */
export class Outside extends Error {}

/** Offset of an RVA with `length` bytes behind it; throws `Outside`, caught by `rebuildPart`. */
export function place(image: UpxImage, rva: number, length: number): number {
  const offset = rva - image.first;
  if (offset < 0 || length < 0 || offset + length > image.bytes.length) throw new Outside();
  return offset;
}

/** Runs the rebuilding of one part; false when it led outside the image. */
export function rebuildPart(rebuild: () => void): boolean {
  try {
    rebuild();
    return true;
  } catch (error) {
    if (error instanceof Outside) return false;
    throw error;
  }
}

/** A data directory as it stands in the stored headers. */
export function directory(image: UpxImage, index: number): { readonly rva: number; readonly size: number } {
  const at = directoryAt(image, index);
  return { rva: image.data.getUint32(at, true), size: image.data.getUint32(at + 4, true) };
}

export function setDirectory(image: UpxImage, index: number, rva: number, size: number): void {
  const at = directoryAt(image, index);
  image.data.setUint32(at, rva, true);
  image.data.setUint32(at + 4, size, true);
}

function directoryAt(image: UpxImage, index: number): number {
  return image.headers + headersSize(image.is64) - 128 + 8 * index;
}

/** Reads forwards through the image's own bytes. */
export class ImageReader {
  at: number;
  readonly #image: UpxImage;

  constructor(image: UpxImage, at: number) {
    this.#image = image;
    this.at = at;
  }

  u8(): number {
    return this.#image.bytes[this.#take(1)] as number;
  }

  u16(): number {
    return this.#image.data.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#image.data.getUint32(this.#take(4), true);
  }

  peek(): number {
    const value = this.u32();
    this.at -= 4;
    return value;
  }

  /** Bytes up to and with the next zero. */
  cString(): Uint8Array {
    const start = this.at;
    const end = this.#image.bytes.indexOf(0, start);
    if (end < 0) throw new Outside();
    this.at = end + 1;
    return this.#image.bytes.slice(start, end + 1);
  }

  #take(length: number): number {
    const at = this.at;
    if (at < 0 || at + length > this.#image.bytes.length) throw new Outside();
    this.at += length;
    return at;
  }
}
