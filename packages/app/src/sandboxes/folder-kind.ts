/** Folders that sandboxes and dumpers leave behind, told by what is in them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { attemptIo } from "../batch/io.ts";
import { Inside } from "./inside.ts";

/** Folders of a CAPE analysis that hold what came out of the run. */
const CAPE_FOLDERS = ["CAPE", "procdump", "memory", "files", "selfextracted"];

export type FolderKind = "cape" | "pe-sieve" | "drakvuf";

/** Undefined for any other folder. */
export function analysisFolderKind(path: string): FolderKind | undefined {
  if (isPeSieveFolder(path)) return "pe-sieve";
  if (isCapeAnalysis(path)) return "cape";
  return isDrakvufAnalysis(path) ? "drakvuf" : undefined;
}

export function isCapeAnalysis(path: string): boolean {
  const inside = Inside.open(path);
  if (inside === undefined || !CAPE_FOLDERS.some((name) => inside.hasFolder(name))) return false;
  return inside.file("files.json") !== undefined || inside.file("reports/report.json") !== undefined;
}

/** Every analysis at `path`: itself, or the folders in it, by number. */
export function* capeAnalyses(path: string): Generator<string> {
  if (isCapeAnalysis(path)) {
    yield path;
    return;
  }
  const entries = attemptIo(() => readdirSync(path, { withFileTypes: true }));
  if ("code" in entries) return;
  // `latest` is a link to one of the others.
  const names = entries.value.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  names.sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  for (const name of names) if (isCapeAnalysis(join(path, name))) yield join(path, name);
}

export function isPeSieveFolder(path: string): boolean {
  const inside = Inside.open(path);
  return inside?.file("dump_report.json") !== undefined || inside?.file("scan_report.json") !== undefined;
}

export function isDrakvufAnalysis(path: string): boolean {
  const inside = Inside.open(path);
  return (
    inside?.file("metadata.json") !== undefined &&
    (inside.file("dumps.zip") !== undefined || inside.hasFolder("dumps"))
  );
}
