import type { Image } from "../../formats/image.ts";
import { DIRECTORY } from "../../formats/pe/constants.ts";
import { directory, ImageReader, Outside, place, setDirectory, type UpxImage } from "./image.ts";

/** IMAGE_FILE_RELOCS_STRIPPED. */
const RELOCS_STRIPPED = 1;
const HIGH = 1;
const LOW = 2;
const HIGHLOW = 3;
const DIR64 = 10;
/** A directory of 8 bytes is one empty block, which some DLLs have. */
const EMPTY_BLOCK = Uint8Array.of(0, 0, 0, 0, 8, 0, 0, 0);
const PAGE = 0x1000;
/** Far more than any program has; each takes some memory here. */
const MAX_RELOCATIONS = 2_000_000;

/**
 * Turns UPX's list of distances back into base relocations, and the pointers, which it keeps big-endian and relative to the
 * first section, into addresses.
 */
export function rebuildRelocations(image: UpxImage, packed: Image): void {
  // UPX 0.92 forgot the flag in the original headers.
  if (((packed.pe?.characteristics ?? 0) & RELOCS_STRIPPED) !== 0) {
    const characteristics = image.data.getUint16(image.headers + 22, true);
    image.data.setUint16(image.headers + 22, characteristics | RELOCS_STRIPPED, true);
    setDirectory(image, DIRECTORY.baseReloc, 0, 0);
  }
  const original = directory(image, DIRECTORY.baseReloc);
  const flags = image.data.getUint16(image.headers + 22, true);
  if (original.rva === 0 || original.size === 0 || (flags & RELOCS_STRIPPED) !== 0) return;
  if (original.size === EMPTY_BLOCK.length) {
    image.bytes.set(EMPTY_BLOCK, place(image, original.rva, EMPTY_BLOCK.length));
    return;
  }
  if (image.extra.relocations === undefined) return;
  const reader = new ImageReader(image, image.extra.relocations);
  const list = new ImageReader(image, reader.u32());
  const wide = reader.u8() & 6;
  const places = readDistances(list, image.bytes.length);
  const entries = places.map((offset) => ({ rva: offset + image.first, type: image.is64 ? DIR64 : HIGHLOW }));
  if (wide !== 0) readHalves(list, wide, image.first, entries);
  for (const offset of places) addBase(image, offset);

  const table = blocks(entries);
  image.bytes.set(table, place(image, original.rva, table.length));
  setDirectory(image, DIRECTORY.baseReloc, original.rva, table.length);
}

/** Distances from place to place, starting 4 before the image: one byte, 20 bits behind F, or 32 bits behind F0 00 00. */
function readDistances(list: ImageReader, size: number): number[] {
  const places: number[] = [];
  let at = -4;
  for (let byte = list.u8(); byte !== 0; byte = list.u8()) {
    let distance = byte;
    if (byte >= 0xf0) {
      distance = (byte & 0x0f) * 0x1_0000 + list.u16();
      if (distance === 0) distance = list.u32();
    }
    at += distance;
    if (distance < 4 || at + 4 > size || places.length === MAX_RELOCATIONS) throw new Outside();
    places.push(at);
  }
  return places;
}

/** Relocations of high and low halves (16-bit code): RVAs up to a zero, a list for each kind. */
function readHalves(
  list: ImageReader,
  wide: number,
  first: number,
  into: { rva: number; type: number }[],
): void {
  const add = (offset: number, type: number): void => {
    if (into.length >= MAX_RELOCATIONS) throw new Outside();
    into.push({ rva: offset + first, type });
  };
  for (let offset = list.u32(); offset !== 0; offset = list.u32()) add(offset, (wide & 4) !== 0 ? LOW : HIGH);
  if (wide !== 6) return;
  for (let offset = list.u32(); offset !== 0; offset = list.u32()) add(offset, HIGH);
}

function addBase(image: UpxImage, offset: number): void {
  if (offset + (image.is64 ? 8 : 4) > image.bytes.length) throw new Outside();
  const optional = image.headers + 24;
  if (image.is64) {
    const base = image.data.getBigUint64(optional + 24, true) + BigInt(image.first);
    image.data.setBigUint64(offset, BigInt.asUintN(64, image.data.getBigUint64(offset, false) + base), true);
    return;
  }
  const base = image.data.getUint32(optional + 28, true) + image.first;
  image.data.setUint32(offset, image.data.getUint32(offset, false) + base, true);
}

/** IMAGE_BASE_RELOCATION blocks, a page each, filled up to four bytes. */
function blocks(entries: { rva: number; type: number }[]): Uint8Array {
  entries.sort((a, b) => a.rva - b.rva || a.type - b.type);
  const out = new DataView(new ArrayBuffer(entries.length * 12));
  let block = 0;
  let end = 0;
  let page = -1;
  for (const { rva, type } of entries) {
    if (rva - (rva % PAGE) !== page) {
      end = Math.ceil(end / 4) * 4;
      page = rva - (rva % PAGE);
      block = end;
      out.setUint32(block, page, true);
      end += 8;
    }
    out.setUint16(end, (type << 12) | (rva % PAGE), true);
    end += 2;
    out.setUint32(block + 4, Math.ceil((end - block) / 4) * 4, true);
  }
  return new Uint8Array(out.buffer, 0, Math.min(Math.ceil(end / 4) * 4, out.byteLength));
}
