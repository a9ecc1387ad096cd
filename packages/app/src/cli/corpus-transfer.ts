/** `assay corpus export` and `import`, loaded when they are asked for. */
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { printable } from "@assay/core/export/escape";
import { attemptIo } from "../batch/io.ts";
import { exportLines, ImportError, importLines } from "../store/transfer.ts";
import { type CorpusFlags, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { emit } from "./output.ts";

/** Not all could be written. */
const PARTIAL_STATUS = 1;
/** Reports of malware are not for everybody. */
const MODE = 0o600;

export async function exportTo(file: string, flags: CorpusFlags): Promise<void> {
  await withCorpus(flags, async (corpus) => {
    const lines = exportLines(corpus, {
      blobs: flags.blobs !== undefined,
      onProblem: (text) => {
        console.error(`assay: ${printable(text)}`);
        process.exitCode = PARTIAL_STATUS;
      },
    });
    if (file === "-") for await (const line of lines) emit(line, undefined);
    else await writeLines(file, lines);
  });
}

/** The file is there whole or not at all. */
async function writeLines(file: string, lines: AsyncIterable<string>): Promise<void> {
  const draft = `${file}.${process.pid}.draft`;
  const opened = attemptIo(() => openSync(draft, "wx", MODE));
  if ("code" in opened) throw new UsageError(`${file}: ${opened.text}`);
  try {
    try {
      for await (const line of lines) {
        const bytes = Buffer.from(line);
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

export async function importFrom(file: string, flags: CorpusFlags): Promise<void> {
  if (file !== "-") {
    const there = attemptIo(() => closeSync(openSync(file, "r")));
    if ("code" in there) throw new UsageError(`${file}: ${there.text}`);
  }
  const input = file === "-" ? process.stdin : createReadStream(file);
  await withCorpus(
    flags,
    async (corpus) => {
      try {
        const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
        const { results, blobs } = await importLines(corpus, lines);
        console.error(`assay: ${results} results and ${blobs} files imported`);
      } catch (error) {
        if (error instanceof ImportError) throw new UsageError(`${file}: ${printable(error.message)}`);
        throw error;
      }
    },
    "make",
  );
}
