/** What `assay export` does, loaded when it is asked for. */
import { readFileSync, statSync } from "node:fs";
import { csvCell } from "@assay/core/export/csv";
import { printable, shorten } from "@assay/core/export/escape";
import type { Conversion, Exported, ExportOptions, Form, LeftOut } from "@assay/core/export/form";
import { findForm, forms } from "@assay/core/export/registry";
import { parseUserList, type UserList } from "@assay/core/export/user-list";
import { checkReport } from "@assay/core/model/check-report";
import type { Report } from "@assay/core/model/report";
import { parseQuery, SEARCH_KEYS, type Term } from "@assay/core/search/query";
import { attemptIo } from "../batch/collect.ts";
import { Joiner } from "../exchange/joiner.ts";
import { withCorpus } from "./corpus-place.ts";
import type { ExportFlags } from "./export.ts";
import { UsageError } from "./options.ts";
import { emit } from "./output.ts";
import { writeChunks } from "./write-chunks.ts";

/** The longest text that V8 makes of a file is some 512 MB; a report of 10,000 samples has 300 MB. */
const MAX_REPORT_BYTES = 500 * 1024 ** 2;
const MAX_LIST_BYTES = 64 * 1024 ** 2;
/** Bad lines of a list told on stderr. */
const MAX_TOLD = 5;
const MAX_TOLD_LENGTH = 80;

export function listForms(): string {
  const width = Math.max(...forms.map((form) => form.id.length));
  return forms.map((form) => `${form.id.padEnd(width)}  ${form.title}\n`).join("");
}

export async function exportReport(format: string, flags: ExportFlags): Promise<void> {
  const form = formCalled(format);
  const options = exportOptions(flags);
  const report = await readReport(flags.report);
  if (form.open === undefined) {
    const out = form.convert(report, options);
    emit(out.body, flags.out);
    finish(out, flags);
    return;
  }
  const conversion = form.open(report, options);
  await writeChunks(chunksOf(conversion, report), flags.out);
  finish({ leftOut: conversion.leftOut(), notes: conversion.notes() }, flags);
}

export async function exportQuery(format: string, query: string, flags: ExportFlags): Promise<void> {
  if (flags.report !== undefined) throw new UsageError("--report or --corpus, not both");
  const form = formCalled(format);
  const options = exportOptions(flags);
  const terms = queryTerms(query);
  const { ExportTooLarge, exportCorpus } = await import("../exchange/export-corpus.ts");
  await withCorpus(corpusFlags(flags), async ({ db }) => {
    try {
      const out = await exportCorpus(db, form, terms, options);
      await writeChunks(out.chunks, flags.out);
      finish({ leftOut: out.leftOut(), notes: out.notes() }, flags);
      if (out.results === 0) console.error("assay: nothing in the corpus meets the query");
    } catch (error) {
      if (error instanceof ExportTooLarge) throw new UsageError(error.message);
      throw error;
    }
  });
}

/** `*` is every sample. */
export function queryTerms(query: string): readonly Term[] {
  if (query.trim() === "*") return [];
  const parsed = parseQuery(query);
  if (parsed.ok) return parsed.value;
  throw new UsageError(
    `--corpus: at character ${parsed.error.at + 1}: ${parsed.error.text} (keys: ${SEARCH_KEYS.join(", ")}); the folder is --corpus-dir`,
  );
}

export function corpusFlags({ corpusDir }: { readonly corpusDir?: string }): { readonly corpus?: string } {
  return corpusDir === undefined ? {} : { corpus: corpusDir };
}

function formCalled(format: string): Form {
  const form = findForm(format);
  if (form !== undefined) return form;
  throw new UsageError(
    `no form is called ${printable(shorten(format, MAX_TOLD_LENGTH))}; there are ${forms.map((one) => one.id).join(", ")}`,
  );
}

/** What all exports and pushes take from their flags. */
export function exportOptions(flags: Pick<ExportFlags, "tlp" | "allow" | "deny">): ExportOptions {
  const [allow, deny] = [readList(flags.allow), readList(flags.deny)];
  return {
    ...(flags.tlp === undefined ? {} : { tlp: flags.tlp }),
    ...(allow === undefined ? {} : { allow }),
    ...(deny === undefined ? {} : { deny }),
  };
}

function* chunksOf({ learn, begin, write, end }: Conversion, report: Report): Generator<string> {
  if (learn !== undefined) for (const sample of report.samples) learn(sample);
  const joiner = new Joiner();
  yield* joiner.take(begin(report));
  if (write !== undefined) for (const sample of report.samples) yield* joiner.take(write(sample));
  yield* joiner.take(end());
  yield joiner.rest();
}

function finish(out: Omit<Exported, "body">, flags: ExportFlags): void {
  if (flags.leftOut !== undefined) emit(sideList(out.leftOut), flags.leftOut);
  tell(out, flags);
}

/** RFC 4180 like the form `csv`, formulas made harmless. */
function sideList(leftOut: readonly LeftOut[]): string {
  const rows = [["value", "reason"], ...leftOut.map(({ value, reason }) => [value, reason])];
  return rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

function tell({ leftOut, notes }: Omit<Exported, "body">, flags: ExportFlags): void {
  for (const note of notes) console.error(`assay: note: ${printable(note)}`);
  if (leftOut.length === 0) return;
  const where =
    flags.leftOut === undefined ? "--left-out FILE lists them" : `see ${printable(flags.leftOut)}`;
  console.error(`assay: ${leftOut.length} left out or cut back (${where})`);
}

export async function readReport(file: string | undefined): Promise<Report> {
  const name = file === undefined || file === "-" ? "standard input" : file;
  const text = name === file ? readText(file, MAX_REPORT_BYTES) : await readStdin();
  const parsed = parseJson(text);
  if ("error" in parsed) throw new UsageError(`${name} is no JSON: ${printable(parsed.error)}`);
  const report = checkReport(parsed.value);
  if (!report.ok)
    throw new UsageError(`${name} is no assay.report/1: ${printable(shorten(report.error, 1000))}`);
  return report.value;
}

function parseJson(text: string): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { error: error.message };
    throw error;
  }
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) throw new UsageError("no report: --report FILE, or on standard input");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REPORT_BYTES) throw new UsageError(`standard input: more than ${MAX_REPORT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readText(file: string, limit: number): string {
  const read = attemptIo(() => {
    const { size } = statSync(file);
    return size > limit ? undefined : readFileSync(file, "utf8");
  });
  if ("code" in read) throw new UsageError(`${file}: ${read.text}`);
  if (read.value === undefined) throw new UsageError(`${file}: more than ${limit} bytes`);
  return read.value;
}

function readList(file: string | undefined): UserList | undefined {
  if (file === undefined) return undefined;
  const { list, bad } = parseUserList(readText(file, MAX_LIST_BYTES));
  if (bad.length === 0) return list;
  const told = bad
    .slice(0, MAX_TOLD)
    .map(({ line, text }) => `line ${line}: ${printable(shorten(text, MAX_TOLD_LENGTH))}`);
  const more = bad.length > MAX_TOLD ? ` and ${bad.length - MAX_TOLD} more` : "";
  throw new UsageError(`${file}: no domain, address, range, socket or URL: ${told.join("; ")}${more}`);
}
