/** What a sandbox is to us: it takes a file, runs it, and gives back what came out of memory. */
import type { Result } from "@assay/core/bytes/index";
import type { ArtefactKind, MemoryHint } from "../batch/memory-hint.ts";

export type { ArtefactKind, MemoryHint } from "../batch/memory-hint.ts";

export const SANDBOX_KINDS = ["cape", "triage", "drakvuf"] as const;
export type SandboxKind = (typeof SANDBOX_KINDS)[number];

export type ProblemCode =
  /** Wrong or missing settings of ours. */
  | "settings"
  | "unreachable"
  | "timeout"
  | "server-error"
  | "rate-limited"
  | "token-refused"
  | "not-allowed"
  | "not-found"
  | "redirected"
  /** The server says no, in its own words. */
  | "refused"
  /** The server's owner has switched this route off. */
  | "disabled"
  /** An answer that this API does not give. */
  | "unexpected-answer"
  | "half-sent"
  | "broken-archive"
  | "wrong-password"
  | "too-large"
  | "task-failed"
  /** The server does not know the task (any more). */
  | "task-gone"
  | "unreadable"
  | "disk"
  /** The user stopped it. */
  | "stopped";

/** Why something could not be had, in words that tell a person what to do. Never holds a token. */
export interface Problem {
  readonly code: ProblemCode;
  readonly text: string;
}

export type Answer<T> = Result<T, Problem>;

export interface Submission {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

/** `--option k=v`, in the order given. */
export type SandboxOptions = ReadonlyMap<string, string>;

export interface TaskState {
  readonly phase: "waiting" | "running" | "processing" | "done" | "failed";
  /** The server's own word, and how far it is where it says so. */
  readonly says: string;
}

/** A file of a run, on our disk. */
export interface Artefact {
  readonly path: string;
  /** As the sandbox calls it, a name and never a path of this machine. */
  readonly name: string;
  readonly size: number;
  /** Empty where it was too large to be hashed ahead of its analysis. */
  readonly sha256: string;
  readonly hint: MemoryHint;
  /** For people: `injected PE of RegAsm.exe (4711) at 0x400000`. */
  readonly description: string;
}

/** A value under the sandbox's own name for it. */
export interface SaidValue {
  readonly name: string;
  readonly value: string;
}

export interface SaidConfig {
  readonly family: string;
  readonly values: readonly SaidValue[];
}

/** What the sandbox itself says: claims that are shown beside ours and never become ours. */
export interface Said {
  readonly families: readonly string[];
  readonly configs: readonly SaidConfig[];
}

export interface Fetched {
  readonly artefacts: readonly Artefact[];
  readonly said: Said;
  /** What could not be had: disabled routes, archives that do not open. */
  readonly notes: readonly Problem[];
}

export interface Sandbox {
  readonly kind: SandboxKind;
  /** The task's id. A second call submits a second time. */
  submit(file: Submission, options: SandboxOptions): Promise<Answer<string>>;
  poll(task: string): Promise<Answer<TaskState>>;
  /** Everything worth a look, into `folder`, which exists and is ours alone. */
  fetch(task: string, folder: string): Promise<Answer<Fetched>>;
}

export function problem(code: ProblemCode, text: string): { readonly ok: false; readonly error: Problem } {
  return { ok: false, error: { code, text } };
}

const WORDS: Readonly<Record<ArtefactKind, string>> = {
  payload: "payload",
  procdump: "process dump",
  memory: "memory",
  dropped: "dropped file",
  selfextracted: "self-extracted file",
};

/** `what` replaces the kind's usual word. */
export function describeHint(hint: MemoryHint, what: string = WORDS[hint.kind]): string {
  const { process, base } = hint;
  const pid = process?.pid === undefined ? "" : ` (${process.pid})`;
  const owner = process?.name ?? (pid === "" ? "" : "process");
  return `${what}${owner === "" ? "" : ` of ${owner}${pid}`}${base === undefined ? "" : ` at 0x${base.toString(16)}`}`;
}
