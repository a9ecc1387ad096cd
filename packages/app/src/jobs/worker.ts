/**
 * Takes jobs and does them, in analysis processes of their own. Any number of workers work on one corpus; each may be
 * killed at any time: what it had is taken up by another.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "@assay/core/model/index";
import type { AnalyserOptions, OwnOptions } from "../analyser.ts";
import { Pool } from "../pool/pool.ts";
import { type Corpus, CorpusError } from "../store/corpus.ts";
import { type Boss, openBoss, SUPERVISE_SECONDS } from "./boss.ts";
import { type Claim, failJob, giveUp, handBack, keepJobs, takeJobs } from "./claim.ts";
import { correlateIfDue, wantCorrelation } from "./correlate.ts";
import { collectDead } from "./dead.ts";
import { type Engine, thisEngine } from "./engine.ts";
import { finish } from "./finish.ts";
import { noteLost } from "./lost.ts";
import { expandRescan } from "./rescan.ts";
import { Scratch } from "./scratch.ts";
import { isAway, textOf } from "./transaction.ts";
import type { How } from "./types.ts";

/** Analyses the file at `path`; never rejects for what the file holds. */
export type Analyse = (path: string, name: string, own: OwnOptions) => Promise<Sample>;

export interface WorkerOptions {
  /** Samples at once, each in a process of its own. */
  readonly jobs: number;
  /** Ends the worker: jobs under way are finished, or given back when that takes too long. */
  readonly signal: AbortSignal;
  /** A sample's deadline in milliseconds; default a minute. */
  readonly timeoutMs?: number;
  readonly memory?: number;
  readonly analysis?: AnalyserOptions;
  /** How long to wait for jobs under way when it is to end (ms). */
  readonly graceMs?: number;
  /** Bytes of samples that lie in temporary files at once. */
  readonly scratchBytes?: number;
  /** What went wrong outside of samples, for a log. */
  readonly onTrouble?: (text: string) => void;
  /** Instead of the pool, and of this program's engine, for tests. */
  readonly analyse?: Analyse;
  readonly engine?: Engine;
}

export interface RunningWorker {
  readonly id: string;
  /** Settles when it has ended; rejects when it cannot go on. */
  readonly done: Promise<void>;
}

const TIMEOUT_MS = 60_000;
const GRACE_MS = 20_000;
const SCRATCH_BYTES = 4 * 1024 ** 3;
/** A heartbeat may be late by some seconds before the claim lapses. */
const BEAT_MS = 2000;
const TIDY_MS = SUPERVISE_SECONDS * 1000;
const TEND_MS = 60_000;
const MIN_IDLE_MS = 100;
const MAX_IDLE_MS = 1000;
const MAX_OUTAGE_MS = 15_000;
/** A job that was on more workers when they died runs on a worker alone: whose fault it was shows. */
const SHARED_TRIES = 2;

/** Rejects with CorpusError when the corpus has no blob store. */
export async function startWorker(corpus: Corpus, options: WorkerOptions): Promise<RunningWorker> {
  if (corpus.blobs === undefined)
    throw new CorpusError("a worker needs the store of the samples: --corpus or --blobs");
  // The processes start while the database is asked.
  const scratch = new Scratch(options.scratchBytes ?? SCRATCH_BYTES);
  const pool = options.analyse === undefined ? poolFor(options, scratch) : undefined;
  try {
    const boss = await openBoss(corpus, "worker");
    const worker = new Worker(corpus, boss, options, scratch, pool);
    return { id: worker.id, done: worker.run() };
  } catch (error) {
    pool?.close();
    scratch.remove();
    throw error;
  }
}

function poolFor({ jobs, timeoutMs, memory, analysis }: WorkerOptions, scratch: Scratch): Pool {
  return new Pool({
    size: jobs,
    timeoutMs: timeoutMs ?? TIMEOUT_MS,
    readable: [scratch.folder],
    analysis: analysis ?? {},
    ...(memory === undefined ? {} : { memory }),
  });
}

class Worker {
  readonly id = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly #corpus: Corpus;
  readonly #boss: Boss;
  readonly #options: WorkerOptions;
  readonly #scratch: Scratch;
  readonly #pool: Pool | undefined;
  readonly #engine: Engine;
  /** Jobs under way. */
  readonly #held = new Map<string, { readonly claim: Claim; readonly work: Promise<void> }>();
  readonly #aborted: Promise<void>;
  /** Since correlation was asked for. */
  #hasStored = false;
  #failure: unknown;
  #outageMs = 0;

