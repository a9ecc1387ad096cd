/** The metadata root (`BSJB`) and its streams, ECMA-335 II.24.2.1 and II.24.2.2. */
import { latin1, type View } from "../../bytes/index.ts";
import type { Anomaly } from "../pe/model.ts";

/** `BSJB` read as a little-endian dword. */
export const ROOT_SIGNATURE = 0x424a5342;

/** II.24.2.1 caps the version string at 255 bytes, rounded up to four. */
const MAX_VERSION_LENGTH = 256;

/** A module has five streams; obfuscators add some. */
const MAX_STREAMS = 64;

/** II.24.2.2: at most 32 characters with the NUL. */
const MAX_STREAM_NAME = 32;

export interface Stream {
  readonly name: string;
  readonly view: View;
}

export interface MetadataRoot {
  readonly version: string;
  /** In the order of their headers, clipped to what is there. */
  readonly streams: readonly Stream[];
}

/** Reads the root at the start of `view`, which may reach to the end of the image. Undefined when none is there. */
export function parseRoot(view: View, anomalies: Anomaly[]): MetadataRoot | undefined {
  if (view.u32(0) !== ROOT_SIGNATURE) return undefined;
  const versionLength = view.u32(12);
  if (versionLength === undefined || versionLength > MAX_VERSION_LENGTH) return undefined;
  const versionBytes = view.sub(16, versionLength)?.bytes;
  const count = view.u16(16 + versionLength + 2);
  if (versionBytes === undefined || count === undefined) return undefined;
  const end = versionBytes.indexOf(0);
  const version = latin1(end < 0 ? versionBytes : versionBytes.subarray(0, end));
  if (count > MAX_STREAMS) {
    anomalies.push({
      code: "too-many-streams",
      text: `${count} streams, ${MAX_STREAMS} read`,
      at: view.span(0, 16),
    });
  }

  const streams: Stream[] = [];
  let at = 16 + versionLength + 4;
  for (let i = 0; i < Math.min(count, MAX_STREAMS); i++) {
    const offset = view.u32(at);
    const size = view.u32(at + 4);
    if (offset === undefined || size === undefined) break;
    const name = streamName(view, at + 8);
    const stream = view.clip(offset, size);
    if (stream.length < size) {
      anomalies.push({
        code: "stream-clipped",
        text: `stream ${i}: ${stream.length} of ${size} bytes are there`,
        at: view.span(at, 8),
      });
    }
    streams.push({ name, view: stream });
    // The name is padded to four bytes with its NUL; one of full length has none.
    at += 8 + (name.length === MAX_STREAM_NAME ? MAX_STREAM_NAME : (name.length + 4) & ~3);
  }
  noteOverlaps(streams, anomalies);
  return { version, streams };
}

function streamName(view: View, at: number): string {
  const bytes = view.clip(at, MAX_STREAM_NAME).bytes;
  const end = bytes.indexOf(0);
  return latin1(end < 0 ? bytes : bytes.subarray(0, end));
}

function noteOverlaps(streams: readonly Stream[], anomalies: Anomaly[]): void {
  const sorted = streams.filter((s) => s.view.length > 0).sort((a, b) => a.view.base - b.view.base);
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1] as Stream, sorted[i] as Stream];
    if (before.view.base + before.view.length > after.view.base)
      anomalies.push({ code: "streams-overlap", text: "two streams share bytes", at: after.view.span(0, 0) });
  }
}

/** The streams that are read, out of those that are there. */
export interface ChosenStreams {
  readonly tables: View | undefined;
  readonly strings: View | undefined;
  readonly userStrings: View | undefined;
  readonly blob: View | undefined;
  readonly guid: View | undefined;
  /** A `#JTD` stream stands beside an uncompressed `#-`: all indexes are four bytes wide. */
  readonly allBig: boolean;
}

/**
 * Which of several streams of one name is read decides what an obfuscated module means. The runtime's rules, as
 * dnlib found them out (MetadataFactory.GetMetadataType, CompressedMetadata, ENCMetadata): the first of `#~` and
 * `#-` says whether tables are compressed, and a `#Schema` anywhere makes them uncompressed. Compressed: the LAST
 * stream of each exact name. Uncompressed: the FIRST of each name, whatever its case.
 */
export function chooseStreams(streams: readonly Stream[], anomalies: Anomaly[]): ChosenStreams {
  const first = streams.find((s) => s.name === "#~" || s.name === "#-");
  const isUncompressed = first?.name === "#-" || streams.some((s) => s.name === "#Schema");
  const pick = (...names: readonly string[]): View | undefined => {
    const exact = streams.filter((s) => names.includes(s.name));
    const anyCase = streams.filter((s) => names.some((name) => s.name.toUpperCase() === name.toUpperCase()));
    if (anyCase.length > 1)
      anomalies.push({ code: "duplicate-stream", text: `${anyCase.length} streams named ${names[0]}` });
    return (isUncompressed ? anyCase[0] : (exact.at(-1) ?? anyCase.at(-1)))?.view;
  };
  let tables = isUncompressed ? pick("#-", "#~") : pick("#~");
  if (tables === undefined) {
    tables = streams.find((s) => looksLikeTables(s.view))?.view;
    if (tables !== undefined)
      anomalies.push({
        code: "renamed-tables",
        text: "the tables stream has no known name",
        at: tables.span(0, 0),
      });
  }
  return {
    tables,
    strings: pick("#Strings"),
    userStrings: pick("#US"),
    blob: pick("#Blob"),
    guid: pick("#GUID"),
    allBig: isUncompressed && streams.some((s) => s.name === "#JTD"),
  };
}

/** Header of a tables stream by content: reserved 0, version 1.x or 2.0, one Module row and some TypeDefs. */
function looksLikeTables(view: View): boolean {
  const major = view.u8(4);
  const valid = view.u32(8);
  return (
    view.u32(0) === 0 &&
    (major === 1 || major === 2) &&
    valid !== undefined &&
    (valid & 0b101) === 0b101 &&
    view.u32(24) === 1
  );
}
