/** A whole batch: collect → analyse in the pool → one report. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Report, Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";
import { Pool, type PoolOptions } from "../pool/pool.ts";
import type { OpenArchive } from "../sandboxes/unpack.ts";
import { capePath, collect, type FileInput, type Input, type RawPath } from "./collect.ts";

/** Files for which starting one more process pays. */
const FILES_PER_WORKER = 4;
/** Folders of runs whose reports are held at once. */
const ANALYSES_AT_ONCE = 4;

export interface TriageOptions extends Omit<PoolOptions, "size" | "readable"> {
  readonly jobs?: number;
  /** Called after every sample. */
  readonly onProgress?: (done: number, total: number, sample: Sample) => void;
  /** Called with every sample and the file it was read from, if there is one; the next waits for what it returns. */
  readonly onSample?: OnSample;
}

export type OnSample = (sample: Sample, path: RawPath | undefined) => Promise<void>;

/** Analyses everything under `paths`. Rejects with RuleError when the user's rules do not compile. */
export async function triage(paths: readonly string[], options: TriageOptions): Promise<Report> {
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const inputs = [...collect(paths)];
  const files = inputs.reduce((sum, { kind }) => sum + WEIGHT[kind], 0);
  const size = Math.max(
    1,
    Math.min(options.jobs ?? availableParallelism(), Math.ceil(files / FILES_PER_WORKER)),
  );
  const scratch = inputs.some(({ kind }) => kind === "analysis")
    ? mkdtempSync(join(tmpdir(), "assay-triage-"))
    : undefined;
  const readable = [...readablePaths(paths, inputs), ...(scratch === undefined ? [] : [scratch])];
  const pool = files === 0 ? undefined : new Pool({ ...options, size, readable });
  const turns = new Turns(ANALYSES_AT_ONCE);
  // What only the report needs is loaded while the processes start.
  const loading = Promise.all([import("@assay/core/families/index"), import("@assay/core/triage/report")]);
  let done = 0;
  const report = (samples: readonly Sample[]): readonly Sample[] => {
    const [first] = samples;
    if (first !== undefined) options.onProgress?.(++done, inputs.length, first);
    return samples;
  };
  try {
    const samples = await Promise.all(
      inputs.map((input, i) =>
        analyseInput(input, pool, turns, join(scratch ?? "", String(i)), options.onSample).then(report),
      ),
    );
    const [{ families }, { assemble }] = await loading;
    const ids = families.map((family) => family.id);
    return assemble(samples.flat(), ids, startedAt, performance.now() - started);
  } finally {
    pool?.close();
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

/** A run is several files. */
const WEIGHT: Readonly<Record<Input["kind"], number>> = {
  file: 1,
  analysis: FILES_PER_WORKER,
  unreadable: 0,
};

/** What the analysis processes may read: the paths given, and where a CAPE analysis keeps its submitted file. */
function readablePaths(paths: readonly string[], inputs: readonly Input[]): string[] {
  const named = paths.map((path) => capePath(path) ?? path);
  const stores = inputs.flatMap((input) =>
    input.kind === "analysis" && input.folder === "cape" ? join(input.path, "..", "..", "binaries") : [],
  );
  return [...new Set([...named, ...stores])];
}

async function analyseInput(
  input: Input,
  pool: Pool | undefined,
  turns: Turns,
  scratch: string,
  onSample: OnSample | undefined,
): Promise<readonly Sample[]> {
  const told = async (sample: Sample, path: RawPath | undefined): Promise<Sample> => {
    await onSample?.(sample, path);
    return sample;
  };
  if (input.kind === "unreadable") {
    return [unread([input.name], "failed", { stage: "read", code: input.code, text: input.text })];
  }
  if (pool === undefined) throw new Error("a file without a pool");
  if (input.kind === "file") return [await told(await analyseFile(input, pool), input.path)];
  return turns.take(async () => {
    const { readAnalysisFolder } = await import("../sandboxes/analysis-folder.ts");
    const { analyseRun } = await import("../sandboxes/run.ts");
    const open = archivesBy(pool);
    const reading = await readAnalysisFolder(input.path, input.folder, open, scratch);
    if (reading.kind === "run") {
      const sample = await analyseRun(reading.run, (file) => analyseFile(file, pool));
      return [await told(sample, reading.run.submitted?.path)];
    }
    return Promise.all(reading.files.map(async (file) => told(await analyseFile(file, pool), file.path)));
  });
}

/** The one place where a file goes to its analysis, with all that is known of it from outside (`input.memory`). */
export function analyseFile(input: FileInput, pool: Pool): Promise<Sample> {
  return pool.run(input.path, input.name, input.memory);
}

/** Opens archives in the analysis processes. */
export function archivesBy(pool: Pool): OpenArchive {
  return (zip, passwords, limits, onMember) =>
    pool.unpack(Buffer.from(zip), zip, { passwords, limits }, onMember);
}

/** Lets a few tasks through at once; the others wait their turn. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
