/** `assay worker` */
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { printable } from "@assay/core/export/escape";
import type { Command } from "commander";
import { DEFAULT_MEMORY } from "../pool/memory.ts";
import type { Corpus } from "../store/corpus.ts";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { DEFAULT_TIMEOUT_S, positive, positiveInteger, readRules, size } from "./options.ts";

interface WorkerFlags extends CorpusFlags {
  readonly jobs?: number;
  readonly timeout: number;
  readonly memory: number;
  readonly rules: string[];
  readonly drain?: boolean;
}

/** What waits is looked at so often when the worker is to end with it (ms). */
const DRAIN_MS = 500;

export function workerCommand(program: Command): void {
  program
    .command("worker")
    .description(
      "analyse what is submitted to the corpus, until SIGTERM: jobs under way are finished then, or given back",
    )
    .addOption(corpusOption())
    .option("--jobs <n>", "samples at once (default: one a core)", positiveInteger)
    .option("--timeout <seconds>", "time that one sample may take", positive, DEFAULT_TIMEOUT_S)
    .option("--memory <bytes>", "data that one analysis process may hold", size, DEFAULT_MEMORY)
    .option(
      "--rules <file>",
      "further YARA rules (repeatable)",
      (file: string, all: string[]) => [...all, file],
      [] as string[],
    )
    .option("--drain", "end when nothing waits any more")
    .action(async (flags: WorkerFlags) => {
      const stop = stopSignal();
      await withCorpus(
        flags,
        async (corpus) => {
          const { startWorker } = await import("../jobs/worker.ts");
          const worker = await startWorker(corpus, {
            jobs: flags.jobs ?? availableParallelism(),
            signal: stop.signal,
            timeoutMs: flags.timeout * 1000,
            memory: flags.memory,
            analysis: { rules: readRules(flags.rules) },
            onTrouble: (text) => console.error(`assay: ${printable(text)}`),
          });
          console.error(`assay: worker ${worker.id} is at work`);
          try {
            if (flags.drain) await drained(corpus, stop.signal, worker.done);
            else await worker.done;
          } finally {
            stop.abort();
            await worker.done;
          }
        },
        "make",
      );
    });
}

/** Aborted by the first SIGTERM or SIGINT; the second ends the program at once. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort());
  return stop;
}

/** Until nothing waits, or the worker has ended. */
async function drained(corpus: Corpus, signal: AbortSignal, done: Promise<void>): Promise<void> {
  const { openWork } = await import("../jobs/status.ts");
  let ended = false;
  const end = () => {
    ended = true;
  };
  done.then(end, end);
  while (!ended && !signal.aborted && (await openWork(corpus.db)) > 0) await sleep(DRAIN_MS);
}
