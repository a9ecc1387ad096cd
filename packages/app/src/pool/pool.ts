/**
 * A few child processes, reused from sample to sample. One that dies or overruns its deadline costs its own
 * sample only: it is killed, the sample says so, what had been found of it stands, and a fresh process takes its place.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Sample } from "@assay/core/model/index";
import type { AnalyserOptions, Inspected, OwnOptions } from "../analyser.ts";
import type { MemoryHint } from "../batch/memory-hint.ts";
import { RuleError } from "../rules/scanner.ts";
import { cutShort } from "./cut-short.ts";
import { DEFAULT_MEMORY } from "./memory.ts";
import type { FromWorker, Job, Start, ToWorker, UnpackJob } from "./protocol.ts";
import { type Wrapped, wrap } from "./sandbox.ts";

/** The launcher, as seen from the bundle. */
const WORKER = fileURLToPath(new URL("../bin/worker.cjs", import.meta.url));

export interface PoolOptions {
  readonly size: number;
  /** A sample's deadline in milliseconds. */
  readonly timeoutMs: number;
  /** Deadline of one stage (one layer of one artifact) in milliseconds; the sample's when absent. */
  readonly stageTimeoutMs?: number;
  /** Files and folders that the processes may read. */
  readonly readable: readonly string[];
  readonly memory?: number;
  readonly analysis: AnalyserOptions;
  /** Another worker program, for tests. */
  readonly worker?: string;
}

interface Worker {
  readonly process: ChildProcess;
  ready: boolean;
  /** Number of the job under way; what is said of another is not heard. */
  job: number;
  task: Task | undefined;
  timer: NodeJS.Timeout | undefined;
  stageTimer: NodeJS.Timeout | undefined;
}

/** What a job asks beyond the sample's report. */
interface How {
  readonly inspect: Job["inspect"];
  readonly memory: Job["memory"];
  readonly own: Job["own"];
  readonly unpack: { readonly job: UnpackJob; readonly onMember: OnMember } | undefined;
}

const NO_MORE: How = { inspect: undefined, memory: undefined, own: undefined, unpack: undefined };

interface Task extends How {
  readonly path: Buffer;
  readonly name: string;
  readonly settle: (result: Inspected) => void;
  stage: string;
  known: Sample | undefined;
}

/** Takes a member of an archive as it comes out. */
type OnMember = (name: string, bytes: Uint8Array) => void;

