/** How minidumps write a list: a count, then entries of one size. */
import { MAX_RANGES } from "./listing.ts";
import type { SourceReader } from "./source-reader.ts";

/** MINIDUMP_LOCATION_DESCRIPTOR of a stream, clipped to the file. */
export interface Stream {
  readonly offset: number;
  readonly size: number;
}

/** What the readers of single streams share. */
export interface MinidumpParts {
  readonly reader: SourceReader;
  readonly anomalies: string[];
}

export interface EntryList {
  readonly start: number;
  readonly entrySize: number;
  /** Entries that are there and that are read. */
  readonly count: number;
}

/** The entries behind a count, as many as the stream holds and no more than `limit`; what that cuts off is said. */
export function entriesIn(
  { anomalies }: MinidumpParts,
  name: string,
  stream: Stream,
  headerSize: number,
  entrySize: number,
  counted: number,
  limit = MAX_RANGES,
): EntryList {
  const there = Math.max(0, Math.floor((stream.size - headerSize) / entrySize));
  if (counted > there) anomalies.push(`${name} counts ${counted} entries, its stream holds ${there}`);
  const count = Math.min(counted, there);
  if (count > limit) anomalies.push(`${name} has ${count} entries; ${limit} are read`);
  return { start: stream.offset + headerSize, entrySize, count: Math.min(count, limit) };
}

/**
 * A list that starts with a 32-bit count. Some writers align its entries to 8 bytes: then the stream is four bytes
 * longer than its entries need.
 */
export function countedList(
  parts: MinidumpParts,
  name: string,
  stream: Stream,
  entrySize: number,
  limit?: number,
): EntryList {
  const counted = parts.reader.u32(stream.offset);
  if (stream.size < 4 || counted === undefined) {
    parts.anomalies.push(`${name} is cut`);
    return { start: stream.offset, entrySize, count: 0 };
  }
  const headerSize = stream.size === 8 + counted * entrySize ? 8 : 4;
  return entriesIn(parts, name, stream, headerSize, entrySize, counted, limit);
}
