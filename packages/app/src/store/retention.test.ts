import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { check } from "./check.ts";
import { type Corpus, openCorpus } from "./corpus.ts";
import { pivot } from "./pivot.ts";
import { putBatch } from "./put.ts";
import { retain } from "./retention.ts";
import { blobs } from "./schema.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { empty, made, sha256Of } from "./testing/samples.ts";

const RUN = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: [] };
const DAY_MS = 24 * 3600 * 1000;
const day = (n: number) => new Date(Date.UTC(2026, 1, 0) + n * DAY_MS).toISOString();
const NOW = new Date(day(20));

describe.each(KINDS)("what a corpus lets go, on %s", (kind) => {
  let places: TestPlaces | undefined;
  beforeAll(async () => {
    places = await testPlaces(kind);
  }, 120_000);
  afterAll(async () => places?.stop(), 120_000);
  /** A corpus with samples s1 to s9, last seen on that day, of 10 bytes each; odd ones have a config. */
  const holds = (claim: string, test: (corpus: Corpus) => Promise<void>) =>
    it(claim, async ({ skip }) => {
      if (places === undefined) return skip();
      const corpus = await openCorpus(await places.place());
      try {
        for (let n = 1; n <= 9; n++) await keep(corpus, n, day(n));
        await test(corpus);
      } finally {
        await corpus.close();
      }
    }, 120_000);
  const name = (n: number) => `s${n}-bytes-x`.slice(0, 10).padEnd(10, "x");
  const keep = async (corpus: Corpus, n: number, at: string) => {
    const sample = n % 2 === 1 ? made(name(n), { c2: ["kept.pw"] }) : empty(name(n));
    await corpus.blobs?.put(sha256Of(name(n)), Buffer.from(name(n)));
    await corpus.db
      .insert(blobs)
      .values({ sha256: sha256Of(name(n)), size: 10, storedAt: at })
      .onConflictDoNothing();
    await putBatch(corpus.db, RUN, [{ sample, firstAt: at, lastAt: at }]);
  };
  const left = async (corpus: Corpus) => {
    const found: number[] = [];
    for (let n = 1; n <= 9; n++) if (await corpus.blobs?.has(sha256Of(name(n)))) found.push(n);
    return found;
  };

  holds("is what was last seen too long ago, and its results stay", async (corpus) => {
    const policy = { keepMs: 15 * DAY_MS, graceMs: 0 };
    const wouldGo = await retain(corpus, policy, NOW, { dryRun: true });
    expect(wouldGo).toMatchObject({ removed: 0, kept: 5, keptBytes: 50, droppedBytes: 40 });
    expect(wouldGo.dropped.map(({ sha256 }) => sha256)).toEqual([1, 2, 3, 4].map((n) => sha256Of(name(n))));
    expect(await left(corpus)).toHaveLength(9);
    const done = await retain(corpus, policy, NOW);
    expect(done).toMatchObject({
      dropped: wouldGo.dropped,
      removed: 4,
      removedBytes: 40,
      waiting: 0,
      kept: 5,
    });
    expect(await left(corpus)).toEqual([5, 6, 7, 8, 9]);
    expect((await pivot(corpus.db, "kept.pw", { limit: 10, next: 0 })).total).toBe(5);
    expect(await check(corpus)).toMatchObject({ blobs: 5, results: 9, problems: [] });
    expect(await retain(corpus, policy, NOW)).toMatchObject({ dropped: [], removed: 0 });
  });

  holds("is the oldest until the rest is small enough, and only what may go", async (corpus) => {
    const done = await retain(corpus, { maxBytes: 65, graceMs: 0 }, NOW);
    expect(done.dropped.map(({ why }) => why)).toEqual(["size", "size", "size"]);
    expect(await left(corpus)).toEqual([4, 5, 6, 7, 8, 9]);
    await retain(corpus, { maxBytes: 45, outcomes: ["unknown"], graceMs: 0 }, NOW);
    expect(await left(corpus)).toEqual([5, 7, 8, 9]);
    // Age first: what is too old counts for the size as well.
    const both = await retain(corpus, { keepMs: 12.5 * DAY_MS, maxBytes: 10, graceMs: 0 }, NOW);
    expect(both.dropped.map(({ why }) => why)).toEqual(["age", "age", "size"]);
    expect(await left(corpus)).toEqual([9]);
  });

  holds(
    "stays a while for writers that just saw it, and for good when one names it again",
    async (corpus) => {
      const policy = { keepMs: 15.5 * DAY_MS, graceMs: 3_600_000 };
      expect(await retain(corpus, policy, NOW)).toMatchObject({ removed: 0, waiting: 4 });
      expect(await left(corpus)).toHaveLength(9);
      expect((await check(corpus)).problems).toEqual([]);
      await keep(corpus, 2, day(20));
      const later = new Date(NOW.getTime() + 7_200_000);
      expect(await retain(corpus, policy, later)).toMatchObject({ removed: 3, waiting: 0 });
      expect(await left(corpus)).toEqual([2, 5, 6, 7, 8, 9]);
      expect(await check(corpus)).toMatchObject({ blobs: 6, problems: [] });
    },
  );
});
