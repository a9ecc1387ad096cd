/** `assay export FORMAT`: a report in the forms that others take. */
import { TLP_LEVELS, type Tlp } from "@assay/core/export/form";
import { type Command, InvalidArgumentError, Option } from "commander";
import { emit } from "./output.ts";

export interface ExportFlags {
  readonly report?: string;
  readonly corpus?: string;
  readonly corpusDir?: string;
  readonly tlp?: Tlp;
  readonly allow?: string;
  readonly deny?: string;
  readonly out?: string;
  readonly leftOut?: string;
}

export function exportCommand(program: Command): void {
  program
    .command("export")
    .description("write a report in a form that others take; without FORMAT, list the forms")
    .argument("[format]")
    .option("--report <file>", "the report, as `assay triage --json` wrote it (default: standard input)")
    .option("--corpus <query>", "standing results of the corpus that meet QUERY, as for `search`; * for all")
    .addOption(corpusDirOption())
    .option("--tlp <level>", `mark what goes out (TLP 2.0): ${TLP_LEVELS.join(", ")}`, tlpOf)
    .option("--allow <file>", "never block what this list names: domains, addresses, ranges, sockets, URLs")
    .option("--deny <file>", "block what this list names when the report holds it, whatever the policy says")
    .option("--out <file>", "write to FILE instead of stdout")
    .option("--left-out <file>", "write what the form does not hold, each value with its reason, as CSV")
    .action(async (format: string | undefined, flags: ExportFlags) => {
      const { exportQuery, exportReport, listForms } = await import("./export-report.ts");
      if (format === undefined) emit(listForms(), undefined);
      else if (flags.corpus === undefined) await exportReport(format, flags);
      else await exportQuery(format, flags.corpus, flags);
    });
}

/** Where `--corpus` is a query, its folder needs a name of its own. */
export function corpusDirOption(): Option {
  return new Option("--corpus-dir <dir>", "folder of the corpus").env("ASSAY_CORPUS");
}

/** Also as people write it, `TLP:AMBER`. */
export function tlpOf(text: string): Tlp {
  const level = TLP_LEVELS.find((one) => one === text.toLowerCase().replace(/^tlp:/, ""));
  if (level === undefined) throw new InvalidArgumentError(`one of ${TLP_LEVELS.join(", ")} is expected`);
  return level;
}
