/** Writes inner artifacts to a folder: names of our own making, never those of the sample. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCart } from "@assay/core/formats/cart";
import type { Sample } from "@assay/core/model/index";
import { attemptIo } from "../batch/collect.ts";
import { UsageError } from "./options.ts";

/** Owner may read and write, nobody may execute. */
const FILE_MODE = 0o600;

/** One file for each artifact but the sample itself: `<number>-<sha256>.cart`, or `.bin` when raw. */
export function writeArtifacts(
  sample: Sample,
  bytes: ReadonlyMap<number, Uint8Array>,
  folder: string,
  raw: boolean,
): void {
  if (raw)
    console.error(
      "assay: warning: raw artifacts are live malware; keep them from being run, opened or scanned away",
    );
  const made = attemptIo(() => mkdirSync(folder, { recursive: true }));
  if ("code" in made) throw new UsageError(`${folder}: ${made.text}`);
  for (const artifact of sample.artifacts) {
    const content = bytes.get(artifact.id);
    if (artifact.id === 0 || content === undefined) continue;
    const path = join(folder, `${artifact.id}-${artifact.sha256}.${raw ? "bin" : "cart"}`);
    const name = artifact.name ?? artifact.label ?? artifact.kind;
    const written = attemptIo(() =>
      writeFileSync(path, raw ? content : writeCart(content, { name }), { mode: FILE_MODE }),
    );
    if ("code" in written) throw new UsageError(`${path}: ${written.text}`);
  }
}
