/** `assay extract FILE`: one file, its findings as JSON. */

import { families } from "@assay/core/families/index";
import { assemble } from "@assay/core/triage/report";
import type { Command } from "commander";
import { createAnalyser } from "../analyser.ts";
import { type CommonFlags, readRules, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";
import { exitStatus } from "./triage.ts";

export function extractCommand(program: Command): void {
  withCommonFlags(
    program.command("extract").description("the config of one file, as JSON").argument("<file>"),
  ).action(async (file: string, flags: CommonFlags) => {
    const startedAt = new Date().toISOString();
    const started = performance.now();
    const analyser = await createAnalyser({
      rules: readRules(flags.rules),
      evidence: flags.evidence ?? false,
      maxBytes: flags.maxSize,
    });
    const sample = analyser.analyseFile(Buffer.from(file));
    const ids = families.map((family) => family.id);
    const report = assemble([sample], ids, startedAt, performance.now() - started);
    emit(json(flags.json ? report : brief(report.samples[0])), flags.out);
    process.exitCode = exitStatus(report);
  });
}

/** Findings first; without any, the outcome and its reasons. `--json` gives the whole report. */
function brief(sample: ReturnType<typeof assemble>["samples"][number] | undefined): unknown {
  if (sample === undefined) return null;
  const { sha256, names, format, outcome, families: found, findings, reasons } = sample;
  return { sha256, name: names[0], format, outcome, families: found, findings, reasons };
}
