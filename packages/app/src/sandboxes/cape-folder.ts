/**
 * A finished CAPE analysis on disk, storage/analyses/N: `files.json`, `CAPE/`, `procdump/`, `memory/<pid>.dmp`,
 * `selfextracted/`, `files/`, `memory.dmp`, `binary`, `reports/report.json`. The JSON files only describe what is found
 * in these folders: no path in them is ever opened.
 */
import { createReadStream, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { attemptIo } from "../batch/io.ts";
import {
  CAPE_FOLDERS,
  factsOfFilesJson,
  hintOf,
  isByproduct,
  NO_REPORT,
  nameProcesses,
  readCapeReport,
} from "./cape-facts.ts";
import { hashOf, Inside, type InsideFile } from "./inside.ts";
import { lastPart } from "./json-value.ts";
import type { Run } from "./run.ts";
import type { Artefact, Problem } from "./sandbox.ts";

const MAX_FILES_JSON = 64 * 1024 * 1024;
const MAX_REPORT = 4 * 1024 ** 3;
/** Folders below those of an analysis: a tool's in `selfextracted`, a number's in `files`. */
const DEPTH = 2;

/** Undefined when there is no such folder. */
export async function readCapeAnalysis(path: string): Promise<Run | undefined> {
  const inside = Inside.open(path);
  if (inside === undefined) return undefined;
  const notes: Problem[] = [];
  const facts = factsOfFilesJson(inside.text("files.json", MAX_FILES_JSON) ?? "");
  const reportFile = inside.file("reports/report.json");
  const readable = reportFile !== undefined && reportFile.size <= MAX_REPORT;
  const report = readable ? await readCapeReport(createReadStream(reportFile.path)) : NO_REPORT;
  for (const note of report.notes) notes.push({ code: "unexpected-answer", text: `report.json: ${note}` });
  if (reportFile === undefined)
    notes.push({
      code: "not-found",
      text: "no reports/report.json: what the sandbox itself found is not known",
    });
  const processes = new Map(report.processes);
  nameProcesses(processes, facts.values());
  const artefacts: Artefact[] = [];
  for (const [folder, kind] of Object.entries(CAPE_FOLDERS))
    for (const file of inside.files(folder, DEPTH)) {
      const name = lastPart(file.name);
      if (file.size === 0 || isByproduct(kind, name)) continue;
      const sha256 = hashOf(file);
      const fact = { ...report.facts.get(sha256), ...facts.get(file.name) };
      const { hint, description } = hintOf(kind, name, fact, processes);
      artefacts.push({ path: file.path, name, size: file.size, sha256, hint, description });
    }
  const ram = inside.file("memory.dmp");
  if (ram !== undefined && ram.size > 0)
    artefacts.push({
      path: ram.path,
      name: "memory.dmp",
      size: ram.size,
      sha256: "",
      hint: { kind: "memory" },
      description: "memory of the whole guest",
    });
  const binary = inside.file("binary") ?? storedBinary(inside);
  const sha256 = binary === undefined ? report.sha256 : hashOf(binary) || report.sha256;
  const task = report.task ?? (/^\d+$/.test(basename(inside.root)) ? basename(inside.root) : "");
  return {
    name: report.name === undefined ? path : join(path, lastPart(report.name)),
    sandbox: "cape",
    task,
    ...(binary === undefined
      ? {}
      : {
          submitted: {
            kind: "file",
            path: Buffer.from(binary.path),
            name: join(path, lastPart(report.name ?? "binary")),
            size: binary.size,
          },
        }),
    ...(sha256 === undefined || sha256 === "" ? {} : { sha256 }),
    artefacts,
    said: report.said,
    notes,
  };
}

/** CAPE keeps submitted files once: `binary` links to storage/binaries/<sha256>. That one place outside is allowed. */
function storedBinary(inside: Inside): InsideFile | undefined {
  const real = attemptIo(() => realpathSync(join(inside.root, "binary")));
  if ("code" in real || real.value === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/.test(basename(real.value)) || dirname(real.value) !== binariesFolder(inside.root))
    return undefined;
  const stats = attemptIo(() => statSync(real.value));
  return "code" in stats || !stats.value.isFile()
    ? undefined
    : { path: real.value, name: "binary", size: stats.value.size };
}

/** storage/binaries, as seen from storage/analyses/N. */
export function binariesFolder(analysis: string): string {
  return join(dirname(dirname(analysis)), "binaries");
}
