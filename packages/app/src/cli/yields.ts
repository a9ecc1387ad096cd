/** `assay yields`: configs per family and month, with an alarm when a family stops giving them (status 1). */
import type { Command } from "commander";
import { type CorpusFlags, corpusOption, withCorpus } from "./corpus-place.ts";
import { positiveInteger } from "./options.ts";
import { emit, json } from "./output.ts";

interface YieldFlags extends CorpusFlags {
  readonly months: number;
  readonly json?: boolean;
  readonly color: boolean;
}

const DEFAULT_MONTHS = 12;
const ALARM_STATUS = 1;

export function yieldsCommand(program: Command): void {
  program
    .command("yields")
    .description("configs per family and month; status 1 when a family that used to give them stopped")
    .addOption(corpusOption())
    .option("--months <n>", "how far back, the running month included", positiveInteger, DEFAULT_MONTHS)
    .option("--json", "as JSON")
    .option("--no-color", "no colours")
    .action(async (flags: YieldFlags) => {
      const { yields } = await import("../store/yields.ts");
      const found = await withCorpus(flags, ({ db }) => yields(db, flags.months, new Date().toISOString()));
      if (flags.json) emit(json(found), undefined);
      else {
        const { yieldsText } = await import("../render/jobs.ts");
        const { outputStyle } = await import("../render/style.ts");
        emit(yieldsText(found, outputStyle(flags.color)), undefined);
      }
      if (found.alarms.length > 0) process.exitCode = ALARM_STATUS;
    });
}
