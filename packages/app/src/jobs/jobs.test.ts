import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseQuery } from "@assay/core/search/query";
import { unread } from "@assay/core/triage/unread";
import { count, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BlobStore } from "../store/blobs.ts";
import { type Corpus, openCorpus } from "../store/corpus.ts";
import { analyses, correlation, names, samples } from "../store/schema.ts";
import { search } from "../store/search.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { empty, made, sha256Of } from "../store/testing/samples.ts";
import { openBoss } from "./boss.ts";
import { rescanChanges } from "./changes.ts";
import { type Claim, takeJobs } from "./claim.ts";
import { engineOf } from "./engine.ts";
import { finish } from "./finish.ts";
import { openQueue, type Queue, QueueFull, type Submission } from "./queue.ts";
import { type Analyse, startWorker, type WorkerOptions } from "./worker.ts";

const ENGINE = engineOf("0.1.0", { "win.test": "1" });

const contents = new Map<string, string>();

/** The file that holds `content`, and is called so. */
function file(content: string, more: Partial<Submission> = {}): Submission {
  const sha256 = sha256Of(content);
  contents.set(sha256, content);
  return { sha256, name: content, size: content.length, priority: "analyst", ...more };
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
    for (const { sha256 } of files) await corpus.blobs?.put(sha256, Buffer.from(contents.get(sha256) ?? ""));
    return files;
  }

  /** What an analysis process would say, by the content of the file. */
  const byContent: Analyse = async (path) => {
    const content = readFileSync(path, "latin1");
    return made(content, { c2: [`${content}.example`] });
  };

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

  /** As when nothing was heard of the workers for a minute. */
  const silence = () =>
    corpus.db.execute(
      sql`update assay_jobs.job set heartbeat_on = now() - interval '1 minute' where state = 'active'`,
    );

  /** Takes jobs as a worker does that dies at once. */
  async function takeAndDie(n: number): Promise<Claim[]> {
    const boss = await openBoss(corpus, "client");
    const claims = await takeJobs(corpus.db, boss, "gone", n);
    await boss.close();
    return claims;
  }

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
    const found = await search(corpus.db, parsed("c2:a.example"), 10);
    expect(found.samples.map(({ sha256 }) => sha256)).toEqual([sha256Of("a")]);
  });

  holds("makes one job of a file however often and under how many names it is sent", async () => {
    const one = await stored(file("twice"), file("twice", { name: "again.exe" }));
    const first = await queue.submit({ submissions: one });
    const second = await queue.submit({ submissions: [file("twice", { name: "third.exe" })] });
    const jobs = new Set([...first.accepted, ...second.accepted].map(({ job }) => job));
    expect(jobs.size).toBe(1);
    await work(first.batch);
    expect(await queue.status(second.batch)).toMatchObject({ ended: true, byState: { done: 1 } });
    expect(await results(sha256Of("twice"))).toBe(1);
    const known = await queue.submit({ submissions: [file("twice", { name: "fourth.exe" })] });
    expect(known.accepted).toEqual([{ sha256: sha256Of("twice"), state: "known" }]);
    expect(await queue.status(known.batch)).toMatchObject({ ended: true, byState: { done: 1 } });
    const called = await corpus.db
      .select()
      .from(names)
      .where(eq(names.sample, sha256Of("twice")));
    expect(called.map(({ name }) => name).sort()).toEqual(["again.exe", "fourth.exe", "third.exe", "twice"]);
    const again = await queue.submit({ id: first.batch, submissions: one });
    expect(again.accepted.map(({ state }) => state)).toEqual(["known", "known"]);
    expect(await queue.status(first.batch)).toMatchObject({ total: 2 });
  });

  holds("opens a file each way that is asked for", async () => {
    const own: unknown[] = [];
    const submissions = await stored(
      file("locked"),
      file("locked", { passwords: ["s3cret\0"] }),
      file("locked", { memory: "region", base: "0x400000" }),
    );
    const { batch, accepted } = await queue.submit({ submissions });
    expect(new Set(accepted.map(({ job }) => job)).size).toBe(3);
    await work(batch, async (path, name, how) => {
      expect(readFileSync(path, "latin1")).toBe("locked");
      own.push(how);
      return byContent(path, name, how);
    });
    expect(own).toEqual(
      expect.arrayContaining([
        {},
        { passwords: ["s3cret\0"] },
        { memory: { kind: "region", base: 0x400000n } },
      ]),
    );
  });

  holds("does an analyst's samples before a feed's, also those that the feed had sent already", async () => {
    const order: string[] = [];
    const feed = ["f1", "f2", "f3"].map((name) => file(name, { priority: "feed" }));
    const { batch } = await queue.submit({ submissions: await stored(...feed) });
    await queue.submit({ submissions: await stored(file("urgent"), file("f3")) });
    await work(
      batch,
      async (path, name, own) => {
        order.push(readFileSync(path, "latin1"));
        return byContent(path, name, own);
      },
      { jobs: 1 },
    );
    expect(order.slice(0, 2).sort()).toEqual(["f3", "urgent"]);
    expect(order.slice(2).sort()).toEqual(["f1", "f2"]);
  });

  holds("gives what a killed worker had to another, and takes no result from the killed one", async () => {
    const { batch } = await queue.submit({ submissions: await stored(file("orphan")) });
    const [claim] = await takeAndDie(1);
    expect(await queue.status(batch)).toMatchObject({ byState: { active: 1 } });
    const others = await stored(...["o1", "o2", "o3"].map((name) => file(`behind ${name}`)));
    await queue.submit({ submissions: others });
    await silence();
    await work(batch);
    expect(await queue.status(batch)).toMatchObject({ byState: { done: 1 }, samples: [{ tries: 2 }] });
    const told = [];
    for await (const { state, reason } of queue.watch(batch)) told.push([state, reason]);
    expect(told).toEqual([
      ["active", undefined],
      ["queued", expect.stringMatching(/not heard of/)],
      ["active", undefined],
      ["done", undefined],
    ]);
    const boss = await openBoss(corpus, "client");
    const late = made("orphan", { c2: ["late.example"] });
    expect(await finish(corpus, boss, ENGINE, claim as Claim, late)).toBe(false);
    await boss.close();
    expect(await results(sha256Of("orphan"))).toBe(1);
  });

  holds(
    "runs a job that workers died of alone, and at last puts it on the list of dead letters",
    async () => {
      const submissions = await stored(...["p", "q", "r", "s"].map((name) => file(name)));
      const { batch } = await queue.submit({ submissions });
      const claims = await takeAndDie(4);
      const [suspect, poison] = claims as [Claim, Claim];
      await corpus.db.execute(sql`update assay_jobs.job set retry_count = 1 where id = ${suspect.id}`);
      await corpus.db.execute(
        sql`update assay_jobs.job set retry_count = retry_limit where id = ${poison.id}`,
      );
      await silence();
      let now = 0;
      const beside = new Map<string, number>();
      await work(batch, async (path, name, own) => {
        now++;
        const content = readFileSync(path, "latin1");
        for (let i = 0; i < 10; i++) {
          beside.set(content, Math.max(beside.get(content) ?? 0, now));
          await sleep(10);
        }
        now--;
        return byContent(path, name, own);
      });
      expect(beside.get(suspect.name)).toBe(1);
      expect(beside.has(poison.name)).toBe(false);
      expect(await queue.status(batch)).toMatchObject({ ended: true, byState: { done: 3, dead: 1 } });
      const [letter] = await queue.dead();
      expect(letter).toMatchObject({ sha256: poison.task.sha256, names: [poison.name], worker: "gone" });
      expect(letter?.reason).toMatch(/not heard from/);
      expect(await queue.inspect(letter?.id ?? "")).toEqual(letter);
      expect(await queue.depth()).toMatchObject({ dead: 1, queued: 0, active: 0 });

      expect(await queue.putBack(letter?.id ?? "")).toBe(true);
      expect(await queue.putBack(letter?.id ?? "")).toBe(false);
      await work(batch);
      expect(await queue.status(batch)).toMatchObject({ byState: { done: 4, dead: 0 } });
    },
  );

  holds("costs nobody else anything when a sample's bytes are lost or its analysis dies", async () => {
    const submissions = [file("lost"), ...(await stored(file("bomb"), file("fine")))];
    const { batch } = await queue.submit({ submissions });
    await work(batch, async (path, name, own) => {
      if (readFileSync(path, "latin1") !== "bomb") return byContent(path, name, own);
      const reason = { stage: "analyse", code: "crashed", text: "the analysis process died" };
      return unread([name], "failed", reason);
    });
    const status = await queue.status(batch);
    expect(status).toMatchObject({ ended: true, byState: { done: 1, failed: 1, dead: 1 } });
    expect(status?.samples).toMatchObject([
      { name: "lost", state: "dead", reason: "its bytes are not in the store" },
      {
        name: "bomb",
        state: "failed",
        outcome: "failed",
        stage: "analyse",
        reason: "the analysis process died",
      },
      { name: "fine", state: "done" },
    ]);
    expect(await results(sha256Of("bomb"))).toBe(1);
    const [letter] = await queue.dead();
    expect(await queue.discard(letter?.id ?? "")).toBe(true);
    expect(await queue.dead()).toEqual([]);
    expect(await queue.status(batch)).toMatchObject({ byState: { failed: 2, dead: 0 } });
  });

  holds("waits for a blob store that is away, and charges no sample for it", async () => {
    const { batch } = await queue.submit({ submissions: await stored(file("patient")) });
    const store = corpus.blobs as BlobStore;
    let left = 4;
    const away = async <T>(work: () => Promise<T>): Promise<T> => {
      if (left-- > 0) throw new Error("connect ECONNREFUSED");
      return work();
    };
    const flaky: BlobStore = {
      put: (sha256, bytes) => store.put(sha256, bytes),
      list: () => store.list(),
      remove: (sha256) => store.remove(sha256),
      get: (sha256) => away(() => store.get(sha256)),
      has: (sha256) => away(() => store.has(sha256)),
    };
    const stop = new AbortController();
    const worker = await startWorker(
      { ...corpus, blobs: flaky },
      { jobs: 1, signal: stop.signal, analyse: byContent, engine: ENGINE },
    );
    for await (const _ of queue.watch(batch));
    stop.abort();
    await worker.done;
    expect(await queue.status(batch)).toMatchObject({ byState: { done: 1 }, samples: [{ tries: 1 }] });
  });

  holds("gives jobs back when it is to end, as if they had never been taken up", async () => {
    const { batch } = await queue.submit({ submissions: await stored(file("slow")) });
    const stop = new AbortController();
    const begun = resolvers();
    const forever: Analyse = () => {
      begun.resolve();
      return new Promise(() => undefined);
    };
    const options = { jobs: 1, graceMs: 50, analyse: forever, engine: ENGINE };
    const worker = await startWorker(corpus, { ...options, signal: stop.signal });
    await begun.promise;
    stop.abort();
    await worker.done;
    expect(await queue.status(batch)).toMatchObject({ byState: { queued: 1 }, samples: [{ tries: 0 }] });
    await work(batch);
    expect(await queue.status(batch)).toMatchObject({ byState: { done: 1 }, samples: [{ tries: 1 }] });
  });

  holds("refuses more than the queue takes, a feed's first", async () => {
    const small = await openQueue(corpus, { engine: ENGINE, maxQueued: 2 });
    const three = await stored(file("x1"), file("x2"), file("x3"));
    const feed = three.map((one) => ({ ...one, priority: "feed" as const }));
    await expect(small.submit({ submissions: feed })).rejects.toBeInstanceOf(QueueFull);
    const { batch } = await small.submit({ submissions: three });
    await expect(small.submit({ submissions: await stored(file("x4"), file("x5")) })).rejects.toMatchObject({
      retryAfterSeconds: expect.any(Number),
    });
    expect(await small.depth()).toMatchObject({ queued: 3 });
    await small.close();
    await work(batch);
  });

  holds("runs again what another version of the family was asked, and says what that changed", async () => {
    const plain = await stored(file("l1"), file("l2"), file("l3"));
    const other: Analyse = async () => made("o1", { family: "win.other", c2: ["o.example"] });
    const { batch: others } = await queue.submit({ submissions: await stored(file("o1")) });
    await work(others, other);
    const { batch } = await queue.submit({ submissions: plain });
    const lone = (config: boolean): Analyse => {
      return async (path) => {
        const content = readFileSync(path, "latin1");
        if (content === "l1" && !config)
          return { ...empty(content), outcome: "identified", families: ["win.lone"] };
        const c2 = content === "l2" && config ? ["moved.example"] : [`${content}.example`];
        return made(content, { family: "win.lone", c2 });
      };
    };
    await work(batch, lone(false));
    const seen = await lastSeen("l2");

    const newer = engineOf("0.1.0", { "win.test": "1", "win.lone": "2" });
    const upgraded = await openQueue(corpus, { engine: newer });
    const rescan = await upgraded.rescan({ family: "win.lone" });
    await work(rescan, lone(true), { engine: newer });
    expect(await queue.status(rescan)).toMatchObject({ kind: "rescan", total: 3, byState: { done: 3 } });
    const { compared, changes } = await rescanChanges(corpus.db, rescan);
    expect(compared).toBe(3);
    expect(changes.map(({ name, what, differs }) => [name, what, differs]).sort()).toEqual([
      ["l1", "gained", ["family", "layout", "c2"]],
      ["l2", "changed", ["c2"]],
    ]);
    expect(changes.find(({ name }) => name === "l2")).toMatchObject({
      before: { findings: [{ family: "win.lone", layout: "L1", c2: ["https://l2.example"] }] },
      after: { findings: [{ family: "win.lone", layout: "L1", c2: ["https://moved.example"] }] },
    });
    expect(await lastSeen("l2")).toBe(seen);
    const again = await upgraded.rescan({ family: "win.lone" });
    await upgraded.close();
    await work(again, lone(true), { engine: newer });
    expect(await queue.status(again)).toMatchObject({ total: 0, ended: true });
  });

  const lastSeen = async (name: string) => {
    const [row] = await corpus.db
      .select()
      .from(samples)
      .where(eq(samples.sha256, sha256Of(name)));
    return row?.lastSeen;
  };

  holds("works off what storing leaves, once for all that came meanwhile", async () => {
    const stop = new AbortController();
    const options = { jobs: 2, analyse: byContent, engine: ENGINE };
    const worker = await startWorker(corpus, { ...options, signal: stop.signal });
    await queue.submit({ submissions: await stored(file("near1"), file("near2")) });
    const ended = async () => {
      const { rows } = (await corpus.db.execute(
        sql`select count(*)::int as n from assay_jobs.job where name = 'correlate' and state = 'completed'`,
      )) as unknown as { rows: { n: number }[] };
      return (rows[0]?.n ?? 0) > 0;
    };
    while (!(await ended())) await sleep(100);
    stop.abort();
    await worker.done;
    const [state] = await corpus.db.select().from(correlation);
    expect(state?.built).toBe(true);
  });

  holds("has its batches, states and events after the corpus was closed and opened again", async () => {
    if (places === undefined) return;
    const place = await places.place();
    const before = await openCorpus(place);
    const first = await openQueue(before, { engine: ENGINE });
    const { batch } = await first.submit({ submissions: [file("kept")] });
    await first.close();
    await before.close();
    const after = await openCorpus(place);
    const second = await openQueue(after, { engine: ENGINE });
    expect(await second.status(batch)).toMatchObject({ total: 1, byState: { queued: 1 } });
    expect(await second.batches()).toMatchObject([{ id: batch, kind: "upload", total: 1 }]);
    await second.close();
    await after.close();
  });
});

function resolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function parsed(text: string) {
  const query = parseQuery(text);
  if (!query.ok) throw new Error(query.error.text);
  return query.value;
}
