/** The `assay` command. */
import { ENGINE_VERSION } from "@assay/core/triage/report";
import { Command } from "commander";
import { RuleError } from "../rules/scanner.ts";
import { cartCommand } from "./cart.ts";
import { deaddropCommand } from "./deaddrop.ts";
import { exportCommand } from "./export.ts";
import { extractCommand } from "./extract.ts";
import { familiesCommand } from "./families.ts";
import { inspectCommand } from "./inspect.ts";
import { UsageError } from "./options.ts";
import { triageCommand } from "./triage.ts";

const USAGE_STATUS = 2;

const program = new Command("assay")
  .description(
    "Malware configuration extraction: families, configs and indicators, each with its proof.\nSamples are read, never run.",
  )
  .version(ENGINE_VERSION)
  .showHelpAfterError("(assay --help lists the commands)")
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : USAGE_STATUS);
  });
triageCommand(program);
extractCommand(program);
inspectCommand(program);
familiesCommand(program);
deaddropCommand(program);
cartCommand(program);
exportCommand(program);
for (const command of program.commands) command.copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof RuleError)) throw error;
  console.error(
    `assay: ${error instanceof RuleError ? `rules do not compile: ${error.message}` : error.message}`,
  );
  process.exitCode = USAGE_STATUS;
}
