/** Files into the corpus and its queue. */
import { createHash } from "node:crypto";
import { printable } from "@assay/core/export/escape";
import { collect } from "../batch/collect.ts";
import { MAX_SAMPLE_BYTES, readSample } from "../batch/read.ts";
import { openQueue, QueueFull, type Submission } from "../jobs/queue.ts";
import { CorpusError } from "../store/corpus.ts";
import { blobs as blobRows } from "../store/schema.ts";
import { type CorpusFlags, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { emit } from "./output.ts";

/** Files of one submission. */
const AT_ONCE = 500;

interface SubmitFlags extends CorpusFlags {
  readonly feed?: boolean;
  readonly password: readonly string[];
}

/** Status 1 when some file could not be taken. */
export async function submitFiles(paths: readonly string[], flags: SubmitFlags): Promise<void> {
  const id = crypto.randomUUID();
  let taken = 0;
  await withCorpus(
    flags,
    async (corpus) => {
      const { blobs, db } = corpus;
      if (blobs === undefined) throw new CorpusError("there is no store for the samples: --corpus");
      const queue = await openQueue(corpus);
      let waiting: Submission[] = [];
      const flush = async () => {
        if (waiting.length > 0) await queue.submit({ id, submissions: waiting });
        taken += waiting.length;
        waiting = [];
      };
      try {
        for (const input of collect(paths)) {
          const read = input.kind === "file" ? readSample(input.path, MAX_SAMPLE_BYTES) : undefined;
          if (read === undefined || !("bytes" in read)) {
            const why =
              input.kind === "unreadable" ? input.text : (read?.reason.text ?? "a folder of a sandbox");
            console.error(`assay: ${printable(input.name)}: not taken: ${printable(why)}`);
            process.exitCode = 1;
            continue;
          }
          const sha256 = createHash("sha256").update(read.bytes).digest("hex");
          const size = read.bytes.length;
          if (!(await blobs.has(sha256))) await blobs.put(sha256, read.bytes);
          await db
            .insert(blobRows)
            .values({ sha256, size, storedAt: new Date().toISOString() })
            .onConflictDoNothing();
          waiting.push({
            ...{ sha256, size, name: input.name, priority: flags.feed ? "feed" : "analyst" },
            ...(flags.password.length === 0 ? {} : { passwords: flags.password }),
          });
          if (waiting.length >= AT_ONCE) await flush();
        }
        await flush();
      } catch (error) {
        if (error instanceof QueueFull) throw new UsageError(`${error.message} (${taken} were taken)`);
        throw error;
      } finally {
        await queue.close();
      }
    },
    "make",
  );
  if (taken > 0) emit(`${id}\n`, undefined);
}
