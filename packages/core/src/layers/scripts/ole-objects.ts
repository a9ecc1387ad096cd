/** Embedded objects: OLE 1.0 streams of RTF ([MS-OLEDS] 2.2) and Ole10Native of compound files (2.3.6). */
import { attempt, Cursor, cString, latin1, type Result, type View } from "../../bytes/index.ts";

export interface Embedded {
  readonly name: string;
  readonly data: View;
}

/** An OLE 1.0 embedded object: class name and native data. */
export function ole1Object(view: View): Result<{ readonly className: string; readonly data: View }> {
  return attempt(() => {
    const cursor = new Cursor(view);
    cursor.u32("OLEVersion");
    const format = cursor.u32("FormatID");
    // 1: linked, 2: embedded.
    if (format !== 2 && format !== 1) cursor.reject("FormatID", 4);
    const className = ansi(cursor, "ClassName");
    ansi(cursor, "TopicName");
    ansi(cursor, "ItemName");
    const size = cursor.u32("NativeDataSize");
    // Droppers write sizes larger than the data.
    return { className, data: cursor.take(Math.min(size, cursor.remaining), "NativeData") };
  });
}

function ansi(cursor: Cursor, field: string): string {
  const length = cursor.u32(field);
  if (length > 4096) cursor.reject(field, 4);
  return latin1(cursor.take(length, field).bytes).replace(/\0[\s\S]*$/, "");
}

/** The file in an Ole10Native stream; `sized`: the stream's own size stands in front. */
export function ole10Native(view: View, sized: boolean): Result<Embedded> {
  return attempt(() => {
    const cursor = new Cursor(view);
    if (sized) cursor.u32("NativeDataSize");
    if (cursor.u16("type") !== 2) cursor.reject("type", 2);
    const name = name0(cursor, "label");
    const path = name0(cursor, "file name");
    cursor.u16("reserved");
    cursor.u16("format");
    const temporary = cursor.u32("temporary path length");
    cursor.skip(temporary, "temporary path");
    const size = cursor.u32("size");
    const data = cursor.take(Math.min(size, cursor.remaining), "data");
    return { name: (path || name).split(/[\\/]/).at(-1) || "package", data };
  });
}

function name0(cursor: Cursor, field: string): string {
  const found = cString(cursor.view, cursor.offset, 1024);
  if (found === undefined) return cursor.reject(field);
  cursor.skip((found.at[0]?.length ?? 0) + 1, field);
  return found.value;
}
