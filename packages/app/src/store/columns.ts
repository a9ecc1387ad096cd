/** Column types that hold what samples hold, without loss and in little room. */
import { deflateSync, inflateSync } from "node:zlib";
import { customType } from "drizzle-orm/pg-core";
import { decodeText, encodeText } from "./text.ts";

/** A digest: lower-case hex here, bytes there. */
export const digest = customType<{ data: string; driverData: Uint8Array }>({
  dataType: () => "bytea",
  toDriver: (hex) => Buffer.from(hex, "hex"),
  fromDriver: (bytes) => Buffer.from(bytes).toString("hex"),
});

/** Text of any UTF-16, also with NULs and lone surrogates, which the database refuses. Equal texts stay equal. */
export const hostile = customType<{ data: string; driverData: string }>({
  dataType: () => 'text collate "C"',
  toDriver: encodeText,
  fromDriver: decodeText,
});

/** A moment: ISO 8601 in UTC with milliseconds. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => "timestamptz(3)",
  fromDriver: (text) => new Date(text).toISOString(),
});

/** Most bytes that a packed document may open to; a report of one sample has less than a tenth of it. */
const MAX_DOCUMENT = 256 * 1024 ** 2;

/** A JSON document, compressed. JSON writes NULs and lone surrogates as escapes, so that all strings survive. */
export const packed = customType<{ data: unknown; driverData: Uint8Array }>({
  dataType: () => "bytea",
  toDriver: pack,
  fromDriver: unpack,
});

export function pack(value: unknown): Buffer {
  return deflateSync(JSON.stringify(value), { level: 4 });
}

/** Throws on what `pack` did not write. */
export function unpack(bytes: Uint8Array): unknown {
  return JSON.parse(inflateSync(bytes, { maxOutputLength: MAX_DOCUMENT }).toString("utf8"));
}
