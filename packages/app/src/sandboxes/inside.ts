/** A folder that somebody else wrote: only regular files that really lie in it are taken, wherever links or names lead. */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join, sep } from "node:path";
import { attemptIo } from "../batch/io.ts";

export interface InsideFile {
  readonly path: string;
  /** Relative to the folder, with `/`. */
  readonly name: string;
  readonly size: number;
}

/** Entries of one folder that are looked at. */
const MAX_ENTRIES = 20_000;
/** Files up to this many bytes are told apart by their hash before they are analysed. */
const MAX_HASHED = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

export class Inside {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Undefined when there is no such folder. */
  static open(path: string): Inside | undefined {
    const real = attemptIo(() => realpathSync(path));
    if ("code" in real) return undefined;
    const stats = attemptIo(() => statSync(real.value));
    return "code" in stats || !stats.value.isDirectory() ? undefined : new Inside(real.value);
  }

  /** A file by its name, a path with `/` that goes down only. */
  file(name: string): InsideFile | undefined {
    const parts = name.split("/");
    if (parts.some((part) => part === "" || part === "." || part === ".." || /[\0\\]/.test(part)))
      return undefined;
    const path = join(this.root, ...parts);
    const real = attemptIo(() => realpathSync(path));
    if ("code" in real || !real.value.startsWith(this.root + sep)) return undefined;
    const stats = attemptIo(() => statSync(real.value));
    return "code" in stats || !stats.value.isFile()
      ? undefined
      : { path: real.value, name, size: stats.value.size };
  }

  hasFolder(name: string): boolean {
    const stats = attemptIo(() => lstatSync(join(this.root, name)));
    return !("code" in stats) && stats.value.isDirectory();
  }

  /** Files of a folder within, and of the folders in it to `depth`, by name. */
  files(folder: string, depth = 0): InsideFile[] {
    if (folder !== "" && !this.hasFolder(folder)) return [];
    const entries = attemptIo(() => readdirSync(join(this.root, folder), { withFileTypes: true }));
    if ("code" in entries) return [];
    const names = entries.value.slice(0, MAX_ENTRIES).sort((a, b) => (a.name < b.name ? -1 : 1));
    return names.flatMap((entry) => {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return depth > 0 ? this.files(name, depth - 1) : [];
      return this.file(name) ?? [];
    });
  }

  /** The head of a file, as text. */
  text(name: string, limit: number): string | undefined {
    const file = this.file(name);
    const read = file && attemptIo(() => readHead(file.path, Math.min(limit, file.size)));
    return read === undefined || "code" in read ? undefined : new TextDecoder().decode(read.value);
  }

  /** A file in JSON; undefined when it is missing, none, or larger than `limit`. */
  json(name: string, limit: number): unknown {
    if ((this.file(name)?.size ?? 0) > limit) return undefined;
    const text = this.text(name, limit);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

function readHead(path: string, length: number): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const bytes = Buffer.alloc(length);
    let at = 0;
    while (at < length) {
      const got = readSync(fd, bytes, at, length - at, at);
      if (got === 0) break;
      at += got;
    }
    return bytes.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}

/** SHA-256 of a file; empty when it is too large to be read twice, or cannot be read. */
export function hashOf(file: InsideFile): string {
  if (file.size > MAX_HASHED) return "";
  const hash = createHash("sha256");
  const read = attemptIo(() => {
    const fd = openSync(file.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const chunk = Buffer.alloc(CHUNK);
      for (let got = readSync(fd, chunk); got > 0; got = readSync(fd, chunk))
        hash.update(chunk.subarray(0, got));
    } finally {
      closeSync(fd);
    }
  });
  return "code" in read ? "" : hash.digest("hex");
}
