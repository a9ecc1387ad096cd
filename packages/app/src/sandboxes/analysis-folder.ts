/** Reads folders that sandboxes and dumpers leave behind. */
import type { FileInput } from "../batch/collect.ts";
import { readCapeAnalysis } from "./cape-folder.ts";
import { readDrakvufAnalysis } from "./drakvuf-folder.ts";
import type { FolderKind } from "./folder-kind.ts";
import { readPeSieveFolder } from "./pe-sieve-folder.ts";
import type { Run } from "./run.ts";
import type { OpenArchive } from "./unpack.ts";

/** A run of one sample, or files that belong to no sample that is known. */
export type FolderReading =
  | { readonly kind: "run"; readonly run: Run }
  | { readonly kind: "files"; readonly files: readonly FileInput[] };

/** `scratch`: a folder of ours for what has to be unpacked; made when it is needed. */
export async function readAnalysisFolder(
  path: string,
  kind: FolderKind,
  open: OpenArchive,
  scratch: string,
): Promise<FolderReading> {
  if (kind === "pe-sieve") return { kind: "files", files: readPeSieveFolder(path) };
  const run = kind === "cape" ? await readCapeAnalysis(path) : await readDrakvufAnalysis(path, open, scratch);
  if (run === undefined) return { kind: "files", files: [] };
  if (run.submitted !== undefined || run.sha256 !== undefined) return { kind: "run", run };
  // Nobody knows what was run: each file stands for itself.
  const files = run.artefacts.map(
    ({ path: at, name, size, hint }): FileInput => ({
      kind: "file",
      path: Buffer.from(at),
      name: `${path}/${name}`,
      size,
      memory: hint,
    }),
  );
  return { kind: "files", files };
}
