import type { Sample } from "@assay/core/model/index";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "./corpus.ts";
import { pivot } from "./pivot.ts";
import { putBatch, type Run } from "./put.ts";
import { findings, indicators, samples } from "./schema.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { archive, empty, made, sha256Of } from "./testing/samples.ts";
import { decodeText, encodeText } from "./text.ts";

const RUN: Run = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const LIMITS = { limit: 100, next: 100 };
const day = (n: number) => `2026-02-${String(n).padStart(2, "0")}T00:00:00.000Z`;

async function put(corpus: Corpus, all: readonly Sample[], at = day(1), run = RUN) {
  return putBatch(
    corpus.db,
    run,
    all.map((sample) => ({ sample, firstAt: at, lastAt: at })),
  );
}

describe.each(KINDS)("the corpus on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined)
      console.warn("no PostgreSQL for this machine: its half of the suite is skipped");
    else corpus = await openCorpus(await places.place());
  }, 60_000);
  afterAll(async () => {
    await corpus?.close();
    await places?.stop();
  });
  /** A test that leaves out what no server is there for. */
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 60_000);

  holds(
    "finds by an address, defanged or not, every sample that shares it, and where to go next",
    async () => {
      await put(corpus, [
        made("a", { c2: ["77.105.132.70:2404", "one.example"], mutex: ["Rmc-AAAA"] }),
        made("b", { c2: ["77.105.132.70:2404"], mutex: ["Rmc-BBBB"] }),
        made("c", { c2: ["9.9.9.9:1"], mutex: ["Rmc-BBBB"] }),
      ]);
      for (const value of [
        "77.105.132.70",
        "77[.]105[.]132[.]70",
        "77.105.132[.]70:2404",
        "tcp://77.105.132.70:2404",
      ]) {
        const found = await pivot(corpus.db, value, LIMITS);
        expect(
          found.samples.map(({ names }) => names),
          value,
        ).toEqual(expect.arrayContaining([["a"], ["b"]]));
        expect(found.total).toBe(2);
      }
      const { matches, next } = await pivot(corpus.db, "77.105.132.70", LIMITS);
      expect(matches).toEqual([
        {
          ...{
            type: "ipv4",
            value: "77.105.132.70",
            defanged: "77.105.132[.]70",
            samples: 2,
            of: 3,
            linkable: true,
          },
          ...{ firstSeen: day(1), lastSeen: day(1) },
        },
      ]);
      // c has the mutex of b: what leads to further samples comes first.
      expect(next[0]).toMatchObject({ type: "mutex", value: "Rmc-BBBB", here: 1, leadsTo: 1, samples: 2 });
      expect(next.slice(1).every(({ leadsTo }) => leadsTo === 0)).toBe(true);
    },
  );

  holds("finds by each hash, by what an archive holds, and by config", async () => {
    const inner = made("inner.exe", { c2: ["inner.example"] });
    await put(corpus, [archive("batch.zip", [inner, empty("readme.txt")])]);
    const direct = await pivot(corpus.db, sha256Of("inner.exe"), LIMITS);
    expect(direct.samples.map((row) => row.sha256).sort()).toEqual(
      [sha256Of("inner.exe"), sha256Of("batch.zip")].sort(),
    );
    const host = await pivot(corpus.db, "inner.example", LIMITS);
    expect(host.samples).toMatchObject([{ names: ["batch.zip/inner.exe"], submitted: false }]);
    const config = host.samples[0]?.findings[0]?.config as string;
    expect((await pivot(corpus.db, `config:${config}`, LIMITS)).total).toBe(1);
    const { md5, sha1 } = empty("batch.zip");
    for (const hash of [md5, sha1, sha1?.toUpperCase()])
      expect((await pivot(corpus.db, hash as string, LIMITS)).samples.map(({ names }) => names)).toEqual([
        ["batch.zip"],
      ]);
  });

  holds("finds by any value of a config", async () => {
    await put(corpus, [made("keyed", { c2: ["k.example"], other: { rc4_key: "deadbeef00" } })]);
    const found = await pivot(corpus.db, "deadbeef00", LIMITS);
    expect(found.matches.map(({ type }) => type)).toEqual(["config.other.rc4_key"]);
    expect(found.samples.map(({ names }) => names)).toEqual([["keyed"]]);
  });

  holds("knows one config in many samples as one, and the same result twice as one", async () => {
    const twins = ["t1", "t2", "t3"].map((name) => made(name, { c2: ["twin.example"] }));
    expect(await put(corpus, twins)).toHaveLength(3);
    expect(await put(corpus, twins, day(3))).toEqual([]);
    const { matches, samples: rows } = await pivot(corpus.db, "twin.example", LIMITS);
    expect(matches[0]).toMatchObject({ samples: 3, firstSeen: day(1), lastSeen: day(3) });
    expect(new Set(rows.map((row) => row.findings[0]?.config)).size).toBe(1);
    expect(rows.map(({ findings: all }) => all.length)).toEqual([1, 1, 1]);
  });

  holds("lets the newest result stand and keeps the older ones", async () => {
    await put(corpus, [made("re", { c2: ["old.example"] })], day(1));
    await put(corpus, [made("re", { c2: ["new.example"] })], day(5), { ...RUN, engine: "0.2.0" });
    expect((await pivot(corpus.db, "old.example", LIMITS)).total).toBe(0);
    expect((await pivot(corpus.db, "new.example", LIMITS)).total).toBe(1);
    // An older result that comes late (from an import, say) is history; one that saw nothing is none.
    await put(corpus, [made("re", { c2: ["older.example"] })], day(2));
    await put(corpus, [{ ...empty("re"), outcome: "failed" }], day(9));
    expect((await pivot(corpus.db, "new.example", LIMITS)).total).toBe(1);
    expect((await pivot(corpus.db, "older.example", LIMITS)).total).toBe(0);
    const kept = (await corpus.db.select().from(findings)).filter(
      ({ subject }) => subject === sha256Of("re"),
    );
    expect(kept).toHaveLength(3);
  });

  holds("takes back what an archive's newer result says no more", async () => {
    const [x, y] = [made("x.exe", { c2: ["x.example"] }), made("y.exe", { c2: ["y.example"] })];
    await put(corpus, [archive("two.zip", [x, y])], day(1));
    await put(corpus, [archive("two.zip", [x])], day(2));
    expect((await pivot(corpus.db, "x.example", LIMITS)).total).toBe(1);
    expect((await pivot(corpus.db, "y.example", LIMITS)).total).toBe(0);
  });

  holds(
    "keeps strings with NULs, lone surrogates, escapes and quotes as they are, and finds them",
    async () => {
      const hostile = [
        "a\u0000b-mutex",
        "\ud800 lone",
        "lone \udfff",
        "\u001a0000 not an escape",
        "'; drop schema assay cascade; --",
        "\\x00 \\u0000 %s $1 {}",
        "\u202egnp.exe",
        "\ufffe\uffff\u0001",
        "😀 emoji",
      ];
      await put(corpus, [
        made("hostile\u0000name\ud800", { mutex: hostile, other: { "k\u0000\ud800": "v\u0000" } }),
      ]);
      for (const value of hostile) {
        const found = await pivot(corpus.db, `mutex:${value}`, LIMITS);
        expect(found.matches.filter(({ type }) => type === "mutex").map((one) => one.value)).toEqual([value]);
        expect(found.samples[0]?.names).toEqual(["hostile\u0000name\ud800"]);
      }
    },
  );

  holds("counts as the rows say, whatever order results come in", async () => {
    const names = ["p1", "p2", "p3", "p4"];
    const hosts = ["q1.example", "q2.example", "q3.example"];
    const step = fc.record({
      sample: fc.constantFrom(...names),
      c2: fc.subarray(hosts),
      at: fc.integer({ min: 1, max: 28 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        for (const { sample, c2, at } of steps) await put(corpus, [made(sample, { c2 })], day(at));
        for (const { type, value, samples: counted } of await corpus.db.select().from(indicators)) {
          const { total } = await pivot(corpus.db, `${type}:${value}`, { limit: 1, next: 1 });
          if (counted !== 0) expect(total, value).toBe(counted);
        }
      }),
      { seed: 5, numRuns: 4 },
    );
  });

  holds("stores a batch larger than one statement takes", async () => {
    const many = Array.from({ length: 700 }, (_, i) =>
      made(`many${i}`, { c2: Array.from({ length: 10 }, (_, j) => `h${i}-${j}.many.example`) }),
    );
    expect(await put(corpus, many)).toHaveLength(7000);
    expect((await pivot(corpus.db, "h699-9.many.example", LIMITS)).total).toBe(1);
    expect((await corpus.db.select({ sha256: samples.sha256 }).from(samples)).length).toBeGreaterThan(700);
  });
});

describe("text for the database", () => {
  it("survives the way there and back, whatever it is, and never holds what PostgreSQL refuses", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
        (text) => {
          const there = encodeText(text);
          expect(decodeText(there)).toBe(text);
          expect(there).not.toMatch(/\0/);
          expect(Buffer.from(there, "utf8").toString("utf8")).toBe(there);
        },
      ),
      { seed: 7, numRuns: 500 },
    );
    expect(encodeText("C:\\plain text")).toBe("C:\\plain text");
  });
});
