/** `assay jobs …`: what waits, what is under way, and what was given up. */
import type { Command } from "commander";
import type { Queue } from "../jobs/queue.ts";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger, UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface ListFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
  readonly limit: number;
}

const DEFAULT_LIMIT = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function jobsCommand(program: Command): void {
  const jobs = program.command("jobs").description("the work of a corpus: what waits, what was given up");
  listed(
    jobs.command("list", { isDefault: true }).description("how much waits, and the newest batches"),
  ).action(async (flags: ListFlags) => {
    const found = await withQueue(flags, async (queue) => ({
      depth: await queue.depth(),
      batches: await Promise.all(
        (await queue.batches({ limit: flags.limit })).map(async ({ id, kind, createdAt }) => {
          const status = await queue.status(id, { limit: 1 });
          return { id, kind, createdAt, total: status?.total ?? 0, byState: status?.byState };
        }),
      ),
    }));
    await show(flags, found, async () => (await import("../render/jobs.ts")).jobsText);
  });
  listed(jobs.command("dead").description("dead letters: what was given up, and why")).action(
    async (flags: ListFlags) => {
      const found = await withQueue(flags, (queue) => queue.dead({ limit: flags.limit }));
      await show(flags, found, async () => (await import("../render/jobs.ts")).deadText);
    },
  );
  listed(
    jobs.command("show").description("a batch with its samples, or a dead letter").argument("<id>"),
  ).action(async (id: string, flags: ListFlags) => {
    const wanted = uuid(id);
    const found = await withQueue(
      flags,
      async (queue) => (await queue.status(wanted, { limit: flags.limit })) ?? (await queue.inspect(wanted)),
    );
    if (found === undefined) throw new UsageError(`no batch and no dead letter is called ${wanted}`);
    if (flags.json) return emit(json(found), undefined);
    const { batchText, deadText } = await import("../render/jobs.ts");
    const { outputStyle } = await import("../render/style.ts");
    const style = outputStyle(flags.color);
    emit("samples" in found ? batchText(found, style) : deadText([found], style), undefined);
  });
  letter(jobs, "retry", "put a dead letter back into the queue, with all its tries", (queue, id) =>
    queue.putBack(id),
  );
  letter(jobs, "discard", "forget a dead letter; its batches call it failed", (queue, id) =>
    queue.discard(id),
  );
  jobs
    .command("submit")
    .description("store files and queue them for analysis; prints the batch")
    .argument("<path...>", "files and folders")
    .addOption(corpusOption())
    .option("--feed", "behind what analysts submit")
    .option(
      "--password <password>",
      "for archives (repeatable)",
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .action(async (paths: string[], flags: CorpusFlags & { feed?: boolean; password: string[] }) => {
      const { submitFiles } = await import("./jobs-submit.ts");
      await submitFiles(paths, flags);
    });
}

function listed(command: Command): Command {
  return command
    .addOption(corpusOption())
    .option("--limit <n>", "rows shown", positiveInteger, DEFAULT_LIMIT)
    .option("--json", "as JSON")
    .option("--no-color", "no colours");
}

function letter(
  jobs: Command,
  name: string,
  description: string,
  act: (queue: Queue, id: string) => Promise<boolean>,
): void {
  jobs
    .command(name)
    .description(description)
    .argument("<id...>", "of dead letters, as assay jobs dead shows them")
    .addOption(corpusOption())
    .action(async (ids: string[], flags: CorpusFlags) => {
      await withQueue(flags, async (queue) => {
        for (const id of ids.map(uuid))
          if (!(await act(queue, id))) throw new UsageError(`no dead letter is called ${id}`);
      });
    });
}

function uuid(text: string): string {
  if (!UUID.test(text))
    throw new UsageError(`${JSON.stringify(text)} is no id, such as assay jobs list shows`);
  return text.toLowerCase();
}

export async function withQueue<T>(flags: CorpusFlags, work: (queue: Queue) => Promise<T>): Promise<T> {
  return withCorpus(flags, async (corpus) => {
    const { openQueue } = await import("../jobs/queue.ts");
    const queue = await openQueue(corpus);
    try {
      return await work(queue);
    } finally {
      await queue.close();
    }
  });
}

type Render<T> = (value: T, style: import("../render/style.ts").Style) => string;

async function show<T>(flags: ListFlags, value: T, render: () => Promise<Render<T>>): Promise<void> {
  if (flags.json) return emit(json(value), undefined);
  const { outputStyle } = await import("../render/style.ts");
  emit((await render())(value, outputStyle(flags.color)), undefined);
}
