/** From the paths a user names to the files of the batch. */
import { type BigIntStats, type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";

/** Folders nested deeper than this are reported and not entered. */
const MAX_DEPTH = 64;

/** A path is bytes: names that are not UTF-8 exist, and must open. */
export type RawPath = Buffer;

export type Input =
  | { readonly kind: "file"; readonly path: RawPath; readonly name: string; readonly size: number }
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
  for (const path of paths) yield* visit(Buffer.from(path), 0, entered);
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

interface IoFailure {
  readonly code: string;
  readonly text: string;
}

/** Runs a file-system call; its errors (they carry an errno code) become values. */
export function attemptIo<T>(call: () => T): { readonly value: T } | IoFailure {
  try {
    return { value: call() };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return { code: "unreadable", text: `${WORDS[code] ?? "cannot be read"} (${code})` };
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no such file or folder",
  ELOOP: "links that lead in a circle",
  ENAMETOOLONG: "the name is too long",
  EIO: "the disk could not read it",
};

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
