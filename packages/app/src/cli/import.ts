/** `assay import FILE…`: what others found, beside what assay proves. */
import { FOREIGN_FORMS, type ForeignForm } from "@assay/core/foreign/forms";
import { type Command, Option } from "commander";
import { type CorpusFlags, corpusOption } from "./corpus-place.ts";

export interface ImportFlags extends CorpusFlags {
  readonly source?: string;
  readonly form?: ForeignForm;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly sources?: boolean;
  readonly forget?: string;
}

export function importCommand(program: Command): void {
  program
    .command("import")
    .description(
      "keep what others found as second-hand knowledge: configs and indicators of MACO, CAPE, Triage, MISP, MWDB,\nCSV and texts with defanged addresses; `pivot` tells of it in a part of its own, nothing else counts it",
    )
    .argument("[file...]", "files of any of the forms; each is told by what it holds")
    .addOption(corpusOption())
    .option("--source <name>", "who says it (default: the file's name)")
    .addOption(new Option("--form <form>", "take files for this form").choices([...FOREIGN_FORMS]))
    .option("--dry-run", "show what would be read, and keep nothing")
    .option("--json", "what was read, as JSON")
    .option("--sources", "list the sources of what is kept")
    .option("--forget <name>", "remove all that this source said")
    .action(async (files: string[], flags: ImportFlags) => {
      const { forget, importFiles, showSources } = await import("./import-files.ts");
      if (flags.forget !== undefined) await forget(flags.forget, flags);
      else if (flags.sources) await showSources(flags);
      else await importFiles(files, flags);
    });
}
