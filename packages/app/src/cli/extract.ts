/** `assay extract FILE`: one file, its findings as JSON. */
import type { Sample } from "@assay/core/model/index";
import type { Command } from "commander";
import { Pool } from "../pool/pool.ts";
import { exitStatus } from "./exit-status.ts";
import { type CommonFlags, poolOptions, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";

export function extractCommand(program: Command): void {
  withCommonFlags(
    program.command("extract").description("the configs of one file, as JSON").argument("<file>"),
  ).action(async (file: string, flags: CommonFlags) => {
    const pool = new Pool({ ...poolOptions(flags, [file]), size: 1 });
    try {
      const sample = await pool.run(Buffer.from(file), file);
      emit(json(flags.json ? sample : brief(sample)), flags.out);
      process.exitCode = exitStatus([sample]);
    } finally {
      pool.close();
    }
  });
}

/** Findings, and why there are none or may be more. `--json` gives the whole sample as the report has it. */
function brief({ sha256, names, format, outcome, families, findings, reasons }: Sample): unknown {
  return { sha256, name: names[0], format, outcome, families, findings, reasons };
}