  constructor(corpus: Corpus, boss: Boss, options: WorkerOptions, scratch: Scratch, pool: Pool | undefined) {
    this.#corpus = corpus;
    this.#boss = boss;
    this.#options = options;
    this.#scratch = scratch;
    this.#pool = pool;
    this.#engine = options.engine ?? thisEngine();
    const { signal } = options;
    this.#aborted = new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async run(): Promise<void> {
    const trouble = (error: unknown) => this.#options.onTrouble?.(textOf(error));
    const timers = [
      repeat(BEAT_MS, () => this.#beat(), trouble),
      repeat(TIDY_MS, () => this.#tidy(), trouble),
      repeat(TIDY_MS, () => this.#correlate(), trouble),
      repeat(TEND_MS, async () => this.#scratch.tend(), trouble),
    ];
    try {
      // Nothing is taken up before it can be analysed.
      await Promise.race([this.#pool?.ready(), this.#aborted]);
      await this.#work();
      await this.#end();
    } finally {
      this.#pool?.close();
      await Promise.all(timers.map((stop) => stop()));
      this.#scratch.remove();
      await this.#boss.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#failure !== undefined;
  }

  async #work(): Promise<void> {
    let idle = MIN_IDLE_MS;
    /** One job at a time until one that is under suspicion has run. */
    let alone = false;
    while (!this.#isOver) {
      const free = (alone ? 1 : this.#options.jobs) - this.#held.size;
      if (free <= 0) {
        await this.#oneEnds();
        continue;
      }
      const claims = await this.#take(free);
      if (claims === undefined) continue;
      if (claims.length === 0) {
        alone = false;
        await this.#pause(idle);
        idle = Math.min(idle * 1.5, MAX_IDLE_MS);
        continue;
      }
      idle = MIN_IDLE_MS;
      const together = claims.length + this.#held.size > 1;
      const suspects = together ? claims.filter(({ retryCount }) => retryCount >= SHARED_TRIES) : [];
      alone = suspects.length > 0 || (alone && together);
      for (const claim of claims)
        if (suspects.includes(claim)) await this.#insist(() => handBack(this.#corpus.db, this.#boss, claim));
        else this.#start(claim);
      if (!together && claims.some(({ retryCount }) => retryCount >= SHARED_TRIES)) await this.#oneEnds();
    }
  }

  /** None when the database did not answer; then some time has passed. */
  async #take(n: number): Promise<Claim[] | undefined> {
    try {
      const claims = await takeJobs(this.#corpus.db, this.#boss, this.id, n);
      if (claims.length > 0) this.#outageMs = 0;
      return claims;
    } catch (error) {
      if (!isAway(error)) throw error;
      await this.#outage(error);
      return undefined;
    }
  }

  #start(claim: Claim): void {
    const work = this.#do(claim)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#held.delete(claim.id));
    this.#held.set(claim.id, { claim, work });
  }

  /** Rejects only when there can be no analysis at all. */
  async #do(claim: Claim): Promise<void> {
    const bytes = await this.#bytesOf(claim);
    if (bytes === undefined) return;
    const { sha256, size, options } = claim.task;
    const own = ownOptions(JSON.parse(options) as How);
    const sample = await this.#scratch.with(bytes, (path) => this.#analyse(path, claim.name, own));
    const unread = sample.sha256 === null && sample.reasons.find(({ stage }) => stage === "read");
    // A process that died before it had hashed its file does not know which it had.
    const known = { ...sample, sha256, size: sample.size ?? size };
    await this.#settle(claim, (boss) =>
      unread
        ? failJob(this.#corpus.db, boss, claim, `its bytes cannot be read: ${unread.text}`)
        : finish(this.#corpus, boss, this.#engine, claim, known),
    );
    this.#hasStored = true;
  }

  async #analyse(path: string, name: string, own: OwnOptions): Promise<Sample> {
    if (this.#options.analyse !== undefined) return this.#options.analyse(path, name, own);
    if (this.#pool === undefined) throw new Error("neither a pool nor another way");
    return this.#pool.run(Buffer.from(path), name, undefined, own);
  }

  /** None when the job is settled already, for want of them. */
  async #bytesOf(claim: Claim): Promise<Uint8Array | undefined> {
    const { db, blobs } = this.#corpus;
    if (blobs === undefined) throw new Error("a worker without blobs");
    const read = await attempt(() => blobs.get(claim.task.sha256));
    if ("value" in read) {
      const found = read.value;
      if (found.status === "ok") return found.bytes;
      const text = found.status === "missing" ? "are not in the store" : `are damaged: ${found.text}`;
      await this.#settle(claim, (boss) => giveUp(db, boss, claim, `its bytes ${text}`));
      return undefined;
    }
    // This one blob, or the whole store?
    const other = await attempt(() => blobs.has(NO_BLOB));
    if ("value" in other)
      await this.#settle(claim, (boss) =>
        failJob(db, boss, claim, `its bytes cannot be read: ${textOf(read.error)}`),
      );
    else {
      await this.#settle(claim, (boss) => handBack(db, boss, claim));
      await this.#outage(read.error);
    }
    return undefined;
  }

  /** Says what came of a job, again when the database is away; what it refuses to store costs this job a try. */
  async #settle(claim: Claim, say: (boss: Boss) => Promise<unknown>): Promise<void> {
    const { db } = this.#corpus;
    const said = await this.#insist(() => say(this.#boss));
    if (said === undefined) return;
    const text = `its result cannot be stored: ${textOf(said)}`;
    this.#options.onTrouble?.(`${claim.task.sha256}: ${text}`);
    await this.#insist(() => failJob(db, this.#boss, claim, text));
  }

  /** Until the database answers; the error when it will not have it. One that is away at the end loses what is said. */
  async #insist(say: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const said = await attempt(say);
      if ("value" in said) return undefined;
      if (!isAway(said.error)) return said.error;
      if (this.#isOver) return undefined;
      await this.#outage(said.error);
    }
  }

  async #outage(error: unknown): Promise<void> {
    this.#outageMs = Math.min(Math.max(this.#outageMs * 2, MIN_IDLE_MS), MAX_OUTAGE_MS);
    this.#options.onTrouble?.(`${textOf(error)}; again in ${this.#outageMs} ms`);
    await this.#pause(this.#outageMs);
  }

  /** Ends early when the worker is to end. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }

  /** Or the worker is to end. */
  async #oneEnds(): Promise<void> {
    await Promise.race([this.#aborted, ...[...this.#held.values()].map(({ work }) => work)]);
  }

  /** Jobs under way are finished, or given back. */
  async #end(): Promise<void> {
    const held = [...this.#held.values()];
    const finished = Promise.all(held.map(({ work }) => work)).then(() => undefined);
    const grace = this.#failure === undefined ? (this.#options.graceMs ?? GRACE_MS) : 0;
    await Promise.race([finished, sleep(grace, undefined, { ref: false })]);
    for (const { claim } of [...this.#held.values()])
      await attempt(() => handBack(this.#corpus.db, this.#boss, claim));
  }

  async #beat(): Promise<void> {
    await keepJobs(
      this.#boss,
      [...this.#held.values()].map(({ claim }) => claim),
    );
  }

  async #correlate(): Promise<void> {
    if (this.#isOver) return;
    if (this.#hasStored) {
      this.#hasStored = false;
      await wantCorrelation(this.#boss);
    }
    await correlateIfDue(this.#corpus, this.#boss);
  }

  /** What one worker does for all. */
  async #tidy(): Promise<void> {
    await noteLost(this.#corpus.db, this.#boss);
    while ((await collectDead(this.#corpus.db, this.#boss)) > 0);
    await expandRescan(this.#corpus.db, this.#boss);
  }
}

/** No file has this hash. */
const NO_BLOB = "0".repeat(64);

function ownOptions({ passwords, memory, base }: How): OwnOptions {
  return {
    ...(passwords === undefined ? {} : { passwords }),
    ...(memory === undefined && base === undefined
      ? {}
      : {
          memory: {
            ...(memory === undefined ? {} : { kind: memory }),
            ...(base === undefined ? {} : { base: BigInt(`0x${base.replace(/^0x/i, "")}`) }),
          },
        }),
  };
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown };

async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** Calls `work` now and every `ms`, one call at a time; returns what ends it. A call that fails is made again at its time. */
function repeat(
  ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let busy = false;
  const turn = () => {
    if (busy) return;
    busy = true;
    last = work()
      .catch(onError)
      .finally(() => {
        busy = false;
      });
  };
  turn();
  const timer = setInterval(turn, ms);
  return async () => {
    clearInterval(timer);
    await last;
  };
}
