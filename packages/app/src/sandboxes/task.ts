/** One file's way through a sandbox: submitted or picked up, waited for, fetched. */
import { ok } from "@assay/core/bytes/index";
import type { Clock } from "./clock.ts";
import {
  type Answer,
  type Fetched,
  type Problem,
  problem,
  type Sandbox,
  type SandboxOptions,
  type Submission,
} from "./sandbox.ts";
import type { TaskKey, TaskStore } from "./state.ts";

export interface TaskOptions {
  readonly sandbox: Sandbox;
  readonly store: TaskStore;
  readonly clock: Clock;
  /** Address that the task belongs to. */
  readonly url: string;
  readonly options: SandboxOptions;
  /** Milliseconds to wait for the run. */
  readonly timeoutMs: number;
  /** False: only submitted, not waited for. */
  readonly wait: boolean;
  /** Submit even if a run of this file is under way. */
  readonly resubmit: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

export type TaskResult =
  | { readonly kind: "fetched"; readonly task: string; readonly fetched: Fetched }
  /** Under way, and nobody waits for it. */
  | { readonly kind: "submitted"; readonly task: string };

/** The first look comes soon; a run of minutes need not be asked after every second. */
const FIRST_POLL_MS = 3_000;
const LAST_POLL_MS = 30_000;
const POLL_GROWTH = 1.5;

export class TaskRunner {
  readonly #options: TaskOptions;

  constructor(options: TaskOptions) {
    this.#options = options;
  }

  /** Fetches the file's run into `folder`. The task stays remembered until `done` is called for it. */
  async run(file: Submission, folder: string): Promise<Answer<TaskResult>> {
    const { store, resubmit } = this.#options;
    const key = this.#key(file);
    if (resubmit) store.forget(key);
    const first = await this.#once(file, key, folder);
    // A remembered task that the server has dropped meanwhile: once more from the start.
    if (first.ok || first.error.code !== "task-gone") return first;
    store.forget(key);
    this.#say("the server does not know this task any more: submitting again");
    return this.#once(file, key, folder);
  }

  /** The run has been looked at: a further call starts a new one. */
  done(file: Submission): void {
    this.#options.store.forget(this.#key(file));
  }

  async #once(file: Submission, key: TaskKey, folder: string): Promise<Answer<TaskResult>> {
    const { sandbox, store, options, wait } = this.#options;
    const started = await store.pickUpOr(key, () => {
      this.#say("submitting");
      return sandbox.submit(file, options);
    });
    if (!started.ok) return started;
    const { task, pickedUp } = started.value;
    const since =
      pickedUp === undefined ? "" : `, picked up: submitted ${new Date(pickedUp.submittedAt).toISOString()}`;
    this.#say(`task ${task}${since}`);
    if (!wait) return ok({ kind: "submitted", task });
    const waited = await this.#wait(task, key, pickedUp !== undefined);
    if (waited !== undefined) return { ok: false, error: waited };
    this.#say(`task ${task}: fetching`);
    const fetched = await sandbox.fetch(task, folder);
    if (!fetched.ok) return { ok: false, error: this.#keeping(fetched.error, task) };
    return ok({ kind: "fetched", task, fetched: fetched.value });
  }

  /** Until the task is done; what else it may come to is a problem. */
  async #wait(task: string, key: TaskKey, old: boolean): Promise<Problem | undefined> {
    const { sandbox, clock, timeoutMs, signal, store } = this.#options;
    const until = clock.now() + timeoutMs;
    let interval = FIRST_POLL_MS;
    for (let look = 1; ; look++) {
      const state = await sandbox.poll(task);
      if (!state.ok) {
        if (state.error.code !== "task-gone") return this.#keeping(state.error, task);
        // Remembered from another day, and deleted there since.
        if (old && look === 1) return state.error;
        store.forget(key);
        return { code: "task-failed", text: `task ${task} is gone from the server: ${state.error.text}` };
      }
      const { phase, says } = state.value;
      this.#say(`task ${task}: ${says}`);
      if (phase === "done") return undefined;
      if (phase === "failed") {
        store.forget(key);
        return { code: "task-failed", text: `task ${task} failed in the sandbox (${says})` };
      }
      const left = until - clock.now();
      if (left <= 0) {
        const text = `task ${task} is still ${says} after ${Math.round(timeoutMs / 1000)} s (--timeout)`;
        return this.#keeping({ code: "timeout", text }, task);
      }
      await clock.sleep(Math.min(interval, left), signal);
      if (signal?.aborted) return this.#keeping(problem("stopped", "stopped").error, task);
      interval = Math.min(LAST_POLL_MS, interval * POLL_GROWTH);
    }
  }

  /** A problem of ours or the network's: the run itself goes on. */
  #keeping(error: Problem, task: string): Problem {
    return { code: error.code, text: `${error.text}; task ${task} is kept: the same call picks it up` };
  }

  #key({ sha256 }: Submission): TaskKey {
    return { kind: this.#options.sandbox.kind, url: this.#options.url, sha256 };
  }

  #say(text: string): void {
    this.#options.onProgress?.(text);
  }
}
