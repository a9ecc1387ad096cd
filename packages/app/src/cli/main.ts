/** The `assay` command. */
import { ENGINE_VERSION } from "@assay/core/triage/report";
import { Command } from "commander";
import { RuleError } from "../rules/scanner.ts";
import { cartCommand } from "./cart.ts";
import { corpusCommand } from "./corpus.ts";
import { deaddropCommand } from "./deaddrop.ts";
import { detonateCommand } from "./detonate.ts";
import { exportCommand } from "./export.ts";
import { extractCommand } from "./extract.ts";
import { familiesCommand } from "./families.ts";
import { importCommand } from "./import.ts";
import { inspectCommand } from "./inspect.ts";
import { jobsCommand } from "./jobs.ts";
import { UsageError } from "./options.ts";
import { pivotCommand } from "./pivot.ts";
import { pushCommand } from "./push.ts";
import { rescanCommand } from "./rescan.ts";
import { searchCommand } from "./search.ts";
import { serveCommand } from "./serve.ts";
import { tokenCommand } from "./token.ts";
import { triageCommand } from "./triage.ts";
import { watchCommand } from "./watch.ts";
import { workerCommand } from "./worker.ts";
import { yieldsCommand } from "./yields.ts";

const USAGE_STATUS = 2;

/** The command with all its subcommands, which takes a while to put together. */
export function program(): Command {
  const assay = new Command("assay")
    .description(
      "Malware configuration extraction: families, configs and indicators, each with its proof.\nSamples are read, never run.",
    )
    .version(ENGINE_VERSION)
    .showHelpAfterError("(assay --help lists the commands)")
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : USAGE_STATUS);
    });
  triageCommand(assay);
  extractCommand(assay);
  inspectCommand(assay);
  familiesCommand(assay);
  detonateCommand(assay);
  deaddropCommand(assay);
  cartCommand(assay);
  exportCommand(assay);
  importCommand(assay);
  pushCommand(assay);
  pivotCommand(assay);
  searchCommand(assay);
  watchCommand(assay);
  corpusCommand(assay);
  serveCommand(assay);
  tokenCommand(assay);
  jobsCommand(assay);
  workerCommand(assay);
  rescanCommand(assay);
  yieldsCommand(assay);
  inherit(assay);
  return assay;
}

/** Subcommands of subcommands too answer wrong usage as the command does. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inherit(command);
  }
}

/** Runs what the command line asks for; the exit status tells how it went. */
export async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof RuleError)) throw error;
    console.error(
      `assay: ${error instanceof RuleError ? `rules do not compile: ${error.message}` : error.message}`,
    );
    process.exitCode = USAGE_STATUS;
  }
}
