/** What a sandbox said of each sample, beside what was found here, as people read it: claims, without our proof. */
import { defang } from "../indicators/index.ts";
import type { Report, Sandbox } from "../model/index.ts";
import { SAID_BY, saidValues } from "../model/sandbox.ts";
import { printable, shorten } from "./escape.ts";
import { baseName } from "./summary.ts";

export interface SandboxLine {
  /** `both`, `sandbox only`, `assay only`: who says the value. */
  readonly saidBy: string;
  /** The sandbox's name for it, otherwise ours; empty when neither is known. */
  readonly name: string;
  readonly value: string;
}

export interface SandboxBlock {
  readonly title: string;
  /** `cape task 12: LummaStealer; 3 files of the run analysed` */
  readonly head: string;
  readonly lines: readonly SandboxLine[];
}

/** Characters of a name that a sandbox gave to a value. */
const MAX_NAME = 32;

/** One block for each sample that came out of a sandbox. All text printable and defanged. */
export function sandboxBlocks(report: Pick<Report, "samples">): SandboxBlock[] {
  return report.samples.flatMap((sample) =>
    sample.sandbox === undefined
      ? []
      : [{ title: baseName(sample), head: headOf(sample.sandbox), lines: linesOf(sample.sandbox) }],
  );
}

function headOf({ name, task, families, artefacts }: Sandbox): string {
  const run = task === "" ? printable(name) : `${printable(name)} task ${printable(task)}`;
  const said = families.length === 0 ? "no family" : families.map(printable).join(", ");
  return `${run}: ${said}; ${artefacts} ${artefacts === 1 ? "file" : "files"} of the run analysed`;
}

function linesOf(sandbox: Sandbox): SandboxLine[] {
  return saidValues(sandbox).map(({ in: where, name, value }) => ({
    saidBy: SAID_BY[where],
    name: shorten(printable(name), MAX_NAME),
    value: printable(defang(value)),
  }));
}
