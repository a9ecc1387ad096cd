/** What a sandbox said of each sample, in the terminal. */
import { shorten } from "@assay/core/export/escape";
import { type SandboxBlock, sandboxBlocks } from "@assay/core/export/sandbox";
import type { Report } from "@assay/core/model/index";
import type { Paint } from "./paint.ts";

/** Lines of one sample; the JSON report has all. */
const MAX_LINES = 40;
const MAX_VALUE = 100;

/** Empty when no sample came out of a sandbox. */
export function sandboxText(report: Report, paint: Paint): string {
  const blocks = sandboxBlocks(report).map((one) => block(one, paint));
  return blocks.length === 0 ? "" : `${paint.heading("Said by the sandbox")}\n${blocks.join("\n")}`;
}

function block({ title, head, lines }: SandboxBlock, paint: Paint): string {
  const told = lines
    .slice(0, MAX_LINES)
    .map(
      ({ saidBy, name, value }) =>
        `  ${saidBy.padEnd(12)}  ${name === "" ? "" : `${name}: `}${shorten(value, MAX_VALUE)}`,
    );
  const more = lines.length > MAX_LINES ? [`  … ${lines.length - MAX_LINES} more in the JSON report`] : [];
  return [`${paint.bold(title)}  ${head}`, ...told, ...more].join("\n");
}
