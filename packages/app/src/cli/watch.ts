/** `assay watch add|list|remove`: values that somebody waits for. */
import { printable } from "@assay/core/export/escape";
import type { Command } from "commander";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { UsageError } from "./options.ts";
import { emit, json } from "./output.ts";

interface ListFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
}

export function watchCommand(program: Command): void {
  const watch = program
    .command("watch")
    .description("tell when a new sample of `triage --corpus` has one of these values");
  watch
    .command("add")
    .description("watch a domain with all under it, an address, a range, a URL, a mutex, any other indicator")
    .argument("<value>", "defanged or not; also as TYPE:VALUE")
    .addOption(corpusOption())
    .action(async (value: string, flags: CorpusFlags) => {
      const { addWatch } = await import("../store/watch.ts");
      const added = await withCorpus(
        flags,
        ({ db }) => addWatch(db, value, new Date().toISOString()),
        "make",
      );
      if (!added) throw new UsageError(`nothing can match ${printable(value)}`);
    });
  watch
    .command("list")
    .description("what is watched, and how many samples touched it since")
    .addOption(corpusOption())
    .option("--json", "as JSON")
    .option("--no-color", "no colours")
    .action(async (flags: ListFlags) => {
      const { listWatches } = await import("../store/watch.ts");
      const rows = await withCorpus(flags, ({ db }) => listWatches(db));
      if (flags.json) emit(json(rows), undefined);
      else {
        const { watchesText } = await import("../render/corpus.ts");
        const { outputStyle } = await import("../render/style.ts");
        emit(watchesText(rows, outputStyle(flags.color)), undefined);
      }
    });
  watch
    .command("remove")
    .description("watch it no longer")
    .argument("<value>", "as it was added")
    .addOption(corpusOption())
    .action(async (value: string, flags: CorpusFlags) => {
      const { removeWatch } = await import("../store/watch.ts");
      if (!(await withCorpus(flags, ({ db }) => removeWatch(db, value))))
        throw new UsageError(`${printable(value)} is not watched`);
    });
}
