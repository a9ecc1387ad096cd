import type { Claim } from "@assay/core/foreign/claim";
import { targetsOf } from "@assay/core/indicators/targets";
import { configId } from "@assay/core/relations/index";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { check } from "./check.ts";
import { clusters } from "./clusters.ts";
import { type Corpus, openCorpus } from "./corpus.ts";
import { pivot } from "./pivot.ts";
import { putBatch } from "./put.ts";
import { allStatements, forgetSource, listSources, putStatements, type Statement, saidOf } from "./said.ts";
import type { Run } from "./seen.ts";
import { stats } from "./stats.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { made, sha256Of } from "./testing/samples.ts";
import { exportLines, ImportError, importLines } from "./transfer.ts";

const RUN: Run = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const AT = "2026-02-01T00:00:00.000Z";
const LIMITS = { limit: 100, next: 100 };

const claim = (more: Partial<Claim> = {}): Claim => ({
  subjects: [sha256Of("theirs")],
  family: "Their Name\0\ud800",
  at: "2025-12-24T00:00:00.000Z",
  indicators: [
    { type: "ipv4", value: "77.105.132.70", usage: "c2" },
    { type: "domain", value: "only-theirs.example", usage: "c2" },
  ],
  config: { rc4_key: "deadbeef00", n: 1 },
  ...more,
});
const statement = (source: string, more: Partial<Claim> = {}): Statement => ({
  ...{ source, form: "cape", file: "report.json", addedAt: AT },
  claim: claim(more),
});

async function lines(corpus: Corpus): Promise<string[]> {
  const all: string[] = [];
  for await (const line of exportLines(corpus, { blobs: false, onProblem: () => undefined })) all.push(line);
  return all;
}

describe.each(KINDS)("second-hand knowledge on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    corpus = await openCorpus(await places.place());
    const seen = ["a", "b"].map((name) => ({
      sample: made(name, { c2: ["77.105.132.70:2404"], mutex: ["Rmc-AAAA"] }),
      firstAt: AT,
      lastAt: AT,
    }));
    await putBatch(corpus.db, RUN, seen);
  }, 240_000);
  afterAll(async () => {
    await corpus?.close();
    await places?.stop();
  });
  const holds = (claims: string, test: () => Promise<void>) =>
    it(claims, async ({ skip }) => (places === undefined ? skip() : test()), 240_000);

  holds("is told by a pivot in a part of its own, and changes nothing else", async () => {
    const before = {
      pivot: await pivot(corpus.db, "77.105.132.70", LIMITS),
      clusters: await clusters(corpus.db),
      stats: await stats(corpus.db),
    };
    expect(before.pivot.said).toEqual({ total: 0, statements: [] });
    expect(await putStatements(corpus.db, [statement("one"), statement("two")])).toBe(2);
    const { said, ...own } = await pivot(corpus.db, "77[.]105.132.70", LIMITS);
    const { said: _none, ...ownBefore } = before.pivot;
    expect({ ...own, value: "" }).toEqual({ ...ownBefore, value: "" });
    expect(await clusters(corpus.db)).toEqual(before.clusters);
    expect(await stats(corpus.db)).toEqual(before.stats);
    expect((await check(corpus)).problems).toEqual([]);
    expect(said.total).toBe(2);
    expect(said.statements[0]).toMatchObject({
      ...{ form: "cape", file: "report.json", family: "Their Name\0\ud800", addedAt: AT },
      ...{ saidAt: "2025-12-24T00:00:00.000Z", subjects: [sha256Of("theirs")], as: ["ipv4"] },
    });
    expect(said.statements.map(({ source }) => source).sort()).toEqual(["one", "two"]);
  });

  holds("is found by what assay never saw: a domain, a file, a config, a value of one", async () => {
    const find = async (value: string) => (await pivot(corpus.db, value, LIMITS)).said.statements[0]?.as;
    expect(await find("only-theirs[.]example")).toEqual(["domain"]);
    expect(await find(sha256Of("theirs"))).toEqual(["file"]);
    expect(await find("deadbeef00")).toEqual(["config.rc4_key"]);
    expect(await find(configId(claim().config as never))).toEqual(["config"]);
    expect(await find("nobody.example")).toBeUndefined();
    expect((await pivot(corpus.db, "only-theirs.example", LIMITS)).matches).toEqual([]);
  });

  holds("is the same statement when the same file comes again", async () => {
    expect(
      await putStatements(corpus.db, [
        { ...statement("one"), addedAt: "2026-03-01T00:00:00.000Z", file: "x" },
      ]),
    ).toBe(0);
    expect(await listSources(corpus.db)).toEqual([
      { source: "one", statements: 1, lastAddedAt: AT },
      { source: "two", statements: 1, lastAddedAt: AT },
    ]);
  });

  holds("moves with the corpus, byte by byte, and is held to its shape", async () => {
    const sent = await lines(corpus);
    expect(sent.filter((line) => line.startsWith('{"said"'))).toHaveLength(2);
    const other = await openCorpus(await (places as TestPlaces).place());
    try {
      const iterate = async function* (all: readonly string[]) {
        yield* all;
      };
      await importLines(other, iterate(sent));
      expect(await lines(other)).toEqual(sent);
      const [head = ""] = sent;
      for (const bad of [
        { ...statement("x"), claim: { ...claim(), subjects: ["zz"] } },
        { ...statement("x"), claim: { ...claim(), at: "yesterday" } },
        { ...statement("x"), claim: { ...claim(), indicators: [{ type: "ipv4", value: 1, usage: "c2" }] } },
        { ...statement("x"), claim: undefined },
        { ...statement("x"), addedAt: "now" },
      ])
        await expect(importLines(other, iterate([head, JSON.stringify({ said: bad })]))).rejects.toThrow(
          ImportError,
        );
    } finally {
      await other.close();
    }
  });

  holds("can be forgotten by source, with all that hangs on it", async () => {
    expect(await forgetSource(corpus.db, "two")).toBe(1);
    expect(await forgetSource(corpus.db, "two")).toBe(0);
    const left: Statement[] = [];
    for await (const one of allStatements(corpus.db)) left.push(one);
    expect(left).toEqual([statement("one")]);
    await forgetSource(corpus.db, "one");
    expect((await saidOf(corpus.db, "77.105.132.70", targetsOf("77.105.132.70"), 10)).total).toBe(0);
  });
});
