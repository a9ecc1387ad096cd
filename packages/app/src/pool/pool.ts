/**
 * A few child processes, reused from sample to sample. One that dies or overruns its deadline costs its own
 * sample only: it is killed, the sample says so, and a fresh process takes its place.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/analyse";
import { RuleError } from "../rules/scanner.ts";
import type { FromWorker, Job, Start, ToWorker } from "./protocol.ts";

/** The bundle beside this one. */
const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));

export interface PoolOptions {
  readonly size: number;
  /** A sample's deadline in milliseconds. */
  readonly timeoutMs: number;
  readonly rules: readonly string[];
  readonly evidence: boolean;
  readonly maxBytes: number;
  /** Another worker program, for tests. */
  readonly worker?: string;
}

interface Worker {
  readonly process: ChildProcess;
  ready: boolean;
  task: Task | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface Task {
  readonly path: Buffer;
  readonly name: string;
  readonly settle: (sample: Sample) => void;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #queue: Task[] = [];
  #jobs = 0;
  #closed = false;
  #failure: Error | undefined;
  #onFailure: ((error: Error) => void) | undefined;
  readonly #broken: Promise<never>;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#broken = new Promise<never>((_, reject) => {
      this.#onFailure = reject;
    });
    // Nobody may be waiting when it breaks; those who are get it through `run`.
    this.#broken.catch(() => undefined);
    for (let i = 0; i < options.size; i++) this.#spawn();
  }

  /** Analyses one file. Rejects only when no worker can start at all (RuleError for rules that do not compile). */
  run(path: Buffer, name: string): Promise<Sample> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = new Promise<Sample>((resolve) => {
      this.#queue.push({ path, name, settle: resolve });
      this.#feed();
    });
    return Promise.race([done, this.#broken]);
  }

  /** Ends all workers; samples still waiting are never settled. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#workers) {
      clearTimeout(worker.timer);
      worker.process.kill("SIGKILL");
    }
    this.#workers.clear();
  }

  #spawn(): void {
    const child = fork(this.#options.worker ?? WORKER, [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const worker: Worker = { process: child, ready: false, task: undefined, timer: undefined };
    this.#workers.add(worker);
    child.on("message", (message: FromWorker) => this.#hear(worker, message));
    child.on("exit", (code, signal) => this.#bury(worker, signal ?? `exit status ${code}`));
    const { rules, evidence, maxBytes } = this.#options;
    this.#send(worker, { kind: "start", rules, evidence, maxBytes } satisfies Start);
  }

  #hear(worker: Worker, message: FromWorker): void {
    if (message.kind === "rejected") {
      this.#break(new RuleError(message.text));
      return;
    }
    if (message.kind === "ready") worker.ready = true;
    else {
      clearTimeout(worker.timer);
      const task = worker.task;
      worker.task = undefined;
      task?.settle(message.sample);
    }
    this.#feed();
  }

  #feed(): void {
    for (const worker of this.#workers) {
      if (!worker.ready || worker.task !== undefined) continue;
      const task = this.#queue.shift();
      if (task === undefined) return;
      worker.task = task;
      worker.timer = setTimeout(() => this.#overrun(worker), this.#options.timeoutMs);
      const job: Job = { kind: "job", id: this.#jobs++, path: task.path.toString("base64"), name: task.name };
      this.#send(worker, job);
    }
  }

  #overrun(worker: Worker): void {
    const seconds = this.#options.timeoutMs / 1000;
    const text = `analysis took more than ${seconds} s and was stopped (--timeout changes the limit)`;
    this.#replace(worker, "timeout", text);
    worker.process.kill("SIGKILL");
  }

  /** A worker is gone. Before it was ever ready that means that none will start. */
  #bury(worker: Worker, how: string): void {
    if (this.#closed || !this.#workers.has(worker)) return;
    if (worker.ready) this.#replace(worker, "crashed", `the analysis process died (${how})`);
    else this.#break(new Error(`the analysis process did not start (${how})`));
  }

  #replace(worker: Worker, code: string, text: string): void {
    clearTimeout(worker.timer);
    this.#workers.delete(worker);
    const task = worker.task;
    worker.task = undefined;
    task?.settle(unread([task.name], "failed", { stage: "analyse", code, text }));
    this.#spawn();
  }

  #break(error: Error): void {
    this.#failure = error;
    this.close();
    this.#onFailure?.(error);
  }

  #send(worker: Worker, message: ToWorker): void {
    // A send to a dying process fails here and again as its exit event, where it is handled.
    worker.process.send(message, () => undefined);
  }
}
