import type { Sample } from "@assay/core/model/index";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareClusters } from "./cluster-compare.ts";
import { clusters } from "./clusters.ts";
import { type Corpus, openCorpus } from "./corpus.ts";
import { correlate } from "./correlate.ts";
import { addExclusion, removeExclusion } from "./exclusions.ts";
import { neighbourhood, overview } from "./graph.ts";
import { putBatch } from "./put.ts";
import { ask } from "./rows.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { empty, made, sha256Of } from "./testing/samples.ts";

const RUN = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const day = (n: number) => `2026-02-${String(n).padStart(2, "0")}T00:00:00.000Z`;

async function put(corpus: Corpus, all: readonly Sample[], at = day(1)) {
  return putBatch(
    corpus.db,
    RUN,
    all.map((sample) => ({ sample, firstAt: at, lastAt: at })),
  );
}

describe.each(KINDS)("clusters of a corpus on %s", (kind) => {
  let places: TestPlaces | undefined;
  beforeAll(async () => {
    places = await testPlaces(kind);
  }, 120_000);
  afterAll(async () => places?.stop(), 120_000);
  const holds = (claim: string, test: (open: () => Promise<Corpus>) => Promise<void>) =>
    it(claim, async ({ skip }) => {
      if (places === undefined) return skip();
      const { place } = places;
      const opened: Corpus[] = [];
      try {
        await test(async () => {
          const corpus = await openCorpus(await place());
          opened.push(corpus);
          return corpus;
        });
      } finally {
        for (const corpus of opened) await corpus.close();
      }
    }, 240_000);
  /** Members by name, of those that were asked for. */
  const members = async (corpus: Corpus, names: readonly string[]) =>
    (await clusters(corpus.db)).map(({ id, samples }) => ({
      id,
      names: names.filter((name) => samples.includes(sha256Of(name))),
    }));

  holds("grow, meet and keep the older's name; the other's leads there", async (open) => {
    const corpus = await open();
    const names = ["a", "b", "c", "d", "e"];
    await put(corpus, [made("a", { c2: ["x.pw"] })], day(2));
    await put(corpus, [made("b", { c2: ["x.pw"] })], day(3));
    await put(corpus, [made("c", { c2: ["y.pw"] }), made("d", { c2: ["y.pw"] })], day(5));
    const [ab, cd] = (await members(corpus, names)).sort((x, y) => (x.names < y.names ? -1 : 1));
    expect([ab?.names, cd?.names]).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    await put(corpus, [made("e", { c2: ["x.pw", "y.pw"], family: "win.other" })], day(9));
    const [all, ...none] = await clusters(corpus.db);
    expect(none).toEqual([]);
    expect(all).toMatchObject({
      ...{ id: ab?.id, size: 5, families: ["win.other", "win.test"], firstSeen: day(2), lastSeen: day(9) },
      shared: expect.arrayContaining(["domain:x.pw", "domain:y.pw"]),
    });
    const graph = await neighbourhood(corpus.db, cd?.id as string, { depth: 1, limit: 50 });
    expect(graph.seeds).toEqual([ab?.id]);
    expect(graph.nodes.filter((node) => node.kind === "sample")).toHaveLength(5);
  });

  holds("fall apart when a tie goes, and the part with the founder keeps the name", async (open) => {
    const corpus = await open();
    const names = ["a", "b", "c", "d", "m"];
    await put(corpus, [made("a", { c2: ["x.pw"] }), made("b", { c2: ["x.pw"] })], day(1));
    await put(corpus, [made("m", { c2: ["x.pw", "y.pw"] })], day(2));
    await put(corpus, [made("c", { c2: ["y.pw"] }), made("d", { c2: ["y.pw"] })], day(3));
    const [one] = await members(corpus, names);
    expect(one?.names).toEqual(names);
    await put(corpus, [made("m", { c2: ["y.pw"] })], day(9));
    const two = await members(corpus, names);
    expect(two.map((cluster) => cluster.names)).toEqual(
      expect.arrayContaining([
        ["a", "b"],
        ["c", "d", "m"],
      ]),
    );
    expect(two.find((cluster) => cluster.names.includes("b"))?.id).toBe(one?.id);
    await put(corpus, [made("m", { c2: ["x.pw", "y.pw"] })], day(10));
    expect((await members(corpus, names))[0]).toEqual(one);
    // One that holds nothing any more is in no cluster.
    await put(corpus, [empty("b")], day(11));
    expect((await members(corpus, names))[0]?.names).toEqual(["a", "c", "d", "m"]);
    expect(await compareClusters(corpus.db)).toEqual([]);
  });

  holds("follow the list of exclusions both ways", async (open) => {
    const corpus = await open();
    const names = ["a", "b", "c"];
    await put(corpus, [
      made("a", { c2: ["x.pw"] }),
      made("b", { c2: ["x.pw", "z.y.pw"] }),
      made("c", { c2: ["z.y.pw"] }),
    ]);
    const [before] = await members(corpus, names);
    expect(before?.names).toEqual(names);
    await addExclusion(corpus.db, "y.pw", day(2));
    expect((await members(corpus, names)).map((one) => one.names)).toEqual([["a", "b"]]);
    // What comes while it is excluded ties nothing either.
    await put(corpus, [made("d", { c2: ["z.y.pw"] }), made("e", { c2: ["z.y.pw"] })]);
    expect((await members(corpus, names)).map((one) => one.names)).toEqual([["a", "b"]]);
    await removeExclusion(corpus.db, "y.pw");
    const [after] = await clusters(corpus.db);
    expect(after).toMatchObject({ id: before?.id, size: 5 });
    expect(await compareClusters(corpus.db)).toEqual([]);
  });

  holds("are what all holdings together make, whatever comes in what order", async (open) => {
    const hosts = ["p1.pw", "p2.pw", "p3.pw", "p4.pw", "p5.pw"];
    const samples = Array.from({ length: 9 }, (_, i) => `n${i}`);
    const one = fc.record({
      name: fc.constantFrom(...samples),
      c2: fc.subarray(hosts, { maxLength: 2 }),
      family: fc.constantFrom("win.a", "win.b"),
    });
    const step = fc.record({
      batch: fc.array(one, { minLength: 1, maxLength: 5 }),
      exclude: fc.option(fc.constantFrom(...hosts), { freq: 4 }),
      look: fc.boolean(),
    });
    const corpus = await open();
    let at = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), async (steps) => {
        const excluded = new Set<string>();
        for (const { batch, exclude, look } of steps) {
          const when = new Date(Date.UTC(2026, 1, 1) + ++at * 1000).toISOString();
          await put(
            corpus,
            batch.map(({ name, ...what }) => made(name, what)),
            when,
          );
          if (exclude !== null && excluded.has(exclude)) {
            await removeExclusion(corpus.db, exclude);
            excluded.delete(exclude);
          } else if (exclude !== null) {
            await addExclusion(corpus.db, exclude, when);
            excluded.add(exclude);
          }
          if (look) await correlate(corpus.db);
        }
        await correlate(corpus.db);
        expect(await compareClusters(corpus.db)).toEqual([]);
        expect(await miscounted(corpus)).toEqual([]);
        const before = await clusters(corpus.db);
        await correlate(corpus.db, { anew: true });
        expect((await clusters(corpus.db)).map(plain).sort()).toEqual(before.map(plain).sort());
        for (const host of excluded) await removeExclusion(corpus.db, host);
      }),
      { seed: 11, numRuns: 5, endOnFailure: true },
    );
  });

  holds("are looked at as far as the budget goes, and to the end when asked", async (open) => {
    const corpus = await open();
    const chain = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        made(`k${from + i}`, { c2: [`l${from + i}.pw`, `l${from + i + 1}.pw`] }),
      );
    await put(corpus, chain(0, 60));
    expect(await clusters(corpus.db)).toMatchObject([{ size: 60 }]);
    await put(corpus, [made("k30", { c2: ["l30.pw"] })], day(5));
    expect(await correlate(corpus.db, { budget: 10 })).toMatchObject({ split: 0, left: 2 });
    expect(await correlate(corpus.db)).toMatchObject({ split: 1, left: 0 });
    expect((await clusters(corpus.db)).map(({ size }) => size)).toEqual([31, 29]);
  });

  holds("flag look-alikes of the whole corpus", async (open) => {
    const corpus = await open();
    await put(corpus, [made("a", { c2: ["177.105.132.70", "pinkipinevazzey.pw"] })]);
    await correlate(corpus.db);
    await put(corpus, [made("b", { c2: ["77.105.132.70", "pinkipinevazey.pw", "5.42.64.67"] })]);
    expect(await correlate(corpus.db)).toMatchObject({ nearDuplicates: 2 });
    const graph = await neighbourhood(corpus.db, "77.105.132.70", { depth: 1, limit: 50 });
    expect(graph.edges.find((edge) => edge.kind === "near-duplicate")).toMatchObject({
      from: "ipv4:177.105.132.70",
      to: "ipv4:77.105.132.70",
      weight: 0,
    });
    expect(await clusters(corpus.db)).toEqual([]);
    // A generated series is none.
    const letters = "abcdefg".split("");
    await put(
      corpus,
      letters.map((letter) => made(letter, { c2: [`${letter}shop-of-horrors.com`] })),
    );
    await correlate(corpus.db);
    const shops = await neighbourhood(corpus.db, "ashop-of-horrors.com", { depth: 1, limit: 50 });
    expect(shops.edges.filter((edge) => edge.kind === "near-duplicate")).toEqual([]);
  });

  holds("are drawn together by weaker ties, and communities keep their names", async (open) => {
    const corpus = await open();
    // Two clusters and a sample of one campaign; and two others of another.
    const campaign = (id: string, from: number) => [
      made(`s${from}`, { c2: [`u${from}.pw`], campaign: id }),
      made(`s${from + 1}`, { c2: [`u${from}.pw`], campaign: id }),
      made(`s${from + 2}`, { c2: [`u${from + 2}.pw`], campaign: id }),
      made(`s${from + 3}`, { c2: [`u${from + 2}.pw`] }),
      made(`s${from + 4}`, { c2: [`u${from + 4}.pw`], campaign: id }),
    ];
    await put(corpus, [...campaign("red-7714", 0), ...campaign("blue-7714", 10)]);
    await correlate(corpus.db);
    const of = async (name: string) => {
      const [row] = await ask<{ community: string | null }>(
        corpus.db,
        sql`select c.community from assay.cluster_samples m join assay.cluster_parts p on p.part = m.part
          join assay.clusters c on c.key = p.cluster where m.sample = decode(${sha256Of(name)}, 'hex')`,
      );
      return row?.community ?? undefined;
    };
    const red = await of("s0");
    expect(red).toMatch(/^community-[0-9a-f]{12}$/);
    for (const name of ["s1", "s2", "s3", "s4"]) expect(await of(name), name).toBe(red);
    expect(await of("s10")).not.toBe(red);
    expect(await of("s14")).toBe(await of("s10"));
    const whole = await overview(corpus.db, { level: "communities", limit: 10 });
    expect(whole.nodes.filter((node) => node.kind === "community")).toHaveLength(2);
    const inside = await neighbourhood(corpus.db, red as string, { depth: 1, limit: 50 });
    expect(inside.nodes.find((node) => node.key === red)).toMatchObject({ kind: "community", samples: 5 });
    expect(inside.edges.filter((edge) => edge.kind === "leads-to")[0]).toMatchObject({
      why: "campaign_id:red-7714",
    });
    await put(corpus, [made("s5", { c2: ["u5.pw"], campaign: "red-7714" })], day(3));
    await correlate(corpus.db);
    expect(await of("s5")).toBe(red);
    expect(await of("s0")).toBe(red);
    expect(await clusters(corpus.db)).toHaveLength(4);
  });
});

const plain = ({ id, size, samples, shared }: Awaited<ReturnType<typeof clusters>>[number]) =>
  JSON.stringify({ id, size, samples, shared });

/** Clusters whose families are not those of their samples. */
async function miscounted({ db }: Corpus) {
  return ask(
    db,
    sql`with real as (
        select p.cluster, h.family, count(distinct m.sample)::integer as n from assay.cluster_samples m
        join assay.cluster_parts p on p.part = m.part join assay.holdings h on h.sample = m.sample group by 1, 2)
      select r.*, f.samples from real r
      full join (select * from assay.cluster_families where samples <> 0) f
        on f.cluster = r.cluster and f.family = r.family
      where r.n is distinct from f.samples`,
  );
}
