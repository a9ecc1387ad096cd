/** A report for people, in Markdown (CommonMark with tables). */
import type { Report } from "../model/index.ts";
import { escapeMarkdown as md } from "./escape.ts";
import { sandboxBlocks } from "./sandbox.ts";
import { type Summary, summarise } from "./summary.ts";

export function toMarkdown(report: Report): string {
  const summary = summarise(report);
  return [
    "# assay report",
    "",
    `${md(report.startedAt)} · assay ${md(report.engine.version)} · ${summary.total} samples in ${report.elapsedMs} ms: ${countsOf(summary)}`,
    "",
    "Addresses are defanged.",
    ...section(
      "Samples",
      table(
        ["Sample", "SHA-256", "Outcome", "Family", "Layout", "Version", "Confidence", "C2"],
        sampleRows(summary),
      ),
    ),
    ...section("Reasons", reasonList(summary)),
    ...section("Shared", clusterList(summary)),
    ...section(
      "Nearly the same",
      summary.nearDuplicates.map((pair) => `- ${md(pair.a)} and ${md(pair.b)}: ${md(pair.why)}`),
    ),
    ...section("Indicators to block", iocTable(summary.iocs)),
    ...section("Seen, not to be blocked", iocTable(summary.leftOut)),
    ...section("Other indicators", iocTable(summary.others)),
    ...section("Configs", configList(summary)),
    ...section("Said by the sandbox", sandboxList(report)),
    "",
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `## ${title}`, "", ...lines];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

export function countsOf(summary: Summary): string {
  const words: string[] = [];
  if (summary.counts.config > 0) words.push(`${summary.counts.config} with config`);
  for (const outcome of ["identified", "unknown", "unsupported", "failed"] as const) {
    if (summary.counts[outcome] > 0) words.push(`${summary.counts[outcome]} ${outcome}`);
  }
  return words.join(", ") || "nothing to read";
}

/** A digest is hex; whatever else a report of unknown origin has in its place gets no way out of a code span. */
function code(text: string): string {
  return text.replace(/[^0-9a-f]/gi, "?");
}

function sampleRows(summary: Summary): string[][] {
  return summary.rows.map((row) => [
    md(row.name) + (row.moreNames > 0 ? ` (+${row.moreNames})` : ""),
    row.sha256 === "" ? "" : `\`${code(row.sha256)}\``,
    row.outcome,
    md(row.family),
    md(row.layout),
    md(row.version),
    row.confidence,
    row.c2.map(md).join("<br>"),
  ]);
}

function reasonList(summary: Summary): string[] {
  return summary.rows.flatMap((row) => row.reasons.map((reason) => `- ${md(row.name)}: ${md(reason)}`));
}

function clusterList(summary: Summary): string[] {
  return summary.clusters.flatMap((cluster) => [
    `- **${md(cluster.id)}** (${cluster.families.map(md).join(", ")}): ${cluster.samples.map(md).join(", ")}`,
    ...cluster.shared.map((tie) => `  - ${md(tie.value)}: ${tie.samples.map(md).join(", ")}`),
  ]);
}

function iocTable(rows: Summary["iocs"]): string[] {
  const reasons = rows.some((row) => row.why !== "");
  return table(
    ["Type", "Indicator", "Usage", "Families", "Samples", ...(reasons ? ["Why not"] : [])],
    rows.map((row) => [
      row.type,
      md(row.value),
      row.usage,
      row.families.map(md).join(", "),
      String(row.samples),
      ...(reasons ? [md(row.why)] : []),
    ]),
  );
}

function configList(summary: Summary): string[] {
  return summary.configs.flatMap((config) => [
    `### ${md(config.title)}: ${md(config.family)}, layout ${md(config.layout)}, ${config.confidence}`,
    "",
    ...table(
      ["Field", "Value", "Found at"],
      config.lines.map((line) => [md(line.name), md(line.value), md(line.where)]),
    ),
    "",
    ...config.notes.map((note) => `- ${md(note)}`),
    ...(config.notes.length > 0 ? [""] : []),
  ]);
}

function sandboxList(report: Report): string[] {
  return sandboxBlocks(report).flatMap(({ title, head, lines }) => [
    `### ${md(title)}`,
    "",
    md(head),
    "",
    ...table(
      ["Said by", "Field", "Value"],
      lines.map(({ saidBy, name, value }) => [saidBy, md(name), md(value)]),
    ),
    ...(lines.length > 0 ? [""] : []),
  ]);
}
