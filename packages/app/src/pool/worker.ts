/** A child process that analyses the files it is told of, one at a time, until its channel closes. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";
import { type Analyser, createAnalyser, type Watch } from "../analyser.ts";
import { readSample } from "../batch/read.ts";
import { RuleError } from "../rules/scanner.ts";
import { cutShort } from "./cut-short.ts";
import type { FromWorker, Job, Start, ToWorker, UnpackJob } from "./protocol.ts";

/** A pool that was killed hears nothing more; that it is gone is told by `disconnect`. */
const send = (message: FromWorker): void => {
  process.send?.(message, undefined, undefined, () => undefined);
};

/**
 * Bytes of bytecode that a function runs before V8 optimises it. Its own 132 KB suit servers: a process that sees twenty
 * samples spends two fifths of its time compiling. One that sees thousands does not notice.
 */
const INTERRUPT_BUDGET = 400_000;
/** V8 14 (Node 26) has no such budget, and complains on stderr of a flag that it does not know. */
const HAS_INTERRUPT_BUDGET = Number.parseInt(process.versions.v8, 10) < 14;
/** A pause this long is taken for rest. */
const IDLE_MS = 400;

let analyser: Analyser | undefined;

/** Listens to the pool. */
export function serve(): void {
  process.on("message", (message: ToWorker) => {
    if (message.kind === "start") void start(message);
    else void work(message);
  });
  process.on("disconnect", () => process.exit(0));
}

async function start({ options }: Start): Promise<void> {
  try {
    analyser = await createAnalyser(options);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    send({ kind: "rejected", text: error.message });
    return;
  }
  // Not before: V8 refuses code caches, Node's own too, that were made under other flags.
  if (HAS_INTERRUPT_BUDGET) setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  setFlagsFromString("--expose-gc");
  collectGarbage = runInNewContext("gc") as () => void;
  send({ kind: "ready" });
}

let collectGarbage = (): void => undefined;
let idle: NodeJS.Timeout | undefined;

/** V8 collects when it allocates, and a process at rest does not: what the last samples left would stay for hours. */
function tidyWhenIdle(): void {
  clearTimeout(idle);
  idle = setTimeout(() => collectGarbage(), IDLE_MS).unref();
}

async function work(job: Job): Promise<void> {
  if (analyser === undefined) throw new Error("job before start");
  clearTimeout(idle);
  const { id } = job;
  let known: Sample | undefined;
  const watch: Watch = {
    onStage: (stage) => send({ kind: "stage", id, stage }),
    onPartial: (sample) => {
      known = sample;
      send({ kind: "partial", id, sample });
    },
  };
  send({ kind: "done", id, ...(await run(analyser, job, watch, () => known)) });
  tidyWhenIdle();
}

type Done = Omit<Extract<FromWorker, { kind: "done" }>, "kind" | "id">;

/** The boundary where a bug of ours becomes one sample's failure instead of the batch's. */
async function run(own: Analyser, job: Job, watch: Watch, known: () => Sample | undefined): Promise<Done> {
  const path = Buffer.from(job.path, "base64");
  try {
    if (job.unpack !== undefined) return { sample: await unpack(job.id, path, job.name, job.unpack) };
    if (job.inspect === undefined)
      return { sample: await own.analyseFile(path, job.name, watch, job.memory, job.own) };
    const { sample, facts, bytes } = await own.inspectFile(path, job.name, job.inspect.bytes, watch, job.own);
    return { sample, inspected: { facts, bytes } };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const reason = { stage: "analyse", code: "internal-error", text: `a defect in assay: ${text}` };
    return { sample: cutShort(job.name, reason, known()) };
  }
}

/** Sends an archive's members; what did not come out stands in the sample's reasons. */
async function unpack(
  id: number,
  path: Buffer,
  name: string,
  { passwords, limits }: UnpackJob,
): Promise<Sample> {
  const content = readSample(path, limits.bytes);
  if (!("bytes" in content)) return unread([name], content.outcome, content.reason);
  const { openBytes } = await import("../sandboxes/open-bytes.ts");
  const reasons = await openBytes(content.bytes, passwords, limits, (member, bytes) =>
    send({ kind: "member", id, name: member, bytes }),
  );
  const known = { reasons: reasons.map((reason) => ({ stage: "archive", ...reason })) };
  return unread([name], "unknown", { stage: "archive", code: "unpacked", text: "" }, known);
}
