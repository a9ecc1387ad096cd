/**
 * An embedded server that is killed while it takes uploads, again and again: whatever it acknowledged must be there
 * afterwards, and be analysed in the end.
 */
import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../../store/check.ts";
import { openCorpus } from "../../store/corpus.ts";
import { startServing } from "./serving.ts";

/** Uploads at once. */
const CLIENTS = 4;
const MAX_FILES = 3;
const MAX_BYTES = 200_000;
/** How long after the first acknowledgement of a round the server is killed (ms). */
const MIN_LIFE_MS = 500;
const MAX_LIFE_MS = 3500;
const END_MS = 600_000;

export interface KillNumbers {
  readonly rounds: number;
  /** Files of uploads that were answered with 202, and uploads that were cut off by the kill. */
  readonly acknowledged: number;
  readonly cutOff: number;
  /** Of the files acknowledged: without their bytes, without their batch, never analysed. */
  readonly lostBytes: number;
  readonly lostBatches: number;
  readonly notAnalysed: number;
  /** Given up because each worker that took them up was killed, and put back by hand, as somebody would. */
  readonly putBack: number;
  /** What `assay corpus check` calls damage. */
  readonly damage: number;
}

interface Acknowledged {
  readonly sha256: string;
  readonly batch: string;
}

export async function killRounds(
  folder: string,
  rounds: number,
  tell: (text: string) => void = () => undefined,
): Promise<KillNumbers> {
  const acknowledged: Acknowledged[] = [];
  let cutOff = 0;
  for (let round = 1; round <= rounds; round++) {
    const server = await startServing(folder, { jobs: 1 });
    const before = acknowledged.length;
    const stop = { now: false };
    let first: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      first = resolve;
    });
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!stop.now) {
        const answer = await upload(server.url);
        if (answer === undefined) cutOff++;
        else acknowledged.push(...answer);
        first();
        if (answer === undefined) return;
      }
    });
    await begun;
    await sleep(MIN_LIFE_MS + Math.random() * (MAX_LIFE_MS - MIN_LIFE_MS));
    await ended(server.child, "SIGKILL");
    stop.now = true;
    await Promise.all(clients);
    tell(`round ${round}: ${acknowledged.length - before} files acknowledged`);
  }
  const server = await startServing(folder, { jobs: 1 });
  let lostBatches = 0;
  let notAnalysed = 0;
  let putBack = 0;
  const batches = new Map<string, Set<string>>();
  for (const { batch, sha256 } of acknowledged)
    batches.set(batch, (batches.get(batch) ?? new Set()).add(sha256));
  for (const [batch, hashes] of batches) {
    await hasEnded(server.url, batch);
    putBack += await retryDead(server.url);
    const states = await hasEnded(server.url, batch);
    if (states === undefined) lostBatches++;
    for (const sha256 of hashes) {
      const state = states?.get(sha256) ?? "unknown";
      if (state === "done") continue;
      notAnalysed++;
      tell(`${sha256} of ${batch}: ${state}`);
    }
  }
  await ended(server.child, "SIGTERM");
  const corpus = await openCorpus({ folder });
  try {
    let lostBytes = 0;
    for (const { sha256 } of acknowledged)
      if ((await corpus.blobs?.get(sha256))?.status !== "ok") lostBytes++;
    const { problems } = await check(corpus);
    const damage = problems.filter((problem) => problem.damage).length;
    return {
      rounds,
      acknowledged: acknowledged.length,
      cutOff,
      lostBytes,
      lostBatches,
      notAnalysed,
      putBack,
      damage,
    };
  } finally {
    await corpus.close();
  }
}

/** Undefined when no whole answer came. */
async function upload(url: string): Promise<Acknowledged[] | undefined> {
  const form = new FormData();
  const hashes = Array.from({ length: 1 + Math.floor(Math.random() * MAX_FILES) }, (_, i) => {
    const bytes = randomBytes(1 + Math.floor(Math.random() * MAX_BYTES));
    form.append("file", new Blob([bytes]), `file${i}`);
    return createHash("sha256").update(bytes).digest("hex");
  });
  try {
    const answer = await fetch(`${url}/api/v1/samples`, { method: "POST", body: form });
    const body = (await answer.json()) as { batch?: string };
    if (answer.status !== 202 || body.batch === undefined) return undefined;
    return hashes.map((sha256) => ({ sha256, batch: body.batch as string }));
  } catch (error) {
    // The server is gone in the middle of it.
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Puts every dead letter back; how many. */
async function retryDead(url: string): Promise<number> {
  const { dead } = (await (await fetch(`${url}/api/v1/dead?limit=200`)).json()) as { dead: { id: string }[] };
  for (const { id } of dead) await fetch(`${url}/api/v1/dead/${id}/retry`, { method: "POST" });
  return dead.length;
}

/** Waits for a batch: the state of each file in it, with the reason; undefined for a batch that nobody knows. */
async function hasEnded(url: string, batch: string): Promise<Map<string, string> | undefined> {
  for (const end = Date.now() + END_MS; ; await sleep(200)) {
    // A connection that lay idle may just be closing.
    const answer = await fetch(`${url}/api/v1/batches/${batch}?limit=200`).catch(() => undefined);
    if (answer === undefined) continue;
    if (answer.status === 404) return undefined;
    const { ended: isEnded, samples } = (await answer.json()) as {
      ended: boolean;
      samples: { sha256: string; state: string; reason: string | null }[];
    };
    if (isEnded || Date.now() > end)
      return new Map(
        samples.map(({ sha256, state, reason }) => [
          sha256,
          state === "done" ? state : `${state}: ${reason}`,
        ]),
      );
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}
