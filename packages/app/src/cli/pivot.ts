/** `assay pivot VALUE` */
import type { Command } from "commander";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger } from "./options.ts";
import { emit, json } from "./output.ts";

interface PivotFlags extends CorpusFlags {
  readonly json?: boolean;
  readonly color: boolean;
  readonly limit: number;
}

/** Samples and next pivots shown. */
const DEFAULT_LIMIT = 50;

export function pivotCommand(program: Command): void {
  program
    .command("pivot")
    .description(
      "what shares VALUE in the corpus, how rare it is, and where to go next: a hash, domain, address, URL, mutex, certificate or any value of a config, defanged or not",
    )
    .argument("<value>", "also as TYPE:VALUE, such as mutex:Rmc-ABC")
    .addOption(corpusOption())
    .option("--limit <n>", "samples and next pivots shown", positiveInteger, DEFAULT_LIMIT)
    .option("--json", "as JSON")
    .option("--no-color", "no colours")
    .action(async (value: string, flags: PivotFlags) => {
      const { pivot } = await import("../store/pivot.ts");
      const result = await withCorpus(flags, ({ db }) =>
        pivot(db, value, { limit: flags.limit, next: flags.limit }),
      );
      if (flags.json) emit(json(result), undefined);
      else {
        const { pivotText } = await import("../render/corpus.ts");
        const { outputStyle } = await import("../render/style.ts");
        emit(pivotText(result, outputStyle(flags.color)), undefined);
      }
    });
}
