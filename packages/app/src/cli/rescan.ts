/** `assay rescan`: stored samples through the engine as it is now, and what that changes. */
import { availableParallelism } from "node:os";
import { printable } from "@assay/core/export/escape";
import type { Command } from "commander";
import type { Filter } from "../jobs/types.ts";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger, UsageError } from "./options.ts";
import { emit, json } from "./output.ts";
import { stopSignal } from "./worker.ts";

interface RescanFlags extends CorpusFlags {
  readonly family?: string;
  readonly layout?: string;
  readonly since?: string;
  readonly unknown?: boolean;
  readonly jobs?: number;
  readonly queueOnly?: boolean;
  readonly batch?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

export function rescanCommand(program: Command): void {
  program
    .command("rescan")
    .description(
      "run stored samples again whose result another engine got, and say what changed: finding, layout, version, C2",
    )
    .addOption(corpusOption())
    .option(
      "--family <id>",
      "samples of this family, such as win.lumma; a result of its present version stands",
    )
    .option("--layout <id>", "samples that this layout of it was found in")
    .option("--since <date>", "samples last seen on this day or later")
    .option("--unknown", "also samples that gave no config at all")
    .option("--jobs <n>", "samples at once (default: one a core)", positiveInteger)
    .option("--queue-only", "leave the work to others' workers; prints the batch")
    .option("--batch <id>", "no new rescan: what this one changed so far")
    .option("--json", "as JSON")
    .option("--no-color", "no colours")
    .action(rescan);
}

async function rescan(flags: RescanFlags): Promise<void> {
  const filter = filterOf(flags);
  await withCorpus(flags, async (corpus) => {
    const { openQueue } = await import("../jobs/queue.ts");
    const queue = await openQueue(corpus);
    try {
      const batch = flags.batch ?? (await queue.rescan(filter));
      if (flags.batch === undefined && flags.queueOnly) return emit(`${batch}\n`, undefined);
      if (flags.batch === undefined) {
        const { startWorker } = await import("../jobs/worker.ts");
        const stop = stopSignal();
        const worker = await startWorker(corpus, {
          jobs: flags.jobs ?? availableParallelism(),
          signal: stop.signal,
          onTrouble: (text) => console.error(`assay: ${printable(text)}`),
        });
        for await (const _ of queue.watch(batch, 0, stop.signal));
        stop.abort();
        await worker.done;
      }
      const { rescanChanges } = await import("../jobs/changes.ts");
      const found = await rescanChanges(corpus.db, batch);
      if (flags.json) return emit(json({ batch, ...found }), undefined);
      const { changesText } = await import("../render/jobs.ts");
      const { outputStyle } = await import("../render/style.ts");
      emit(changesText(found, outputStyle(flags.color)), undefined);
    } finally {
      await queue.close();
    }
  });
}

function filterOf({ family, layout, since, unknown, batch }: RescanFlags): Filter {
  if (batch === undefined && family === undefined && layout === undefined && since === undefined)
    throw new UsageError("which samples? --family, --layout or --since says it");
  const day = since === undefined ? undefined : new Date(since);
  if (day !== undefined && Number.isNaN(day.getTime()))
    throw new UsageError(`--since ${JSON.stringify(since)} is no date, such as 2026-03-01`);
  return {
    ...(family === undefined ? {} : { family }),
    ...(layout === undefined ? {} : { layout }),
    ...(day === undefined ? {} : { since: day.toISOString() }),
    ...(unknown === undefined ? {} : { unknown }),
  };
}
