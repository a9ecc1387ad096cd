/** `assay detonate`: files through a sandbox, and all that came out of them through our own analysis, into one report. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { families } from "@assay/core/families/index";
import type { Reason, Report, Sample } from "@assay/core/model/index";
import { assemble } from "@assay/core/triage/report";
import { unread } from "@assay/core/triage/unread";
import { collect, type FileInput } from "../batch/collect.ts";
import { MAX_SAMPLE_BYTES, readSample } from "../batch/read.ts";
import { analyseFile, archivesBy } from "../batch/triage.ts";
import { Pool, type PoolOptions } from "../pool/pool.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { SandboxSettings } from "./config.ts";
import { authorization, connect } from "./connect.ts";
import { Http } from "./http.ts";
import { lastPart } from "./json-value.ts";
import { analyseRun } from "./run.ts";
import type { Problem, SandboxOptions, Submission } from "./sandbox.ts";
import { TaskStore } from "./state.ts";
import { TaskRunner } from "./task.ts";

export interface DetonateOptions extends Omit<PoolOptions, "size" | "readable"> {
  readonly settings: SandboxSettings;
  readonly options: SandboxOptions;
  /** For the archives that the sandbox sends. */
  readonly passwords: readonly string[];
  readonly stateFolder: string;
  /** Milliseconds that a run may take. */
  readonly runTimeoutMs: number;
  readonly wait: boolean;
  readonly resubmit: boolean;
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly onProgress?: (file: string, text: string) => void;
}

export interface Detonated {
  readonly report: Report;
  /** What went wrong, by file; empty when every run was fetched (or submitted, when nobody waits). */
  readonly problems: readonly { readonly name: string; readonly problem: Problem }[];
}

/** Submissions that are waited for at once. */
const AT_ONCE = 4;
/** What CAPE's own configuration sets when nobody changes it. */
const USUAL_PASSWORD = "infected";

/** Rejects with RuleError when the user's rules do not compile: before anything is submitted. */
export async function detonate(paths: readonly string[], options: DetonateOptions): Promise<Detonated> {
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const scratch = mkdtempSync(join(tmpdir(), "assay-detonate-"));
  const size = Math.max(1, options.jobs ?? availableParallelism());
  const pool = new Pool({ ...options, size, readable: [...paths, scratch] });
  const problems: { name: string; problem: Problem }[] = [];
  try {
    const inputs = [...collect(paths)];
    const detonator = new Detonator(options, pool, scratch);
    const queue = inputs.map((input, i) => ({ input, i }));
    const samples = new Array<Sample>(inputs.length);
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { input, i } = next;
        if (input.kind === "file") {
          const { sample, problem } = await detonator.run(input, i);
          samples[i] = sample;
          if (problem !== undefined) problems.push({ name: input.name, problem });
          continue;
        }
        const [code, text] =
          input.kind === "unreadable"
            ? [input.code, input.text]
            : ["not-a-file", "a finished run, which `assay triage` reads: it is not submitted again"];
        samples[i] = unread([input.name], "failed", { stage: "read", code, text });
        problems.push({ name: input.name, problem: { code: "unreadable", text } });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const ids = families.map(({ id }) => id);
    return { report: assemble(samples, ids, startedAt, performance.now() - started), problems };
  } finally {
    pool.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly sample: Sample;
  readonly problem?: Problem;
}

class Detonator {
  readonly #options: DetonateOptions;
  readonly #pool: Pool;
  readonly #scratch: string;
  /** By hash, for the files of this call: the same bytes under two names are one run. */
  readonly #runs = new Map<string, Promise<Outcome>>();

  constructor(options: DetonateOptions, pool: Pool, scratch: string) {
    this.#options = options;
    this.#pool = pool;
    this.#scratch = scratch;
  }

  /** Static analysis first: it costs a moment, and stands whatever becomes of the run. */
  async run(input: FileInput, number: number): Promise<Outcome> {
    const own = await analyseFile(input, this.#pool);
    const content = readSample(input.path, this.#options.analysis.maxBytes ?? MAX_SAMPLE_BYTES);
    if (!("bytes" in content)) return failed(own, { code: "unreadable", text: content.reason.text });
    // An own buffer, for the form that is sent.
    const bytes = new Uint8Array(content.bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const twin = this.#runs.get(sha256);
    // Whichever came first: both say what the run found, its problem is told once.
    if (twin !== undefined) return { sample: { ...(await twin).sample, names: own.names } };
    const file: Submission = { name: lastPart(input.name), bytes, sha256 };
    const outcome = this.#detonate(file, input, own, number);
    this.#runs.set(sha256, outcome);
    return outcome;
  }

  async #detonate(file: Submission, input: FileInput, own: Sample, number: number): Promise<Outcome> {
    const folder = join(this.#scratch, String(number));
    mkdirSync(folder, { mode: 0o700 });
    const say = (text: string): void => this.#options.onProgress?.(input.name, text);
    const runner = this.#runner(say);
    const result = await runner.run(file, folder);
    if (!result.ok) return failed(own, result.error);
    const { kind, task } = result.value;
    if (kind === "submitted") {
      const text = `task ${task} is under way: the same call without --no-wait fetches it`;
      return { sample: withReason(own, { code: "submitted", text }) };
    }
    const run = {
      name: input.name,
      sandbox: this.#options.settings.kind,
      task,
      submitted: input,
      sha256: file.sha256,
      ...result.value.fetched,
    };
    const analyse = (part: FileInput): Promise<Sample> =>
      part === input ? Promise.resolve(own) : analyseFile(part, this.#pool);
    const sample = await analyseRun(run, analyse, (done, total) => say(`analysed ${done} of ${total} files`));
    rmSync(folder, { recursive: true, force: true });
    runner.done(file);
    return { sample };
  }

  #runner(say: (text: string) => void): TaskRunner {
    const { settings, signal, options, wait, resubmit, runTimeoutMs } = this.#options;
    const clock = this.#options.clock ?? systemClock;
    const stop = signal === undefined ? {} : { signal };
    const { kind, base, token } = settings;
    const http = new Http({
      base,
      clock,
      ...stop,
      ...(token === undefined ? {} : { authorization: authorization(kind, token), secrets: [token] }),
      onWait: say,
    });
    const passwords = [...this.#options.passwords, settings.password ?? "", USUAL_PASSWORD];
    const sandbox = connect(kind, {
      http,
      open: archivesBy(this.#pool),
      passwords: [...new Set(passwords.filter((word) => word !== ""))],
    });
    const store = new TaskStore(this.#options.stateFolder, clock, signal);
    return new TaskRunner({
      sandbox,
      store,
      clock,
      url: base.href,
      options,
      timeoutMs: runTimeoutMs,
      wait,
      resubmit,
      ...stop,
      onProgress: say,
    });
  }
}

function failed(own: Sample, problem: Problem): Outcome {
  return { sample: withReason(own, problem), problem };
}

function withReason(
  sample: Sample,
  { code, text }: { readonly code: string; readonly text: string },
): Sample {
  const reason: Reason = { stage: "sandbox", code, text };
  return { ...sample, reasons: [...sample.reasons, reason] };
}
