/** Any memory image, known by its content; what has no header of its own only because somebody says what it is. */
import { type ByteSource, fail, type Result } from "../../bytes/index.ts";
import { isCapeDump, readCapeDump } from "./cape-dump.ts";
import { ELF_MAGIC, ET_CORE, readElfCore } from "./elf-core.ts";
import { LIME_MAGIC, readLime } from "./lime.ts";
import { MINIDUMP_SIGNATURE, readMinidump } from "./minidump.ts";
import type { MemoryImage, MemoryKind } from "./model.ts";
import { readRaw, readRegion } from "./raw.ts";
import { baseOfName } from "./region-name.ts";
import { SourceReader } from "./source-reader.ts";

export interface MemoryHint {
  /** The file's name: a region's base and a CAPE dump's pid may stand in it. */
  readonly name?: string;
  /** Address of the first byte. What no content tells otherwise is then a region. */
  readonly base?: bigint;
  /** What it is, whatever its content looks like. */
  readonly kind?: MemoryKind;
}

const HEAD = 20;

/** Kind of a memory image by its content; undefined for all else. Raw RAM and bare regions cannot be told by it. */
export function memoryKindOf(source: ByteSource): MemoryKind | undefined {
  const reader = new SourceReader(source, HEAD);
  const magic = reader.u32(0);
  if (magic === MINIDUMP_SIGNATURE) return "minidump";
  if (magic === LIME_MAGIC) return "lime";
  if (magic === ELF_MAGIC) return reader.u16(16) === ET_CORE ? "elf-core" : undefined;
  return isCapeDump(source) ? "cape-dump" : undefined;
}

/**
 * Opens a memory image: reads its lists, none of its memory. Fails (`bad-magic`) for what is none and of which no
 * hint says that it is one, and as the reader of its kind does.
 */
export function openMemory(source: ByteSource, hint: MemoryHint = {}): Result<MemoryImage> {
  const kind = hint.kind ?? memoryKindOf(source) ?? (hint.base === undefined ? undefined : "region");
  switch (kind) {
    case "minidump":
      return readMinidump(source);
    case "elf-core":
      return readElfCore(source);
    case "lime":
      return readLime(source);
    case "cape-dump":
      return withPid(readCapeDump(source), hint.name);
    case "raw":
      return readRaw(source);
    case "region":
      return readRegion(source, hint.base ?? (hint.name === undefined ? undefined : baseOfName(hint.name)));
    case undefined:
      return fail({ code: "bad-magic", field: "memory image" });
  }
}

/** CAPE names a process's dump `<pid>.dmp`; the dump itself does not say whose it is. */
function withPid(image: Result<MemoryImage>, name: string | undefined): Result<MemoryImage> {
  const pid = /(?:^|[\\/])(\d{1,9})\.dmp$/.exec(name ?? "")?.[1];
  if (!image.ok || pid === undefined) return image;
  return { ok: true, value: { ...image.value, process: { pid: Number(pid) } } };
}
