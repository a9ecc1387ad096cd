/** Memory images on disk: opened a piece at a time, hashed in passing, never read whole. */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "@assay/core/bytes/index";
import {
  type MemoryHint as FormatHint,
  type MemoryKind,
  memoryKindOf,
} from "@assay/core/formats/memory/index";
import { attemptIo, type RawPath } from "./collect.ts";
import type { MemoryHint } from "./memory-hint.ts";

const CHUNK = 4 * 1024 * 1024;

/** What a user says of files that nothing else tells: raw memory of a machine, or a region and its address. */
export interface MemoryFlags {
  readonly kind?: "raw" | "region";
  readonly base?: bigint;
}

export class FileSource implements ByteSource {
  readonly size: number;
  readonly #fd: number;
  #buffer = new Uint8Array(64 * 1024);

  constructor(fd: number) {
    this.#fd = fd;
    this.size = fstatSync(fd).size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted);
    let done = 0;
    while (done < wanted) {
      const got = attemptIo(() => readSync(this.#fd, this.#buffer, done, wanted - done, offset + done));
      // A disk that fails ends the source here: what is missing is said by who counts the bytes.
      if ("code" in got || got.value === 0) break;
      done += got.value;
    }
    return this.#buffer.subarray(0, done);
  }

  /** SHA-256 of all bytes, in hex. */
  sha256(): string {
    const hash = createHash("sha256");
    for (let at = 0; at < this.size; at += CHUNK) hash.update(this.read(at, CHUNK));
    return hash.digest("hex");
  }
}

/** A file as a memory image: its source, and what is known of its form. */
export interface OpenedMemory {
  readonly source: FileSource;
  readonly hint: FormatHint;
}

/**
 * Calls `use` with the file when it is a memory image by its content, or when the user or a sandbox says so; otherwise,
 * and when it cannot be opened, gives undefined. The file is open as long as `use` takes.
 */
export async function withMemory<T>(
  path: RawPath,
  name: string,
  flags: MemoryFlags,
  known: MemoryHint | undefined,
  use: (opened: OpenedMemory) => Promise<T>,
): Promise<T | undefined> {
  const opened = attemptIo(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  if ("code" in opened) return undefined;
  try {
    if (!fstatSync(opened.value).isFile()) return undefined;
    const source = new FileSource(opened.value);
    const kind = memoryKindOf(source) ?? kindBy(flags, known);
    if (kind === undefined) return undefined;
    const base = flags.base ?? known?.base;
    return await use({ source, hint: { name, kind, ...(base === undefined ? {} : { base }) } });
  } finally {
    closeSync(opened.value);
  }
}

function kindBy(flags: MemoryFlags, known: MemoryHint | undefined): MemoryKind | undefined {
  if (flags.kind !== undefined) return flags.kind;
  if (flags.base !== undefined) return "region";
  return known?.kind === "memory" ? "region" : undefined;
}
