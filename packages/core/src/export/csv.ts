/** Indicators as CSV (RFC 4180), safe to open in a spreadsheet. */
import type { Report } from "../model/index.ts";
import type { Exported, ExportOptions } from "./form.ts";
import { type Gathered, gather } from "./gather.ts";
import { whyNotBlock } from "./policy.ts";

export const CSV_COLUMNS = [
  "type",
  "value",
  "defanged",
  "usage",
  "families",
  "samples",
  "confidence",
  "block",
  "why_not",
  "tlp",
] as const;

/**
 * A cell that begins with one of these is run as a formula by spreadsheets (OWASP, CSV injection); so is one that
 * follows their trimmed blanks. An apostrophe before it makes it text. Cells that begin with an apostrophe get one more,
 * so that taking the first one off always gives the value back.
 */
const FORMULA = /^[\s\0]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^['\t\r\n]/;

export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The value that `csvCell` wrote, once the CSV itself is read. */
export function fromCsvCell(text: string): string {
  return text.startsWith("'") ? text.slice(1) : text;
}

export function toCsv(report: Report, options: ExportOptions): Exported {
  const rows = gather(report).map((indicator) => rowOf(indicator, options));
  const body = [CSV_COLUMNS, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
  return { body, leftOut: [], notes: [] };
}

function rowOf(indicator: Gathered, options: ExportOptions): string[] {
  const why = whyNotBlock(indicator, options);
  return [
    indicator.type,
    indicator.value,
    indicator.defanged,
    indicator.usages.join(" "),
    indicator.families.join(" "),
    indicator.samples.join(" "),
    indicator.confidence,
    why === undefined ? "yes" : "no",
    why ?? "",
    options.tlp ?? "",
  ];
}
