/** `assay extract FILE`: one file, its findings as JSON. */
import type { Sample } from "@assay/core/model/index";
import type { Command } from "commander";
import { exitStatus } from "./exit-status.ts";
import { type CommonFlags, poolOptions, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";

interface ExtractFlags extends CommonFlags {
  readonly isolated?: boolean;
}

export function extractCommand(program: Command): void {
  withCommonFlags(
    program.command("extract").description("the configs of one file, as JSON").argument("<file>"),
  )
    .option("--isolated", "analyse in a process of its own, as triage does; costs a second start")
    .action(async (file: string, flags: ExtractFlags) => {
      const sample = flags.isolated ? await isolated(file, flags) : await here(file, flags);
      emit(json(flags.json ? sample : brief(sample)), flags.out);
      process.exitCode = exitStatus([sample]);
    });
}

/** In this process: what a pipeline calls that has a sandbox of its own. */
async function here(file: string, flags: ExtractFlags): Promise<Sample> {
  const { createAnalyser } = await import("../analyser.ts");
  const analyser = await createAnalyser(poolOptions(flags, []).analysis);
  return analyser.analyseFile(Buffer.from(file));
}

async function isolated(file: string, flags: ExtractFlags): Promise<Sample> {
  const { Pool } = await import("../pool/pool.ts");
  const pool = new Pool({ ...poolOptions(flags, [file]), size: 1 });
  try {
    return await pool.run(Buffer.from(file), file);
  } finally {
    pool.close();
  }
}

/** Findings, and why there are none or may be more. `--json` gives the whole sample as the report has it. */
function brief({ sha256, names, format, outcome, families, findings, reasons }: Sample): unknown {
  return { sha256, name: names[0], format, outcome, families, findings, reasons };
}
