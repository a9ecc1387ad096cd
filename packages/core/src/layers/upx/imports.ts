import type { Image } from "../../formats/image.ts";
import { DIRECTORY } from "../../formats/pe/constants.ts";
import { directory, ImageReader, Outside, place, type UpxImage } from "./image.ts";

/** Far more than any program imports. */
const MAX_DLLS = 4096;
const MAX_FUNCTIONS = 100_000;

const BY_NAME = 1;
const BY_ORDINAL = 0xff;

/**
 * Writes descriptors, names and thunks back from UPX's packed imports: for each DLL where its name stands in the packed
 * file's own import table and where its address table was, then its functions by name (01), ordinal (FF) or by an ordinal
 * in the packed file's table (FE).
 *
 * UPX stores where the packed imports are and where the names were (0: names were not in one piece and stand where the
 * original thunks say).
 */
export function rebuildImports(image: UpxImage, packed: Image): void {
  const original = directory(image, DIRECTORY.import);
  if (image.extra.imports === undefined || original.rva === 0) return;
  const reader = new ImageReader(image, image.extra.imports);
  const list = reader.u32();
  const names = reader.u32();
  const packedTable = packed.pe?.dataDirectories[DIRECTORY.import]?.virtualAddress ?? 0;

  let nextDll = names;
  let nextName = names;
  if (names !== 0) {
    // All DLL names come first.
    const size = dllNamesSize(new ImageReader(image, list), packed, packedTable);
    nextName += size + (size & 1);
  }
  const firstName = nextName;
  const slot = image.is64 ? 8 : 4;
  const source = new ImageReader(image, list);
  let functions = 0;
  for (let i = 0; source.peek() !== 0; i++) {
    if (i >= MAX_DLLS) throw new Outside();
    const dll = packedString(packed, packedTable + source.u32());
    const addresses = source.u32() + image.first;
    const descriptor = place(image, original.rva + 20 * i, 20);
    if (names === 0) write(image, image.data.getUint32(descriptor + 12, true), dll);
    else {
      write(image, nextDll, dll);
      image.data.setUint32(descriptor + 12, nextDll, true);
      nextDll += dll.length;
    }
    image.data.setUint32(descriptor + 16, addresses, true);

    let thunk = addresses;
    for (let kind = source.u8(); kind !== 0; kind = source.u8(), thunk += slot) {
      if (++functions > MAX_FUNCTIONS) throw new Outside();
      if (kind === BY_NAME) {
        const name = source.cString();
        if (names === 0) write(image, thunkAt(image, thunk) + 2, name);
        else {
          // Hints stand on even places, counted from the first.
          if (((nextName - firstName) & 1) === 1) nextName--;
          write(image, nextName + 2, name);
          setThunk(image, thunk, nextName, false);
          nextName += 2 + name.length;
        }
      } else if (kind === BY_ORDINAL) setThunk(image, thunk, source.u16(), true);
      else {
        const ordinal = packed.readRva(packedTable + source.u32(), 2)?.u16(0);
        if (ordinal === undefined) throw new Outside();
        setThunk(image, thunk, ordinal, true);
      }
    }
    setThunk(image, thunk, 0, false);
  }
}

function dllNamesSize(source: ImageReader, packed: Image, packedTable: number): number {
  let size = 0;
  for (let i = 0; source.peek() !== 0; i++) {
    if (i >= MAX_DLLS) throw new Outside();
    size += packedString(packed, packedTable + source.u32()).length;
    source.u32();
    for (let kind = source.u8(); kind !== 0; kind = source.u8()) {
      if (kind === BY_NAME) source.cString();
      else if (kind === BY_ORDINAL) source.u16();
      else source.u32();
    }
  }
  return size;
}

/** Names of functions are as long as their linkers allow. */
const MAX_STRING = 4096;

/** A zero-terminated string of the packed file, zero included. */
function packedString(packed: Image, rva: number): Uint8Array {
  const offset = packed.offsetOfRva(rva);
  const bytes = offset === undefined ? undefined : packed.view.clip(offset, MAX_STRING).bytes;
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end <= 0) throw new Outside();
  return bytes.subarray(0, end + 1);
}

function write(image: UpxImage, rva: number, bytes: Uint8Array): void {
  image.bytes.set(bytes, place(image, rva, bytes.length));
}

function thunkAt(image: UpxImage, rva: number): number {
  return image.data.getUint32(place(image, rva, image.is64 ? 8 : 4), true);
}

function setThunk(image: UpxImage, rva: number, value: number, isOrdinal: boolean): void {
  const at = place(image, rva, image.is64 ? 8 : 4);
  const HIGH = 0x8000_0000;
  image.data.setUint32(at, isOrdinal && !image.is64 ? value + HIGH : value, true);
  if (image.is64) image.data.setUint32(at + 4, isOrdinal ? HIGH : 0, true);
}
