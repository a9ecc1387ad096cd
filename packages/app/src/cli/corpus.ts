/** `assay corpus …`: what keeps a corpus in order. */
import { printable } from "@assay/core/export/escape";
import type { Command } from "commander";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface ShowFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
}

/** Damage was found. */
const DAMAGED_STATUS = 1;

export function corpusCommand(program: Command): void {
  const corpus = program.command("corpus").description("the corpus itself: stats, check, export, import, …");
  shown(corpus.command("stats").description("how much there is, by family and outcome")).action(
    async (flags: ShowFlags) => {
      const { stats } = await import("../store/stats.ts");
      const found = await withCorpus(flags, ({ db }) => stats(db));
      await show(flags, found, async () => (await import("../render/corpus-state.ts")).statsText);
    },
  );
  shown(
    corpus
      .command("check")
      .description("read all that is kept and tell what is missing or damaged (status 1)"),
  ).action(async (flags: ShowFlags) => {
    const { check } = await import("../store/check.ts");
    const found = await withCorpus(flags, check);
    await show(flags, found, async () => (await import("../render/corpus-state.ts")).checkText);
    if (found.problems.some(({ damage }) => damage)) process.exitCode = DAMAGED_STATUS;
  });
  shown(corpus.command("clusters").description("samples that belong together, over the whole corpus")).action(
    async (flags: ShowFlags) => {
      const { clusters } = await import("../store/clusters.ts");
      const found = await withCorpus(flags, ({ db }) => clusters(db));
      await show(flags, found, async () => (await import("../render/corpus-state.ts")).clustersText);
    },
  );
  corpus
    .command("export")
    .description("write the corpus as JSON lines, the same bytes for the same content")
    .argument("<file>", "- for standard output")
    .option("--blobs", "the samples too, as CaRT")
    .addOption(corpusOption())
    .action(async (file: string, flags: CorpusFlags & { readonly blobs?: boolean }) => {
      const { exportTo } = await import("./corpus-transfer.ts");
      await exportTo(file, flags);
    });
  corpus
    .command("import")
    .description("add what another corpus exported; doing it twice changes nothing")
    .argument("<file>", "- for standard input")
    .addOption(corpusOption())
    .action(async (file: string, flags: CorpusFlags) => {
      const { importFrom } = await import("./corpus-transfer.ts");
      await importFrom(file, flags);
    });
  excludeCommand(corpus);
}

function excludeCommand(corpus: Command): void {
  const exclude = corpus
    .command("exclude")
    .description("what may tie no samples together: shared hosts, sinkholes, names that mean nothing");
  exclude
    .command("add")
    .argument("<entry>", "a domain with all under it, address, range, socket, URL, or TYPE:VALUE")
    .addOption(corpusOption())
    .action(async (entry: string, flags: CorpusFlags) => {
      const { addExclusion } = await import("../store/exclusions.ts");
      if (!(await withCorpus(flags, ({ db }) => addExclusion(db, entry, new Date().toISOString()), "make")))
        throw new UsageError(`${printable(entry)} is no domain, address, range, socket, URL or TYPE:VALUE`);
    });
  shown(exclude.command("list")).action(async (flags: ShowFlags) => {
    const { listExclusions } = await import("../store/exclusions.ts");
    const rows = await withCorpus(flags, ({ db }) => listExclusions(db));
    await show(flags, rows, async () => (await import("../render/corpus-state.ts")).exclusionsText);
  });
  exclude
    .command("remove")
    .argument("<entry>", "as it was added")
    .addOption(corpusOption())
    .action(async (entry: string, flags: CorpusFlags) => {
      const { removeExclusion } = await import("../store/exclusions.ts");
      if (!(await withCorpus(flags, ({ db }) => removeExclusion(db, entry))))
        throw new UsageError(`${printable(entry)} is not on the list`);
    });
}

function shown(command: Command): Command {
  return command.addOption(corpusOption()).option("--json", "as JSON").option("--no-color", "no colours");
}

type Render<T> = (value: T, style: import("../render/style.ts").Style) => string;

async function show<T>(flags: ShowFlags, value: T, render: () => Promise<Render<T>>): Promise<void> {
  if (flags.json) return emit(json(value), undefined);
  const { outputStyle } = await import("../render/style.ts");
  emit((await render())(value, outputStyle(flags.color)), undefined);
}
