/** A whole batch: collect → analyse in the pool → one report. */
import { availableParallelism } from "node:os";
import type { Report, Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";
import { Pool, type PoolOptions } from "../pool/pool.ts";
import { collect, type Input } from "./collect.ts";

/** Files for which starting one more process pays. */
const FILES_PER_WORKER = 4;

export interface TriageOptions extends Omit<PoolOptions, "size" | "readable"> {
  readonly jobs?: number;
  /** Called after every sample. */
  readonly onProgress?: (done: number, total: number, sample: Sample) => void;
}

/** Analyses everything under `paths`. Rejects with RuleError when the user's rules do not compile. */
export async function triage(paths: readonly string[], options: TriageOptions): Promise<Report> {
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const inputs = [...collect(paths)];
  const files = inputs.filter((input) => input.kind === "file").length;
  const size = Math.max(
    1,
    Math.min(options.jobs ?? availableParallelism(), Math.ceil(files / FILES_PER_WORKER)),
  );
  const pool = files === 0 ? undefined : new Pool({ ...options, size, readable: paths });
  // What only the report needs is loaded while the processes start.
  const loading = Promise.all([import("@assay/core/families/index"), import("@assay/core/triage/report")]);
  let done = 0;
  const report = (sample: Sample): Sample => {
    options.onProgress?.(++done, inputs.length, sample);
    return sample;
  };
  try {
    const samples = await Promise.all(inputs.map((input) => analyseInput(input, pool).then(report)));
    const [{ families }, { assemble }] = await loading;
    const ids = families.map((family) => family.id);
    return assemble(samples, ids, startedAt, performance.now() - started);
  } finally {
    pool?.close();
  }
}

async function analyseInput(input: Input, pool: Pool | undefined): Promise<Sample> {
  if (input.kind === "unreadable") {
    return unread([input.name], "failed", { stage: "read", code: input.code, text: input.text });
  }
  if (pool === undefined) throw new Error("a file without a pool");
  return pool.run(input.path, input.name);
}
