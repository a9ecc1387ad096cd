import { findForm, forms } from "@assay/core/export/registry";
import type { Sample } from "@assay/core/model/index";
import { relate } from "@assay/core/relations/index";
import { parseQuery } from "@assay/core/search/query";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "../store/corpus.ts";
import { putBatch } from "../store/put.ts";
import { putStatements } from "../store/said.ts";
import type { Run } from "../store/seen.ts";
import { KINDS, type TestPlaces, testPlaces } from "../store/testing/places.ts";
import { archive, empty, made, sha256Of } from "../store/testing/samples.ts";
import { exportCorpus } from "./export-corpus.ts";

const RUN: Run = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const day = (n: number) => `2026-02-${String(n).padStart(2, "0")}T00:00:00.000Z`;

const put = (corpus: Corpus, all: readonly Sample[], at: string, run = RUN) =>
  putBatch(
    corpus.db,
    run,
    all.map((sample) => ({ sample, firstAt: at, lastAt: at })),
  );

async function exported(corpus: Corpus, id: string, query: string): Promise<string> {
  const form = findForm(id);
  const parsed = query === "*" ? ({ ok: true, value: [] } as const) : parseQuery(query);
  if (form === undefined || !parsed.ok) throw new Error(id);
  const out = await exportCorpus(corpus.db, form, parsed.value, {});
  let text = "";
  for await (const chunk of out.chunks) text += chunk;
  return text;
}

describe.each(KINDS)("exports of a corpus on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;
  const samples = [
    made("a", { c2: ["one.bad-example.com", "77.105.132.70:4782"], mutex: ["Rmc-AAAA"] }),
    made("b", { family: "win.other", c2: ["177.105.132.70:4782"], mutex: ["Rmc-AAAA"] }),
    empty("c"),
  ];

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    corpus = await openCorpus(await places.place());
    await put(corpus, samples, day(1));
  }, 240_000);
  afterAll(async () => {
    await corpus?.close();
    await places?.stop();
  });
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 240_000);

  holds("are those of a report of the same samples, in every form", async () => {
    const sorted = [...samples].sort((x, y) => ((x.sha256 ?? "") < (y.sha256 ?? "") ? -1 : 1));
    const { relations } = relate(sorted);
    for (const form of forms) {
      // Clusters of a corpus have names of their own.
      const report = {
        ...{ schema: "assay.report/1" as const, startedAt: day(1), elapsedMs: 0, samples: sorted, relations },
        ...{ engine: { name: "assay" as const, version: "0.1.0", families: [] }, clusters: [] },
      };
      const own = form.convert(report, {}).body;
      const ofCorpus = await exported(corpus, form.id, "*");
      if (form.id === "yara" || form.id === "stix" || form.open === undefined)
        expect(ofCorpus.length, form.id).toBeGreaterThanOrEqual(own.length);
      else expect(ofCorpus, form.id).toBe(own);
    }
  });

  holds("hold what the query asks for, of archives the files that it asks for", async () => {
    await put(
      corpus,
      [
        archive("z.zip", [
          made("in1", { c2: ["in-one.bad-example.com"] }),
          made("in2", { c2: ["in-two.bad-example.com"] }),
        ]),
      ],
      day(2),
    );
    expect(await exported(corpus, "edl-domain", "family:win.test since:2026-02-02")).toBe(
      "in-one.bad-example.com\nin-two.bad-example.com\n",
    );
    expect(await exported(corpus, "edl-domain", "c2:in-two.bad-example.com")).toBe(
      "in-two.bad-example.com\n",
    );
    expect(await exported(corpus, "edl-domain", `hash:${sha256Of("z.zip")}`)).toBe(
      "in-one.bad-example.com\nin-two.bad-example.com\n",
    );
    const maco = JSON.parse(await exported(corpus, "maco", `hash:${sha256Of("in1")}`)) as {
      other: { assay: { sha256: string } };
    }[];
    expect(maco.map(({ other }) => other.assay.sha256)).toEqual([sha256Of("in1")]);
    expect(await exported(corpus, "csv", "family:win.nobody")).toMatch(/^type,.*\r\n$/);
  });

  holds("hold results that stand, with the engine that got them, and nothing that others said", async () => {
    await put(corpus, [made("old", { c2: ["before.bad-example.com"] })], day(3));
    await put(corpus, [made("old", { c2: ["after.bad-example.com"] })], day(4), { ...RUN, engine: "0.2.0" });
    const claim = {
      subjects: [],
      indicators: [{ type: "domain" as const, value: "said.bad-example.com", usage: "c2" as const }],
    };
    await putStatements(corpus.db, [{ source: "s", form: "text", file: "f", addedAt: day(4), claim }]);
    const domains = await exported(corpus, "edl-domain", "*");
    expect(domains).toContain("after.bad-example.com");
    expect(domains).not.toMatch(/before|said/);
    const stix = JSON.parse(await exported(corpus, "stix", "name:old")) as {
      objects: { type: string; version: string }[];
    };
    expect(
      stix.objects.filter(({ type }) => type === "malware-analysis").map(({ version }) => version),
    ).toEqual(["0.2.0"]);
  });

  holds("are read while somebody writes: what was chosen is what comes", async () => {
    const form = findForm("csv");
    if (form === undefined) throw new Error("csv");
    const before = await exported(corpus, "csv", "*");
    const out = await exportCorpus(corpus.db, form, [], {});
    await put(
      corpus,
      [made("late", { c2: ["late.bad-example.com"] }), made("a", { c2: ["changed.bad-example.com"] })],
      day(5),
    );
    let text = "";
    for await (const chunk of out.chunks) text += chunk;
    expect(text).toBe(before);
    expect(out.notes()).toEqual(expect.not.arrayContaining([expect.stringContaining("gone")]));
  });
});
