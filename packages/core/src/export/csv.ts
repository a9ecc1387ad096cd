/** Indicators as CSV (RFC 4180), safe to open in a spreadsheet. */
import { defangIndicator } from "../indicators/index.ts";
import type { ExportOptions } from "./form.ts";
import type { Gathered } from "./gather.ts";
import type { Gleaned, Listed } from "./listed.ts";
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

export function toCsv({ gathered, options }: Gleaned): Listed {
  return { chunks: lines(gathered, options), leftOut: [], notes: [] };
}

function* lines(gathered: Iterable<Gathered>, options: ExportOptions): Generator<string> {
  yield line(CSV_COLUMNS);
  for (const indicator of gathered) yield line(rowOf(indicator, options));
}

function line(row: readonly string[]): string {
  return `${row.map(csvCell).join(",")}\r\n`;
}

function rowOf(indicator: Gathered, options: ExportOptions): string[] {
  const why = whyNotBlock(indicator, options);
  return [
    indicator.type,
    indicator.value,
    defangIndicator(indicator.type, indicator.value),
    indicator.usages.join(" "),
    indicator.families.join(" "),
    indicator.samples.join(" "),
    indicator.confidence,
    why === undefined ? "yes" : "no",
    why ?? "",
    options.tlp ?? "",
  ];
}
