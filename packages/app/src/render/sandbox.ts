/** What a sandbox said of each sample, beside what was found here. */
import { printable, shorten } from "@assay/core/export/escape";
import { defang } from "@assay/core/indicators/index";
import type { Report, Sample, Sandbox } from "@assay/core/model/index";
import type { Paint } from "./paint.ts";

/** Lines of one sample; the JSON report has all. */
const MAX_LINES = 40;
const MAX_VALUE = 100;

const MARKS: Readonly<Record<Sandbox["differences"][number]["in"], string>> = {
  both: "both",
  sandbox: "sandbox only",
  assay: "assay only",
};

/** Empty when no sample came out of a sandbox. */
export function sandboxText(report: Report, paint: Paint): string {
  const blocks = report.samples.flatMap((sample) =>
    sample.sandbox === undefined ? [] : [block(sample, sample.sandbox, paint)],
  );
  return blocks.length === 0 ? "" : `${paint.heading("Said by the sandbox")}\n${blocks.join("\n")}`;
}

function block(sample: Sample, sandbox: Sandbox, paint: Paint): string {
  const name = printable((sample.names[0] ?? "").split(/[\\/]/).at(-1) ?? "");
  const task = sandbox.task === "" ? "" : ` task ${printable(sandbox.task)}`;
  const families = sandbox.families.length === 0 ? "no family" : sandbox.families.map(printable).join(", ");
  const head = `${paint.bold(name)}  ${sandbox.name}${task}: ${families}; ${sandbox.artefacts} files of the run analysed`;
  const lines = sandbox.differences.map(({ in: where, value, theirs, ours }) => {
    const called = theirs === undefined ? ourName(ours ?? "") : nameOf(sandbox, theirs);
    return `  ${MARKS[where].padEnd(12)}  ${called === "" ? "" : `${called}: `}${shorten(printable(defang(value)), MAX_VALUE)}`;
  });
  const more = lines.length > MAX_LINES ? [`  … ${lines.length - MAX_LINES} more in the JSON report`] : [];
  return [head, ...lines.slice(0, MAX_LINES), ...more].join("\n");
}

/** The sandbox's own name of a value: `/configs/0/values/2`. */
function nameOf(sandbox: Sandbox, pointer: string): string {
  const [, , config, , value] = pointer.split("/");
  const name = sandbox.configs[Number(config)]?.values[Number(value)]?.name ?? "";
  return shorten(printable(name), 32);
}

/** Our own: `/findings/0/c2/1` → c2, `/findings/0/config/mutex` → mutex. */
function ourName(pointer: string): string {
  const [, , , part = "", field] = pointer.split("/");
  return part === "config" ? (field ?? "") : part;
}
