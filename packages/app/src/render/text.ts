/** The report as a terminal shows it. Everything from a sample has passed `printable` in the summary. */

import { shorten } from "@assay/core/export/escape";
import { countsOf } from "@assay/core/export/markdown";
import { type IocRow, type SampleRow, type Summary, summarise } from "@assay/core/export/summary";
import type { Report } from "@assay/core/model/index";
import { columns } from "./columns.ts";
import type { Paint } from "./paint.ts";
import { sandboxText } from "./sandbox.ts";

/** Narrower terminals get this many columns and wrap. */
const MIN_WIDTH = 80;
const SHA_WIDTH = 12;

export interface TextOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Print every config field with where it was found. */
  readonly configs: boolean;
}

export function toText(report: Report, options: TextOptions): string {
  const summary = summarise(report);
  const width = Math.max(MIN_WIDTH, options.width);
  const { paint } = options;
  const seconds = (report.elapsedMs / 1000).toFixed(2);
  const parts = [
    `${paint.bold(`${summary.total} ${summary.total === 1 ? "sample" : "samples"}`)} in ${seconds} s: ${countsOf(summary)}`,
    samples(summary, width, paint),
    reasons(summary, width, paint),
    ...(options.configs ? [configs(summary, width, paint)] : []),
    sandboxText(report, paint),
    shared(summary, width, paint),
    nearDuplicates(summary, paint),
    iocs("Indicators to block (defanged)", summary.iocs, width, paint),
    iocs("Seen, not to be blocked", summary.leftOut, width, paint),
    iocs("Other indicators", summary.others, width, paint),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function samples(summary: Summary, width: number, paint: Paint): string {
  if (summary.rows.length === 0) return "";
  const all: readonly (readonly [string, (row: SampleRow) => string])[] = [
    ["SAMPLE", (row) => row.name + (row.moreNames > 0 ? ` +${row.moreNames}` : "")],
    ["SHA-256", (row) => row.sha256.slice(0, SHA_WIDTH)],
    ["PROCESS", (row) => row.process],
    ["FAMILY", (row) => row.family || "-"],
    ["LAYOUT", (row) => row.layout],
    ["VERSION", (row) => shorten(row.version, 14)],
    ["CONFIDENCE", (row) => (row.outcome === "config" ? row.confidence : row.outcome)],
    ["C2", c2Cell],
  ];
  const used = all.filter(([, cell]) => summary.rows.some((row) => cell(row) !== ""));
  const rows = summary.rows.map((row) => used.map(([, cell]) => cell(row)));
  return columns(
    used.map(([title]) => title),
    rows,
    width,
    paint,
  );
}

function c2Cell(row: SampleRow): string {
  const first = row.c2[0];
  if (first === undefined) return "";
  return row.c2.length === 1 ? first : `${first} +${row.c2.length - 1}`;
}

function reasons(summary: Summary, width: number, paint: Paint): string {
  const rows = summary.rows.flatMap((row) => row.reasons.map((reason) => [shorten(row.name, 32), reason]));
  return rows.length === 0 ? "" : columns(["SAMPLE", "REASON"], rows, width, paint);
}

function configs(summary: Summary, width: number, paint: Paint): string {
  const widest = Math.max(30, Math.floor(width / 2));
  return summary.configs
    .map((config) => {
      const title = paint.bold(`${config.title}  ${config.family} ${config.layout}  (${config.confidence})`);
      const rows = config.lines.map((line) => [`  ${line.name}`, shorten(line.value, widest), line.where]);
      const notes = config.notes.map((note) => `\n  note: ${note}`).join("");
      return `${title}\n${columns(["  FIELD", "VALUE", "FOUND AT"], rows, width, paint, 1)}${notes}`;
    })
    .join("\n\n");
}

function shared(summary: Summary, width: number, paint: Paint): string {
  if (summary.clusters.length === 0) return "";
  const blocks = summary.clusters.map((cluster) => {
    const title = `${paint.bold(cluster.id)}  ${cluster.families.join(", ")}: ${cluster.samples.join(", ")}`;
    const rows = cluster.shared.map((tie) => [`  ${tie.value}`, tie.samples.join(", ")]);
    return `${title}\n${columns(["  SHARED", "BY"], rows, width, paint)}`;
  });
  return `${paint.heading("Shared")}\n${blocks.join("\n")}`;
}

function nearDuplicates(summary: Summary, paint: Paint): string {
  if (summary.nearDuplicates.length === 0) return "";
  const lines = summary.nearDuplicates.map((pair) => `  ${pair.a}  ${pair.b}  ${pair.why}`);
  return `${paint.heading("Nearly the same: check which one is meant")}\n${lines.join("\n")}`;
}

function iocs(title: string, all: readonly IocRow[], width: number, paint: Paint): string {
  if (all.length === 0) return "";
  const reasonsThere = all.some((row) => row.why !== "");
  const head = ["  TYPE", "INDICATOR", "USAGE", "SAMPLES", reasonsThere ? "FAMILIES / WHY NOT" : "FAMILIES"];
  const rows = all.map((row) => [
    `  ${row.type}`,
    row.value,
    row.usage,
    String(row.samples),
    row.families.join(", ") + (row.why === "" ? "" : `: ${row.why}`),
  ]);
  return `${paint.heading(title)}\n${columns(head, rows, width, paint, 1)}`;
}
