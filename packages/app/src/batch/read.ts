/** Reads one sample's bytes, or says why not. */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { Reason, Sample } from "@assay/core/model/index";
import { attemptIo, type RawPath } from "./collect.ts";

/** Larger files are hashed but not analysed; `--max-size` changes it. */
export const MAX_SAMPLE_BYTES = 512 * 1024 * 1024;
const HASH_CHUNK = 4 * 1024 * 1024;

export type ReadResult =
  | { readonly bytes: Uint8Array }
  | { readonly outcome: "unsupported" | "failed"; readonly reason: Reason; readonly known: Partial<Sample> };

/** Never blocks on a pipe: opened without waiting, and only regular files are read. */
export function readSample(path: RawPath, maxBytes: number): ReadResult {
  const opened = attemptIo(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  if ("code" in opened) return failed(opened.code, opened.text);
  try {
    const stats = fstatSync(opened.value);
    if (!stats.isFile()) return failed("not-a-file", "neither a file nor a folder");
    if (stats.size > maxBytes) return tooLarge(opened.value, stats.size, maxBytes);
    const bytes = attemptIo(() => readFully(opened.value, stats.size));
    return "code" in bytes ? failed(bytes.code, bytes.text) : { bytes: bytes.value };
  } finally {
    closeSync(opened.value);
  }
}

function failed(code: string, text: string): ReadResult {
  return { outcome: "failed", reason: { stage: "read", code, text }, known: {} };
}

/** What is there now, up to `size`: a file that shrinks while it is read gives what it still has. */
function readFully(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const got = readSync(fd, bytes, at, size - at, at);
    if (got === 0) break;
    at += got;
  }
  return at === size ? bytes : bytes.subarray(0, at);
}

function tooLarge(fd: number, size: number, maxBytes: number): ReadResult {
  const hashes = { sha256: createHash("sha256"), sha1: createHash("sha1"), md5: createHash("md5") };
  const chunk = Buffer.allocUnsafe(HASH_CHUNK);
  const read = attemptIo(() => {
    for (let got = readSync(fd, chunk); got > 0; got = readSync(fd, chunk)) {
      const part = chunk.subarray(0, got);
      hashes.sha256.update(part);
      hashes.sha1.update(part);
      hashes.md5.update(part);
    }
  });
  if ("code" in read) return failed(read.code, read.text);
  return {
    outcome: "unsupported",
    reason: {
      stage: "read",
      code: "too-large",
      text: `${size} bytes; more than ${maxBytes} are not analysed (--max-size changes the limit)`,
    },
    known: {
      size,
      sha256: hashes.sha256.digest("hex"),
      sha1: hashes.sha1.digest("hex"),
      md5: hashes.md5.digest("hex"),
    },
  };
}
