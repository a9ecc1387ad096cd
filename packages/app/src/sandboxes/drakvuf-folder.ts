/** An analysis of DRAKVUF Sandbox on disk: metadata.json, report.json, and dumps.zip or the `dumps` folder unpacked from it. */
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type DrakvufFacts, drakvufFacts, drakvufHint, isDump } from "./drakvuf-facts.ts";
import { hashOf, Inside } from "./inside.ts";
import { lastPart } from "./json-value.ts";
import type { Run } from "./run.ts";
import { type Artefact, describeHint, type Problem } from "./sandbox.ts";
import { type OpenArchive, unpack } from "./unpack.ts";

const MAX_JSON = 256 * 1024 * 1024;

/** Dumps in the archive are unpacked into `scratch`. Undefined when there is no such folder. */
export async function readDrakvufAnalysis(
  path: string,
  open: OpenArchive,
  scratch: string,
): Promise<Run | undefined> {
  const inside = Inside.open(path);
  if (inside === undefined) return undefined;
  const facts = drakvufFacts(inside.json("metadata.json", MAX_JSON), inside.json("report.json", MAX_JSON));
  const notes: Problem[] = [];
  const folder = inside.files("dumps").map((file) => ({ ...file, sha256: hashOf(file) }));
  const zip = folder.length === 0 ? inside.file("dumps.zip") : undefined;
  const unpacked = zip === undefined ? [] : await unpackDumps(zip.path, open, scratch, notes);
  const artefacts = [...folder, ...unpacked].flatMap((file) => artefactOf(file, facts) ?? []);
  return {
    name: facts.name === undefined ? path : join(path, lastPart(facts.name)),
    sandbox: "drakvuf",
    task: basename(inside.root),
    ...(facts.sha256 === undefined ? {} : { sha256: facts.sha256 }),
    artefacts,
    said: { families: [], configs: [] },
    notes,
  };
}

type DumpFile = Pick<Artefact, "path" | "name" | "size" | "sha256">;

async function unpackDumps(
  zip: string,
  open: OpenArchive,
  scratch: string,
  notes: Problem[],
): Promise<readonly DumpFile[]> {
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const opened = await unpack(open, zip, scratch, "dump", ["infected"]);
  if (!opened.ok) {
    notes.push({ code: opened.error.code, text: `dumps.zip: ${opened.error.text}` });
    return [];
  }
  const { files, damage, notes: left } = opened.value;
  if (damage !== undefined) notes.push({ code: "broken-archive", text: `dumps.zip: ${damage}` });
  for (const text of left) notes.push({ code: "broken-archive", text: `dumps.zip: ${text}` });
  return files;
}

function artefactOf(file: DumpFile, facts: DrakvufFacts): Artefact | undefined {
  const name = lastPart(file.name);
  if (file.size === 0 || !isDump(name)) return undefined;
  const hint = drakvufHint(name, facts);
  return { ...file, name, hint, description: describeHint(hint) };
}
