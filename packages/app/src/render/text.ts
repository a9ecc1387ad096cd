/** The report as a terminal shows it. Everything from a sample has passed `printable` in the summary. */
import { countsOf } from "@assay/core/export/markdown";
import { printable, shorten } from "@assay/core/export/escape";
import { type IocRow, type Summary, type SampleRow, summarise } from "@assay/core/export/summary";
import type { Report } from "@assay/core/model/index";
import Table from "cli-table3";
import type { Paint } from "./paint.ts";

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
    shared(summary, width, paint),
    nearDuplicates(summary, paint),
    iocs("Indicators to block (defanged)", summary.iocs, width, paint),
    iocs("Seen, not to be blocked", summary.leftOut, width, paint),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** A plain table: two spaces between columns, no frames, so that it survives copy and paste. */
function columns(head: readonly string[], rows: readonly (readonly string[])[], widths: readonly number[], paint: Paint): string {
  const bare = { top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "" };
  const noLines = { "bottom-right": "", left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "" };
  const table = new Table({
    head: head.map((title) => paint.dim(title)),
    chars: { ...bare, ...noLines },
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [], compact: true },
    colWidths: [...widths],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Widths for the cells' content, the last column taking what is left of the line. */
function fit(head: readonly string[], rows: readonly (readonly string[])[], width: number, caps: readonly number[]): number[] {
  const natural = head.map((title, i) =>
    Math.min(caps[i] ?? width, Math.max(title.length, ...rows.map((row) => [...(row[i] ?? "")].length))) + 2,
  );
  const last = natural.length - 1;
  const before = natural.slice(0, last).reduce((sum, value) => sum + value, 0);
  natural[last] = Math.max(20, Math.min(natural[last] ?? 0, width - before));
  return natural;
}

function samples(summary: Summary, width: number, paint: Paint): string {
  if (summary.rows.length === 0) return "";
  const head = ["SAMPLE", "SHA-256", "FAMILY", "VERSION", "CONFIDENCE", "C2"];
  const rows = summary.rows.map((row) => [
    shorten(row.name, 32) + (row.moreNames > 0 ? ` +${row.moreNames}` : ""),
    row.sha256.slice(0, SHA_WIDTH),
    row.family === "" ? "-" : row.layout === "" ? row.family : `${row.family} ${row.layout}`,
    shorten(row.version, 14),
    row.outcome === "config" ? row.confidence : row.outcome,
    c2Cell(row),
  ]);
  const widths = fit(head, rows, width, [36, SHA_WIDTH, 30, 14, 12, width]);
  const painted = rows.map((row) => row.map((cell, i) => (i === 4 ? paint.outcome(cell) : cell)));
  return columns(head, painted, widths, paint);
}

function c2Cell(row: SampleRow): string {
  const first = row.c2[0];
  if (first === undefined) return "";
  return row.c2.length === 1 ? first : `${first} +${row.c2.length - 1}`;
}

function reasons(summary: Summary, width: number, paint: Paint): string {
  const rows = summary.rows.flatMap((row) => row.reasons.map((reason) => [shorten(row.name, 32), reason]));
  if (rows.length === 0) return "";
  const head = ["SAMPLE", "REASON"];
  return columns(head, rows, fit(head, rows, width, [32, width]), paint);
}

function configs(summary: Summary, width: number, paint: Paint): string {
  return summary.configs
    .map((config) => {
      const title = paint.bold(`${config.title}  ${config.family} ${config.layout}  (${config.confidence})`);
      const rows = config.lines.map((line) => [line.name, shorten(line.value, 200), line.where]);
      const head = ["  FIELD", "VALUE", "FOUND AT"];
      const body = rows.map(([name = "", value = "", where = ""]) => [`  ${name}`, value, where]);
      return `${title}\n${columns(head, body, fit(head, body, width, [26, Math.max(30, Math.floor(width / 2)), width]), paint)}`;
    })
    .join("\n\n");
}

function shared(summary: Summary, width: number, paint: Paint): string {
  if (summary.clusters.length === 0) return "";
  const blocks = summary.clusters.map((cluster) => {
    const title = `${paint.bold(cluster.id)}  ${cluster.families.join(", ")}: ${cluster.samples.join(", ")}`;
    const head = ["  SHARED", "BY"];
    const rows = cluster.shared.map((tie) => [`  ${tie.value}`, tie.samples.join(", ")]);
    return `${title}\n${columns(head, rows, fit(head, rows, width, [60, width]), paint)}`;
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
  return `${paint.heading(title)}\n${columns(head, rows, fit(head, rows, width, [16, 64, 20, 7, width]), paint)}`;
}

/** One line for the progress on stderr. */
export function progressLine(done: number, total: number, name: string, width: number): string {
  return shorten(`${done}/${total}  ${printable(name)}`, Math.max(20, width - 1));
}
