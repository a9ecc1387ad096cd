import type { Sample } from "@assay/core/model/index";
import { parseQuery } from "@assay/core/search/query";
import { eq } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seal } from "./blobs.ts";
import { check } from "./check.ts";
import { clusters } from "./clusters.ts";
import { type Corpus, openCorpus } from "./corpus.ts";
import { addExclusion } from "./exclusions.ts";
import { pivot } from "./pivot.ts";
import { putBatch } from "./put.ts";
import { analyses, blobs, findings, indicators, samples } from "./schema.ts";
import { search } from "./search.ts";
import type { Run } from "./seen.ts";
import { stats } from "./stats.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { archive, empty, made, sha256Of } from "./testing/samples.ts";
import { decodeText, encodeText } from "./text.ts";
import { exportLines, ImportError, importLines } from "./transfer.ts";
import { addWatch, listWatches, touchWatches } from "./watch.ts";

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
  }, 120_000);
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

describe.each(KINDS)("a corpus of its own on %s", (kind) => {
  let places: TestPlaces | undefined;
  beforeAll(async () => {
    places = await testPlaces(kind);
  }, 60_000);
  afterAll(async () => places?.stop(), 120_000);
  const holds = (claim: string, test: (open: () => Promise<Corpus>) => Promise<void>) =>
    it(claim, async ({ skip }) => {
      if (places === undefined) return skip();
      const { place } = places;
      const opened: Corpus[] = [];
      const open = async () => {
        const corpus = await openCorpus(await place());
        opened.push(corpus);
        return corpus;
      };
      try {
        await test(open);
      } finally {
        for (const corpus of opened) await corpus.close();
      }
    }, 120_000);

  holds("searches, watches, excludes, clusters, and exports what an import exports again", async (open) => {
    const corpus = await open();
    const batch = [
      made("s1", {
        family: "win.remcos",
        c2: ["77.105.132.70:2404"],
        version: "4.9.3 Pro",
        mutex: ["Rmc-A\u0000"],
      }),
      made("s2", { family: "win.remcos", c2: ["77.105.133.1:2404"], version: "5.0" }),
      made("s3", { family: "win.quasar_rat", c2: ["77.105.132.70:4782", "deep.evil.example"] }),
      empty("plain.txt"),
    ];
    await put(corpus, batch.slice(0, 2), day(1));
    expect(await addWatch(corpus.db, "evil[.]example", day(2))).toBe(true);
    expect(await addWatch(corpus.db, "77.105.132.0/24", day(2))).toBe(true);
    expect(await addWatch(corpus.db, "", day(2))).toBe(false);
    const gained = await put(corpus, batch.slice(2), day(10));
    const hits = await touchWatches(corpus.db, gained, day(10));
    expect(hits.map(({ watch, type, value }) => `${watch} ${type}:${value}`).sort()).toEqual([
      "77.105.132.0/24 ipv4:77.105.132.70",
      "77.105.132.0/24 socket:77.105.132.70:4782",
      "evil[.]example domain:deep.evil.example",
    ]);
    expect((await listWatches(corpus.db)).map(({ hits: n }) => n)).toEqual([1, 1]);

    const names = async (query: string) => {
      const terms = parseQuery(query);
      if (!terms.ok) throw new Error(terms.error.text);
      const found = await search(corpus.db, terms.value, 10);
      expect(found.total).toBe(found.samples.length);
      return found.samples.flatMap((row) => row.names).sort();
    };
    expect(await names("family:remcos")).toEqual(["s1", "s2"]);
    expect(await names("family:quasar,remcos -version:4*")).toEqual(["s2", "s3"]);
    expect(await names("c2:77.105.132.0/24")).toEqual(["s1", "s3"]);
    expect(await names("c2:77.105.132.0/23 until:2026-02-05")).toEqual(["s1", "s2"]);
    expect(await names("since:2026-02-05 outcome:config")).toEqual(["s3"]);
    expect(await names("domain:*.evil[.]example")).toEqual(["s3"]);
    expect(await names(`hash:${sha256Of("plain.txt")}`)).toEqual(["plain.txt"]);
    expect(await names('config.version:"4.9.3 Pro"')).toEqual(["s1"]);
    expect(await names("mutex:Rmc-A\u0000")).toEqual(["s1"]);
    expect(await names("name:s*")).toEqual(["s1", "s2", "s3"]);
    expect(await names("name:%")).toEqual([]);
    expect(await names('name:"\' or 1=1 --"')).toEqual([]);

    const [cluster] = await clusters(corpus.db);
    expect(cluster).toMatchObject({
      shared: ["ipv4:77.105.132.70"],
      families: ["win.quasar_rat", "win.remcos"],
    });
    expect(await addExclusion(corpus.db, "77.105.132.0/24", day(3))).toBe(true);
    expect(await addExclusion(corpus.db, "no such thing", day(3))).toBe(false);
    expect(await clusters(corpus.db)).toEqual([]);
    const excluded = await pivot(corpus.db, "77.105.132.70", LIMITS);
    expect(excluded.matches[0]?.excludedBy).toBe("77.105.132.0/24");

    expect(await stats(corpus.db)).toMatchObject({
      ...{ samples: 4, results: 4, configs: 3 },
      families: [
        { family: "win.remcos", samples: 2, configs: 2 },
        { family: "win.quasar_rat", samples: 1, configs: 1 },
      ],
    });

    await corpus.blobs?.put(sha256Of("plain.txt"), Buffer.from("plain.txt"));
    await corpus.db.insert(blobs).values({ sha256: sha256Of("plain.txt"), size: 9, storedAt: day(4) });
    expect(await check(corpus)).toEqual({ blobs: 1, results: 4, notKept: 3, problems: [] });
    const lines = await exported(corpus);
    const copy = await open();
    expect(await importLines(copy, iterate(lines))).toEqual({ results: 4, blobs: 1 });
    expect(await exported(copy)).toEqual(lines);
    await importLines(copy, iterate(lines));
    expect(await exported(copy)).toEqual(lines);
    expect((await check(copy)).problems).toEqual([]);
    expect(await stats(copy.db)).toEqual(await stats(corpus.db));
    expect(await pivot(copy.db, "77.105.132.70", LIMITS)).toEqual(excluded);
  });

  holds(
    "finds damage: blobs gone, changed or unnamed, results and counts that do not add up",
    async (open) => {
      const corpus = await open();
      await put(corpus, [made("d1", { c2: ["d.example"] }), made("d2"), made("d3")]);
      for (const name of ["d1", "d2", "d3"]) await corpus.blobs?.put(sha256Of(name), Buffer.from(name));
      await corpus.db
        .insert(blobs)
        .values(["d1", "d2", "gone"].map((name) => ({ sha256: sha256Of(name), size: 1, storedAt: day(1) })));
      await corpus.blobs?.put(sha256Of("d2"), Buffer.from("another file"));
      await corpus.db.update(indicators).set({ samples: 7 });
      await corpus.db
        .update(analyses)
        .set({ report: { not: "it" } })
        .where(eq(analyses.sample, sha256Of("d3")));
      const { problems } = await check(corpus);
      expect(problems.map(({ kind, damage }) => `${kind} ${damage}`).sort()).toEqual([
        "corrupt-blob true",
        "damaged-result true",
        "missing-blob true",
        "unnamed-blob false",
        "wrong-count true",
      ]);
    },
  );

  holds("refuses an import of anything else, and says which line", async (open) => {
    const corpus = await open();
    const refused = (...lines: string[]) =>
      importLines(corpus, iterate(lines)).then(
        () => "taken",
        (error: unknown) => (error instanceof ImportError ? error.message : String(error)),
      );
    const head = '{"assay":"corpus/1"}';
    expect(await refused("[]")).toContain("line 1");
    expect(await refused(head, "{")).toBe("line 2: no JSON");
    expect(await refused(head, '{"result":{}}')).toContain("line 2");
    expect(await refused(head, '{"watch":{"value":"x","addedAt":"today"}}')).toContain("moment");
    const cart = Buffer.from(seal(Buffer.from("b"))).toString("base64");
    const blob = { sha256: sha256Of("a"), storedAt: day(1), cart };
    expect(await refused(head, JSON.stringify({ blob }))).toContain("holds another file");
    const sample = { ...empty("x"), sha256: "../../etc/passwd" };
    const result = { run: RUN, firstAt: day(1), lastAt: day(1), sample };
    expect(await refused(head, JSON.stringify({ result }))).toContain("line 2");
    expect((await stats(corpus.db)).samples).toBe(0);
  });

  holds("lets writers at the same samples through, one after the other, and counts right", async (open) => {
    const corpus = await open();
    const all = Array.from({ length: 30 }, (_, i) =>
      made(`w${i}`, { c2: ["shared.example", `w${i}.example`] }),
    );
    await Promise.all([put(corpus, all), put(corpus, [...all].reverse()), put(corpus, all.slice(10))]);
    expect((await check(corpus)).problems).toEqual([]);
    expect((await pivot(corpus.db, "shared.example", LIMITS)).total).toBe(30);
  });
});

async function exported(corpus: Corpus): Promise<string[]> {
  const problems: string[] = [];
  const lines: string[] = [];
  for await (const line of exportLines(corpus, { blobs: true, onProblem: (text) => problems.push(text) }))
    lines.push(line.trimEnd());
  expect(problems).toEqual([]);
  return lines;
}

async function* iterate(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

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
