/** `assay push misp|opencti|taxii`: an export sent to where others look. */
import { TLP_LEVELS, type Tlp } from "@assay/core/export/form";
import { Argument, type Command } from "commander";
import { corpusDirOption, tlpOf } from "./export.ts";

export interface PushFlags {
  readonly url?: string;
  readonly token?: string;
  readonly config?: string;
  readonly report?: string;
  readonly corpus?: string;
  readonly corpusDir?: string;
  readonly tlp?: Tlp;
  readonly allow?: string;
  readonly deny?: string;
  readonly connector?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function pushCommand(program: Command): void {
  program
    .command("push")
    .description(
      "send a report or results of the corpus to MISP, OpenCTI or a TAXII collection; the same results again change nothing there",
    )
    .addArgument(new Argument("<target>").choices(["misp", "opencti", "taxii"]))
    .option("--url <url>", "where it is; for taxii that of the collection (or ASSAY_PUSH_URL)")
    .option(
      "--token <token>",
      "for its API (better: ASSAY_PUSH_TOKEN or the config file); user:password for Basic",
    )
    .option("--config <file>", "config file (default: ~/.config/assay/config.json)")
    .option("--report <file>", "the report, as `assay triage --json` wrote it (default: standard input)")
    .option("--corpus <query>", "standing results of the corpus that meet QUERY, as for `search`; * for all")
    .addOption(corpusDirOption())
    .option("--tlp <level>", `mark what goes out (TLP 2.0): ${TLP_LEVELS.join(", ")}`, tlpOf)
    .option("--allow <file>", "never block what this list names: domains, addresses, ranges, sockets, URLs")
    .option("--deny <file>", "block what this list names when the report holds it, whatever the policy says")
    .option(
      "--connector <id>",
      "OpenCTI: put the bundle into this connector's queue instead of uploading a file",
    )
    .option("--dry-run", "say what would be sent, and send nothing")
    .option("--json", "what was sent and refused, as JSON")
    .action(async (target: "misp" | "opencti" | "taxii", flags: PushFlags) => {
      const { pushTo } = await import("./push-to.ts");
      await pushTo(target, flags);
    });
}
