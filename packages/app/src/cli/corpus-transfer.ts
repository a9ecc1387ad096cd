/** `assay corpus export` and `import`, loaded when they are asked for. */
import { closeSync, createReadStream, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { printable } from "@assay/core/export/escape";
import { attemptIo } from "../batch/io.ts";
import { exportLines, ImportError, importLines } from "../store/transfer.ts";
import { type CorpusFlags, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { writeChunks } from "./write-chunks.ts";

/** Not all could be written. */
const PARTIAL_STATUS = 1;

export async function exportTo(file: string, flags: CorpusFlags): Promise<void> {
  await withCorpus(flags, async (corpus) => {
    const lines = exportLines(corpus, {
      blobs: flags.blobs !== undefined,
      onProblem: (text) => {
        console.error(`assay: ${printable(text)}`);
        process.exitCode = PARTIAL_STATUS;
      },
    });
    await writeChunks(lines, file === "-" ? undefined : file);
  });
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
