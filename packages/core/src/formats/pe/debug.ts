import { type Found, found, utf8, type View } from "../../bytes/index.ts";
import type { Space } from "../space.ts";
import { DIRECTORY } from "./constants.ts";
import type { DebugInfo, Pe } from "./model.ts";
import { nameAt } from "./names.ts";

/** Linkers write one to eight. */
const MAX_DEBUG_ENTRIES = 64;
const IMAGE_DEBUG_TYPE_CODEVIEW = 2;
/** CodeView signatures of PDB 7.0 and PDB 2.0 ("RSDS", "NB10"). */
const RSDS = 0x5344_5352;
const NB10 = 0x3031_424e;

/** IMAGE_DEBUG_DIRECTORY entries; for CodeView ones the PDB's path and identity. */
export function readDebug(space: Space, pe: Pe): readonly DebugInfo[] {
  const directory = pe.dataDirectories[DIRECTORY.debug];
  const entries: DebugInfo[] = [];
  if (directory === undefined || directory.virtualAddress === 0) return entries;
  const table = space.clipRva(directory.virtualAddress, Math.min(directory.size, 28 * MAX_DEBUG_ENTRIES));
  if (table === undefined) return entries;
  for (let offset = 0; table.has(offset, 28); offset += 28) {
    const type = table.u32(offset + 12) ?? 0;
    const timeDateStamp = table.u32(offset + 4) ?? 0;
    const data = type === IMAGE_DEBUG_TYPE_CODEVIEW ? rawData(space, table, offset) : undefined;
    entries.push({ type, timeDateStamp, ...(data === undefined ? {} : readCodeView(data)) });
  }
  return entries;
}

/** AddressOfRawData, or PointerToRawData when the data is not mapped. */
function rawData(space: Space, table: View, entry: number): View | undefined {
  const size = table.u32(entry + 16) ?? 0;
  const rva = table.u32(entry + 20) ?? 0;
  const pointer = table.u32(entry + 24) ?? 0;
  const mapped = rva > 0 ? space.clipRva(rva, size) : undefined;
  if (mapped !== undefined) return mapped;
  return space.layout === "file" && pointer > 0 ? space.view.clip(pointer, size) : undefined;
}

function readCodeView(data: View): Omit<DebugInfo, "type" | "timeDateStamp"> {
  const signature = data.u32(0);
  if (signature === RSDS && data.has(0, 24))
    return { guid: guid(data), age: data.u32(20) ?? 0, ...path(data, 24) };
  if (signature === NB10 && data.has(0, 16)) return { age: data.u32(12) ?? 0, ...path(data, 16) };
  return {};
}

/** UTF-8 as compilers write it now, else one byte a char. */
function path(data: View, offset: number): { readonly pdbPath?: Found<string> } {
  const text = nameAt(data, offset);
  if (text === undefined) return {};
  const decoded = utf8(data.bytes.subarray(offset, offset + text.value.length)) ?? text.value;
  return { pdbPath: found(decoded, ...text.at) };
}

/** A GUID in its usual print, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
function guid(data: View): string {
  const part = (value: number | undefined, digits: number) => (value ?? 0).toString(16).padStart(digits, "0");
  const tail = Array.from(data.bytes.subarray(12, 20), (byte) => part(byte, 2)).join("");
  return [
    part(data.u32(4), 8),
    part(data.u16(8), 4),
    part(data.u16(10), 4),
    tail.slice(0, 4),
    tail.slice(4),
  ].join("-");
}
