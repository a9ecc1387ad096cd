import type { Sample } from "@assay/core/model/index";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "./corpus.ts";
import { putBatch } from "./put.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { archive, empty, made } from "./testing/samples.ts";
import { yields } from "./yields.ts";

const RUN = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: [] };

describe.each(KINDS)("yields on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;

  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places !== undefined) corpus = await openCorpus(await places.place());
  }, 120_000);
  afterAll(async () => {
    await corpus?.close();
    await places?.stop();
  }, 60_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 60_000);

  let count = 0;
  /** Samples of a family that were first seen in a month: so many, of which so many gave a config. */
  async function seen(family: string, month: string, samples: number, configs: number): Promise<void> {
    const at = `${month}-10T00:00:00.000Z`;
    const all = Array.from({ length: samples }, (_, i): Sample => {
      const name = `${family}-${count++}`;
      return i < configs
        ? made(name, { family, c2: [`${name}.example`] })
        : { ...empty(name), outcome: "identified", families: [family] };
    });
    await putBatch(
      corpus.db,
      RUN,
      all.map((sample) => ({ sample, firstAt: at, lastAt: at })),
    );
  }

  holds("counts samples and configs by month, and raises an alarm by the rules", async () => {
    for (const month of ["2025-11", "2025-12", "2026-01"]) {
      await seen("win.steady", month, 4, 3);
      await seen("win.broken", month, 2, 2);
      await seen("win.falling", month, 5, 5);
      await seen("win.gone", month, 2, 2);
      await seen("win.rare", month, 1, 1);
    }
    await seen("win.steady", "2026-02", 4, 2);
    await seen("win.broken", "2026-02", 3, 0);
    await seen("win.falling", "2026-02", 12, 5);
    await seen("win.rare", "2026-02", 2, 0);
    await seen("win.new", "2026-02", 9, 0);

    const during = await yields(corpus.db, 2, "2026-02-20T12:00:00.000Z");
    expect(during.rows.filter(({ family }) => family === "win.steady")).toEqual([
      { family: "win.steady", month: "2026-01", samples: 4, configs: 3 },
      { family: "win.steady", month: "2026-02", samples: 4, configs: 2 },
    ]);
    const told = ({ alarms }: typeof during) => alarms.map(({ family, kind: what }) => [family, what]);
    // A month that still runs may bring what has not been seen yet.
    expect(told(during)).toEqual([
      ["win.broken", "broken"],
      ["win.falling", "falling"],
    ]);
    expect(during.alarms[0]?.text).toBe("none of 3 samples gave a config; 100 % did in the months before");
    expect(told(await yields(corpus.db, 2, "2026-03-02T00:00:00.000Z"))).toEqual([
      ["win.broken", "broken"],
      ["win.falling", "falling"],
      ["win.gone", "gone"],
    ]);
  });

  holds("takes an archive for one sample, and a newer result for what holds", async () => {
    const at = "2024-05-10T00:00:00.000Z";
    const members = [1, 2].map((n) => made(`m${n}`, { family: "win.packed", c2: [`m${n}.example`] }));
    const put = async (sample: Sample, lastAt: string) =>
      putBatch(corpus.db, RUN, [{ sample, firstAt: at, lastAt }]);
    await put(archive("packed.zip", members), at);
    await put(made("moved", { family: "win.packed", c2: ["x.example"] }), at);
    await put(
      { ...empty("moved"), outcome: "identified", families: ["win.packed"] },
      "2024-05-11T00:00:00.000Z",
    );
    const { rows } = await yields(corpus.db, 1, "2024-05-31T00:00:00.000Z");
    expect(rows.filter(({ family }) => family === "win.packed")).toEqual([
      { family: "win.packed", month: "2024-05", samples: 2, configs: 1 },
    ]);
  });
});
