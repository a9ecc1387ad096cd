import type { Sample } from "@assay/core/model/index";
import { count, eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "../store/corpus.ts";
import { analyses, names, samples } from "../store/schema.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { empty, made, sha256Of } from "../store/testing/samples.ts";
import { engineOf } from "./engine.ts";
import { openQueue, type Queue, QueueFull, type Submission } from "./queue.ts";
import { tasks } from "./tables.ts";
import { type Analyse, startWorker, type WorkerOptions } from "./worker.ts";

const ENGINE = engineOf("0.1.0", { "win.test": "1" });

/** The file called `name`, which holds its name. */
function file(name: string, more: Partial<Submission> = {}): Submission {
  return { sha256: sha256Of(name), name, size: name.length, priority: "analyst", ...more };
}

describe.each(KINDS)("jobs on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;
  let queue: Queue;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    corpus = await openCorpus(await places.place());
    queue = await openQueue(corpus, { engine: ENGINE });
  }, 120_000);
  afterAll(async () => {
    await queue?.close();
    await corpus?.close();
    await places?.stop();
  }, 60_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 120_000);

  async function stored(...files: readonly Submission[]): Promise<readonly Submission[]> {
    for (const { sha256, name } of files) await corpus.blobs?.put(sha256, Buffer.from(name));
    return files;
  }

  /** What an analysis process would say, by the content of the file. */
  const byContent: Analyse = async (_path, name) => made(name, { c2: [`${name}.example`] });

  /** Runs a worker until the batch has ended. */
  async function work(batch: string, analyse = byContent, more: Partial<WorkerOptions> = {}): Promise<void> {
    const stop = new AbortController();
    const worker = await startWorker(corpus, {
      ...{ jobs: 2, signal: stop.signal, analyse, engine: ENGINE },
      ...more,
    });
    for await (const _ of queue.watch(batch));
    stop.abort();
    await worker.done;
  }

  const results = async (sha256: string) => {
    const [row] = await corpus.db.select({ n: count() }).from(analyses).where(eq(analyses.sample, sha256));
    return row?.n;
  };

  holds("analyses what is submitted, and tells of each step in order", async () => {
    const { batch, accepted } = await queue.submit({ submissions: await stored(file("a"), file("b")) });
    expect(accepted.map(({ state }) => state)).toEqual(["queued", "queued"]);
    expect(await queue.status(batch)).toMatchObject({ total: 2, ended: false, byState: { queued: 2 } });
    await work(batch);
    const status = await queue.status(batch);
    expect(status).toMatchObject({ total: 2, ended: true, byState: { queued: 0, active: 0, done: 2 } });
    expect(status?.samples).toMatchObject([
      { n: 1, sha256: sha256Of("a"), name: "a", state: "done", outcome: "config", tries: 1 },
      { n: 2, sha256: sha256Of("b"), name: "b", state: "done", outcome: "config", tries: 1 },
    ]);
    const events = [];
    for await (const event of queue.watch(batch)) events.push(event);
    expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(events.filter(({ name }) => name === "a").map(({ state }) => state)).toEqual(["active", "done"]);
    const late = [];
    for await (const event of queue.watch(batch, 3)) late.push(event.id);
    expect(late).toEqual([4]);
    expect(await results(sha256Of("a"))).toBe(1);
  });
});
