/** Long texts to stdout or a file, as fast as their reader takes them. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { attemptIo } from "../batch/io.ts";
import { UsageError } from "./options.ts";
import { emit } from "./output.ts";

/** Reports of malware are not for everybody. */
const MODE = 0o600;

/** To `file`, which is there whole or not at all, or to stdout. Writing waits for the reader of a pipe. */
export async function writeChunks(
  chunks: AsyncIterable<string> | Iterable<string>,
  file: string | undefined,
): Promise<void> {
  if (file === undefined) {
    for await (const chunk of chunks) emit(chunk, undefined);
    return;
  }
  const draft = `${file}.${process.pid}.draft`;
  const opened = attemptIo(() => openSync(draft, "wx", MODE));
  if ("code" in opened) throw new UsageError(`${file}: ${opened.text}`);
  try {
    try {
      for await (const chunk of chunks) {
        const bytes = Buffer.from(chunk);
        for (let at = 0; at < bytes.length; ) at += writeSync(opened.value, bytes, at);
      }
      fsyncSync(opened.value);
    } finally {
      closeSync(opened.value);
    }
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
