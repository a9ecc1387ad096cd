/** From the paths a user names to the files of the batch. */
import { type BigIntStats, type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";

import { analysisFolderKind, capeAnalyses, type FolderKind } from "../sandboxes/folder-kind.ts";
import { attemptIo, type IoFailure } from "./io.ts";
import type { MemoryHint } from "./memory-hint.ts";

export { attemptIo } from "./io.ts";

/** Folders nested deeper than this are reported and not entered. */
const MAX_DEPTH = 64;

/** A path is bytes: names that are not UTF-8 exist, and must open. */
export type RawPath = Buffer;

export interface FileInput {
  readonly kind: "file";
  readonly path: RawPath;
  readonly name: string;
  readonly size: number;
  /** What a sandbox or dumper says of it: whose memory it was, and where. */
  readonly memory?: MemoryHint;
}

export type Input =
  | FileInput
  /** What a sandbox or dumper left of a run: several files that belong together. */
  | { readonly kind: "analysis"; readonly path: string; readonly name: string; readonly folder: FolderKind }
  | { readonly kind: "unreadable"; readonly name: string; readonly code: string; readonly text: string };

/** The name of a path as text; bytes that are not UTF-8 show as U+FFFD. */
export function displayName(path: RawPath): string {
  return path.toString("utf8");
}

/**
 * Everything under `paths` in a stable order, one after the other. Links to folders are followed once:
 * a folder already entered (by its real path) is reported as a loop or repeat and not entered again.
 */
export function* collect(paths: readonly string[]): Generator<Input> {
  const entered = new Set<string>();
  for (const path of paths) {
    const analyses = capePath(path);
    if (analyses === undefined) yield* visit(Buffer.from(path), 0, entered);
    else yield* finishedAnalyses(analyses);
  }
}

/** `cape:FOLDER` names a folder of finished CAPE analyses, or one of them. */
const CAPE_PREFIX = "cape:";

/** The folder that `cape:FOLDER` names; undefined for any other path. */
export function capePath(path: string): string | undefined {
  if (!path.startsWith(CAPE_PREFIX)) return undefined;
  // A file may really be called so.
  const real = attemptIo(() => lstatSync(path));
  return "code" in real ? path.slice(CAPE_PREFIX.length) : undefined;
}

function* finishedAnalyses(folder: string): Generator<Input> {
  let any = false;
  for (const path of capeAnalyses(folder)) {
    any = true;
    yield { kind: "analysis", path, name: path, folder: "cape" };
  }
  if (any) return;
  const there = attemptIo(() => statSync(folder));
  const text = "code" in there ? there.text : "no finished CAPE analysis in this folder";
  yield { kind: "unreadable", name: `${CAPE_PREFIX}${folder}`, code: "unreadable", text };
}

function* visit(path: RawPath, depth: number, entered: Set<string>): Generator<Input> {
  const name = displayName(path);
  const stats = attemptIo(() => statSync(path, { bigint: true }));
  if ("code" in stats) {
    yield { kind: "unreadable", name, ...brokenLink(path, stats) };
    return;
  }
  if (stats.value.isFile()) {
    yield { kind: "file", path, name, size: Number(stats.value.size) };
    return;
  }
  if (!stats.value.isDirectory()) {
    yield {
      kind: "unreadable",
      name,
      code: "not-a-file",
      text: `neither a file nor a folder (${kindOf(stats.value)})`,
    };
    return;
  }
  const real = attemptIo(() => realpathSync(path, { encoding: "buffer" }).toString("latin1"));
  if ("code" in real) {
    yield { kind: "unreadable", name, ...real };
    return;
  }
  if (entered.has(real.value)) {
    yield {
      kind: "unreadable",
      name,
      code: "directory-loop",
      text: "this folder was already read: a link leads back to it",
    };
    return;
  }
  if (depth >= MAX_DEPTH) {
    yield { kind: "unreadable", name, code: "too-deep", text: `folders nested more than ${MAX_DEPTH} deep` };
    return;
  }
  entered.add(real.value);
  // A name that is not UTF-8 is none that a sandbox gives.
  const folder = Buffer.from(name).equals(path) ? analysisFolderKind(name) : undefined;
  if (folder !== undefined) {
    yield { kind: "analysis", path: name, name, folder };
    return;
  }
  const entries = attemptIo(
    () => readdirSync(path, { withFileTypes: true, encoding: "buffer" }) as unknown as Dirent<Buffer>[],
  );
  if ("code" in entries) {
    yield { kind: "unreadable", name, ...entries };
    return;
  }
  const names = entries.value.map((entry) => Buffer.from(entry.name)).sort(Buffer.compare);
  const prefix = path.at(-1) === 0x2f ? path : Buffer.concat([path, Buffer.from("/")]);
  for (const child of names) yield* visit(Buffer.concat([prefix, child]), depth + 1, entered);
}

function brokenLink(path: RawPath, failure: IoFailure): IoFailure {
  const link = attemptIo(() => lstatSync(path));
  return "value" in link && link.value.isSymbolicLink() && failure.text.includes("ENOENT")
    ? { code: "broken-link", text: "a link to something that is not there" }
    : failure;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return "pipe";
  if (stats.isSocket()) return "socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "device";
  return "special file";
}
