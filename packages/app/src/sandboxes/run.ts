/** A run of a sandbox, from the network or from disk, analysed into one sample. */
import type { Reason, Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";
import type { FileInput } from "../batch/collect.ts";
import { sandboxReport } from "./compare.ts";
import { mergeRun, type Part } from "./merge.ts";
import type { Artefact, Problem, Said } from "./sandbox.ts";

export interface Run {
  /** How the run is called: the submitted file's path, or the analysis' folder. */
  readonly name: string;
  readonly sandbox: string;
  /** The sandbox's own id of it; empty when it is not known. */
  readonly task: string;
  /** The submitted file. Missing from folders that keep only its hash, or not even that. */
  readonly submitted?: FileInput;
  readonly sha256?: string;
  readonly artefacts: readonly Artefact[];
  readonly said: Said;
  readonly notes: readonly Problem[];
}

/** Analyses one file: the pool's `run`, with the file's hint. */
export type AnalyseFile = (input: FileInput) => Promise<Sample>;

/** Files of one run that are analysed. */
export const MAX_ARTEFACTS = 1024;
/** Problems that leave nothing of the run: the sample says so in its outcome too. */
const STAGE = "sandbox";

/** Analyses the submitted file and everything that came out of it. Same bytes are analysed once. */
export async function analyseRun(
  run: Run,
  analyse: AnalyseFile,
  onProgress?: (done: number, total: number, name: string) => void,
): Promise<Sample> {
  const groups = groupsOf(run);
  const total = groups.length + (run.submitted === undefined ? 0 : 1);
  let done = 0;
  const watched = async (input: FileInput): Promise<Sample> => {
    const sample = await analyse(input);
    onProgress?.(++done, total, input.name);
    return sample;
  };
  const own = run.submitted === undefined ? undefined : watched(run.submitted);
  const parts = await Promise.all(
    groups.map(async (places): Promise<Part> => ({ places, sample: await watched(inputOf(places[0])) })),
  );
  const merged = mergeRun((await own) ?? unsubmitted(run), parts, run);
  const reasons: Reason[] = run.notes.map(({ code, text }) => ({ stage: STAGE, code, text }));
  const left = run.artefacts.length - groups.reduce((sum, places) => sum + places.length, 0);
  if (left > 0 && groups.length >= MAX_ARTEFACTS)
    reasons.push({
      stage: STAGE,
      code: "too-many",
      text: `only the first ${MAX_ARTEFACTS} files of the run are analysed`,
    });
  return {
    ...merged,
    reasons: [...merged.reasons, ...reasons],
    sandbox: sandboxReport(run.sandbox, run.task, groups.length, run.said, merged.findings),
  };
}

/** The artefacts by their bytes, in order; what is the submitted file itself is left out. */
function groupsOf(run: Run): [Artefact, ...Artefact[]][] {
  const groups = new Map<string, [Artefact, ...Artefact[]]>();
  for (const artefact of run.artefacts) {
    if (run.submitted !== undefined && artefact.sha256 === run.sha256) continue;
    const key = artefact.sha256 || artefact.path;
    const same = groups.get(key);
    if (same !== undefined) same.push(artefact);
    else if (groups.size < MAX_ARTEFACTS) groups.set(key, [artefact]);
  }
  return [...groups.values()];
}

function inputOf(artefact: Artefact): FileInput {
  const { path, name, size, hint } = artefact;
  return { kind: "file", path: Buffer.from(path), name, size, memory: hint };
}

/** A run of a file that is not here. */
function unsubmitted(run: Run): Sample {
  const text = "the submitted file is not among the run's files: only what came out of it was analysed";
  return unread(
    [run.name],
    "unknown",
    { stage: STAGE, code: "no-submitted-file", text },
    run.sha256 === undefined ? {} : { sha256: run.sha256 },
  );
}
