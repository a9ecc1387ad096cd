/**
 * Tasks under way, remembered on disk: Ctrl-C and a second call pick the run up instead of starting it again.
 *
 * A file a task, named by what it is of, replaced by renaming: two calls never see half a file. Who submits holds a
 * lock beside it, so that two calls do not submit the same file twice.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fail, ok } from "@assay/core/bytes/index";
import { attemptIo } from "../batch/io.ts";
import type { Clock } from "./clock.ts";
import { taskId } from "./download.ts";
import { parseJson } from "./http.ts";
import { integerOf, objectOf, textOf } from "./json-value.ts";
import { type Answer, type Problem, problem } from "./sandbox.ts";

export interface RememberedTask {
  readonly task: string;
  /** Milliseconds since 1970. */
  readonly submittedAt: number;
}

/** What a task is of. */
export interface TaskKey {
  readonly kind: string;
  readonly url: string;
  readonly sha256: string;
}

/** A lock older than this was left behind: no submission takes so long. */
const STALE_MS = 2 * 60 * 60_000;
const LOCK_POLL_MS = 500;

export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "assay", "tasks");
}

export class TaskStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;

  constructor(folder: string, clock: Clock, signal?: AbortSignal) {
    this.#folder = folder;
    this.#clock = clock;
    this.#signal = signal;
  }

  recall(key: TaskKey): RememberedTask | undefined {
    const text = attemptIo(() => readFileSync(this.#path(key)));
    if ("code" in text) return undefined;
    const { task, submittedAt, sha256 } = objectOf(parseJson(text.value));
    const parts = textOf(task)?.split(",") ?? [];
    if (parts.length === 0 || parts.some((part) => taskId(part) === undefined) || sha256 !== key.sha256)
      return undefined;
    return { task: parts.join(","), submittedAt: integerOf(submittedAt) ?? 0 };
  }

  remember(key: TaskKey, task: string): Problem | undefined {
    const path = this.#path(key);
    const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    const known = { ...key, task, submittedAt: this.#clock.now() };
    const written = attemptIo(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, `${JSON.stringify(known)}\n`, { mode: 0o600 });
      renameSync(temporary, path);
    });
    if (!("code" in written)) return undefined;
    rmSync(temporary, { force: true });
    return this.#cannot(written.text);
  }

  forget(key: TaskKey): void {
    rmSync(this.#path(key), { force: true });
  }

  /**
   * The task that is remembered, or else what `submit` gives, which then is. Of several calls at once one submits;
   * the others wait for it and take its task.
   */
  async pickUpOr(
    key: TaskKey,
    submit: () => Promise<Answer<string>>,
  ): Promise<Answer<{ readonly task: string; readonly pickedUp?: RememberedTask }>> {
    for (;;) {
      const known = this.recall(key);
      if (known !== undefined) return ok({ task: known.task, pickedUp: known });
      const locked = this.#lock(key);
      if (!locked.ok) return locked;
      if (locked.value) break;
      await this.#clock.sleep(LOCK_POLL_MS, this.#signal);
      if (this.#signal?.aborted) return problem("stopped", "stopped");
    }
    try {
      // Somebody may have submitted between the look and the lock.
      const known = this.recall(key);
      if (known !== undefined) return ok({ task: known.task, pickedUp: known });
      const submitted = await submit();
      if (!submitted.ok) return submitted;
      const failed = this.remember(key, submitted.value);
      return failed === undefined ? ok({ task: submitted.value }) : fail(failed);
    } finally {
      rmSync(this.#lockPath(key), { force: true });
    }
  }

  /** False when somebody else holds it. */
  #lock(key: TaskKey): Answer<boolean> {
    const path = this.#lockPath(key);
    const folder = attemptIo(() => mkdirSync(this.#folder, { recursive: true, mode: 0o700 }));
    if ("code" in folder) return fail(this.#cannot(folder.text));
    const made = attemptIo(() => writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 }));
    if (!("code" in made)) return ok(true);
    if (!made.text.includes("EEXIST")) return fail(this.#cannot(made.text));
    if (this.#abandoned(path)) rmSync(path, { force: true });
    return ok(false);
  }

  /** Held by a process that is gone, or for far too long. */
  #abandoned(path: string): boolean {
    const held = attemptIo(() => ({ pid: readFileSync(path, "utf8"), at: statSync(path).mtimeMs }));
    if ("code" in held) return false;
    if (Date.now() - held.value.at > STALE_MS) return true;
    const pid = integerOf(held.value.pid);
    // Just made, and not yet written to.
    if (pid === undefined || pid === 0) return false;
    const alive = attemptIo(() => process.kill(pid, 0));
    // EPERM: it lives, and is another user's.
    return "code" in alive && !alive.text.includes("EPERM");
  }

  #cannot(why: string): Problem {
    return {
      code: "disk",
      text: `${this.#folder}: ${why}; --state names another folder for tasks under way`,
    };
  }

  #path(key: TaskKey): string {
    const name = createHash("sha256")
      .update(JSON.stringify([key.kind, key.url, key.sha256]))
      .digest("hex");
    return join(this.#folder, `${name}.json`);
  }

  #lockPath(key: TaskKey): string {
    return `${this.#path(key)}.lock`;
  }
}
