/**
 * The `.resources` format that ResourceManager reads (System.Resources.RuntimeResourceSet, versions 1 and 2; the .NET
 * Framework's reference source, ResourceReader.cs), and of the objects in it, serialized by BinaryFormatter
 * ([MS-NRBF]), as much as the byte array inside needs.
 */
import { attempt, Cursor, ParseError, type Result, utf8, utf16le, type View } from "../../bytes/index.ts";

export const RESOURCE_MAGIC = 0xbeefcace;

export interface ResourceEntry {
  readonly name: string;
  /** `text`: UTF-8; `bytes`: a byte array or stream; `object`: the bytes of a serialized object's byte array. */
  readonly kind: "text" | "bytes" | "object";
  /** Name of the object's class, or `System.Byte[]`. */
  readonly type: string;
  readonly data: View;
}

/** Entries read of one set. */
const MAX_ENTRIES = 20_000;
/** Types that one set may name. */
const MAX_TYPES = 4096;
/** Characters of a name. */
const MAX_NAME = 4096;

/** Type codes of version 2 (ResourceTypeCode). */
const STRING = 1;
const BYTE_ARRAY = 0x20;
const STREAM = 0x21;
const FIRST_USER_TYPE = 0x40;

/** Formats of System.Resources.Extensions' DeserializingResourceReader. */
const TYPE_CONVERTER_BYTES = 2;
const ACTIVATOR_STREAM = 4;

/** The entries that hold bytes or text, in file order; numbers, dates and the like are left out. */
export function readResourceSet(view: View): Result<readonly ResourceEntry[]> {
  return attempt(() => {
    const cursor = new Cursor(view, 0);
    if (cursor.u32("MagicNumber") !== RESOURCE_MAGIC)
      throw new ParseError("bad-magic", "MagicNumber", view.span(0, 0));
    cursor.skip(4, "HeaderVersion");
    const headerSize = cursor.u32("HeaderSize");
    const isExtended = hasText(view.clip(12, Math.min(headerSize, 512)), "DeserializingResourceReader");
    cursor.skip(headerSize, "Header");
    const version = cursor.u32("Version");
    if (version !== 1 && version !== 2) throw new ParseError("bad-value", "Version", view.span(0, 0));
    const count = cursor.u32("NumberOfResources");
    const typeCount = cursor.u32("NumberOfTypes");
    if (typeCount > MAX_TYPES) throw new ParseError("limit", "NumberOfTypes", view.span(0, 0));
    const types = Array.from({ length: typeCount }, () => {
      const name = cursor.take(length7(cursor), "TypeName");
      return utf8(name.bytes) ?? "";
    });
    cursor.skip((8 - (cursor.offset & 7)) & 7, "Padding");
    if (count > view.length / 8) throw new ParseError("bad-value", "NumberOfResources", view.span(0, 0));
    const positionsAt = cursor.offset + 4 * count;
    const namesAt = positionsAt + 4 * count + 4;
    const dataAt = view.u32(namesAt - 4);
    if (dataAt === undefined) throw new ParseError("truncated", "DataSectionOffset", view.span(0, 0));
    const set = { view, version, types, isExtended };
    const entries: ResourceEntry[] = [];
    for (let i = 0; i < Math.min(count, MAX_ENTRIES); i++) {
      const entry = attempt(() => {
        const at = new Cursor(view, namesAt + (view.u32(positionsAt + 4 * i) ?? 0));
        const size = length7(at);
        if (size > 2 * MAX_NAME) throw new ParseError("limit", "Name", view.span(0, 0));
        const name = utf16le(at.take(size, "Name").bytes);
        return readEntry(set, name, dataAt + at.u32("DataOffset"));
      });
      if (entry.ok && entry.value !== undefined) entries.push(entry.value);
    }
    return entries.sort((a, b) => a.data.base - b.data.base);
  });
}

interface ResourceSet {
  readonly view: View;
  readonly version: number;
  readonly types: readonly string[];
  readonly isExtended: boolean;
}

function readEntry(set: ResourceSet, name: string, offset: number): ResourceEntry | undefined {
  const cursor = new Cursor(set.view, offset);
  const code = length7(cursor);
  const isUser = set.version === 1 || code >= FIRST_USER_TYPE;
  const type = isUser ? (set.types[set.version === 1 ? code : code - FIRST_USER_TYPE] ?? "") : "";
  const isString = set.version === 1 ? type.startsWith("System.String") : code === STRING;
  if (isString) {
    const data = cursor.take(length7(cursor), "String");
    return { name, kind: "text", type: "System.String", data };
  }
  if (!isUser) {
    if (code !== BYTE_ARRAY && code !== STREAM) return undefined;
    const data = cursor.take(cursor.u32("Length"), "Bytes");
    return { name, kind: "bytes", type: code === STREAM ? "System.IO.Stream" : "System.Byte[]", data };
  }
  if (set.isExtended) {
    const format = length7(cursor);
    if (format !== TYPE_CONVERTER_BYTES && format !== ACTIVATOR_STREAM) return undefined;
    return { name, kind: "object", type, data: cursor.take(length7(cursor), "Bytes") };
  }
  const data = serializedBytes(set.view.clip(offset));
  return data && { name, kind: "object", type, data };
}

/** [MS-NRBF] 2.6.1 SerializedStreamHeader: record type 0, root id, header id -1 mostly, version 1.0. */
const STREAM_HEADER_SIZE = 17;
/** [MS-NRBF] 2.4.3.3 ArraySinglePrimitive: record type 15, object id, length, primitive type (2: Byte). */
const ARRAY_SINGLE_PRIMITIVE = 15;
const PRIMITIVE_BYTE = 2;
/** Bytes of records before the array that are looked through. */
const MAX_RECORDS = 8192;

/** The first byte array of an object that BinaryFormatter wrote somewhere in the first bytes of `view`. */
function serializedBytes(view: View): View | undefined {
  const isStream = (at: number) =>
    view.u8(at) === 0 && view.u32(at + 9) === 1 && view.u32(at + 13) === 0 && view.u32(at + 1) !== 0;
  // A 7-bit type code of up to five bytes stands before it.
  let start = 1;
  while (start <= 5 && !isStream(start)) start++;
  if (start > 5) return undefined;
  const end = Math.min(start + MAX_RECORDS, view.length);
  for (let at = start + STREAM_HEADER_SIZE; at < end; at++) {
    at = view.bytes.indexOf(ARRAY_SINGLE_PRIMITIVE, at);
    if (at < 0 || at >= end) return undefined;
    const id = view.i32(at + 1) ?? 0;
    const length = view.u32(at + 5) ?? 0;
    if (view.u8(at + 9) !== PRIMITIVE_BYTE || id === 0 || Math.abs(id) > 0xffff || length < 2) continue;
    const data = view.sub(at + 10, length);
    if (data !== undefined) return data;
  }
  return undefined;
}

/** A length in BinaryWriter's 7-bit groups. */
function length7(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.u8("Length");
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  return cursor.reject("Length", 1);
}

function hasText(view: View, text: string): boolean {
  return utf16le(view.bytes).includes(text) || (utf8(view.bytes) ?? "").includes(text);
}