export class Pool {
  readonly #options: PoolOptions;
  readonly #command: Wrapped;
  readonly #workers = new Set<Worker>();
  readonly #queue: Task[] = [];
  #jobs = 0;
  #closed = false;
  #failure: Error | undefined;
  #onFailure: ((error: Error) => void) | undefined;
  readonly #broken: Promise<never>;
  #onReady: (() => void) | undefined;
  readonly #ready: Promise<void>;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#command = wrap(options.worker ?? WORKER, {
      readable: options.readable,
      memory: options.memory ?? DEFAULT_MEMORY,
    });
    this.#broken = new Promise<never>((_, reject) => {
      this.#onFailure = reject;
    });
    this.#ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    // Nobody may be waiting when it breaks; those who are get it through `run`.
    this.#broken.catch(() => undefined);
    for (let i = 0; i < options.size; i++) this.#spawn();
  }

  /** Analyses one file. Rejects only when no worker can start at all (RuleError for rules that do not compile). */
  async run(path: Buffer, name: string, memory?: MemoryHint, own?: OwnOptions): Promise<Sample> {
    return (await this.#submit(path, name, { memory, own })).sample;
  }

  /** When the first process can take a file. Rejects as `run` does. */
  ready(): Promise<void> {
    return Promise.race([this.#ready, this.#broken]);
  }

  /** As `run`, with the file's make-up and all its artifacts, whose bytes come along when asked for. */
  inspect(path: Buffer, name: string, bytes: boolean, own?: OwnOptions): Promise<Inspected> {
    return this.#submit(path, name, { inspect: { bytes }, own });
  }

  /** Opens an archive that somebody sent us, and gives its members; the reasons say what did not come out. */
  async unpack(path: Buffer, name: string, job: UnpackJob, onMember: OnMember): Promise<Sample["reasons"]> {
    const { sample } = await this.#submit(path, name, { unpack: { job, onMember } });
    return sample.reasons.filter((reason) => reason.code !== "unpacked");
  }

  #submit(path: Buffer, name: string, how: Partial<How>): Promise<Inspected> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = new Promise<Inspected>((settle) => {
      this.#queue.push({ path, name, ...NO_MORE, ...how, settle, stage: "starting", known: undefined });
      this.#feed();
    });
    return Promise.race([done, this.#broken]);
  }

  /** Ends all workers; samples still waiting are never settled. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#workers) {
      stopTimers(worker);
      worker.process.kill("SIGKILL");
    }
    this.#workers.clear();
  }

  #spawn(): void {
    const child = spawn(this.#command.command, this.#command.args, {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const worker: Worker = {
      process: child,
      ready: false,
      job: -1,
      task: undefined,
      timer: undefined,
      stageTimer: undefined,
    };
    this.#workers.add(worker);
    child.on("message", (message: FromWorker) => this.#hear(worker, message));
    child.on("exit", (code, signal) => this.#bury(worker, signal ?? `exit status ${code}`));
    child.on("error", (error) => this.#bury(worker, error.message));
    this.#send(worker, { kind: "start", options: this.#options.analysis } satisfies Start);
  }

  #hear(worker: Worker, message: FromWorker): void {
    if ("id" in message && message.id !== worker.job) return;
    const { task } = worker;
    switch (message.kind) {
      case "rejected":
        this.#break(new RuleError(message.text));
        return;
      case "stage":
        if (task !== undefined) task.stage = message.stage;
        this.#timeStage(worker);
        return;
      case "partial":
        if (task !== undefined) task.known = message.sample;
        return;
      case "member":
        task?.unpack?.onMember(message.name, message.bytes);
        return;
      case "ready":
        worker.ready = true;
        this.#onReady?.();
        break;
      case "done":
        stopTimers(worker);
        worker.task = undefined;
        task?.settle({
          sample: message.sample,
          facts: message.inspected?.facts,
          bytes: message.inspected?.bytes ?? new Map(),
        });
        break;
    }
    this.#feed();
  }

  #feed(): void {
    for (const worker of this.#workers) {
      if (!worker.ready || worker.task !== undefined) continue;
      const task = this.#queue.shift();
      if (task === undefined) return;
      worker.task = task;
      const { timeoutMs } = this.#options;
      worker.timer = setTimeout(() => this.#overrun(worker, timeoutMs, "--timeout"), timeoutMs);
      const { name, inspect, memory, own, unpack } = task;
      worker.job = this.#jobs++;
      const job: Job = { kind: "job", id: worker.job, path: task.path.toString("base64"), name };
      const how = {
        ...(inspect && { inspect }),
        ...(memory && { memory }),
        ...(own && { own }),
        ...(unpack && { unpack: unpack.job }),
      };
      this.#send(worker, { ...job, ...how });
    }
  }

  #timeStage(worker: Worker): void {
    const { stageTimeoutMs } = this.#options;
    if (stageTimeoutMs === undefined || worker.task === undefined) return;
    clearTimeout(worker.stageTimer);
    worker.stageTimer = setTimeout(
      () => this.#overrun(worker, stageTimeoutMs, "--stage-timeout"),
      stageTimeoutMs,
    );
  }

  #overrun(worker: Worker, limitMs: number, flag: string): void {
    const stage = worker.task?.stage ?? "";
    this.#replace(
      worker,
      "timeout",
      `stopped after ${limitMs / 1000} s while ${stage} (${flag} changes the limit)`,
    );
    worker.process.kill("SIGKILL");
  }

  /** A worker is gone. Before it was ever ready that means that none will start. */
  #bury(worker: Worker, how: string): void {
    if (this.#closed || !this.#workers.has(worker)) return;
    const stage = worker.task?.stage ?? "";
    if (worker.ready) this.#replace(worker, "crashed", `the analysis process died (${how}) while ${stage}`);
    else this.#break(new Error(`the analysis process did not start (${how})`));
  }

  #replace(worker: Worker, code: string, text: string): void {
    stopTimers(worker);
    this.#workers.delete(worker);
    const { task } = worker;
    worker.task = undefined;
    const sample = task && cutShort(task.name, { stage: "analyse", code, text }, task.known);
    if (sample !== undefined) task?.settle({ sample, facts: undefined, bytes: new Map() });
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

function stopTimers(worker: Worker): void {
  clearTimeout(worker.timer);
  clearTimeout(worker.stageTimer);
}
