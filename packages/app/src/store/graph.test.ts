import type { Sample } from "@assay/core/model/index";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Corpus, openCorpus } from "./corpus.ts";
import { addExclusion } from "./exclusions.ts";
import { expandHub, type Graph, type NodeKind, neighbourhood, overview, path } from "./graph.ts";
import { putBatch } from "./put.ts";
import { KINDS, type TestPlaces, testPlaces } from "./testing/places.ts";
import { made, sha256Of } from "./testing/samples.ts";

const RUN = { startedAt: "2026-01-02T03:04:05.678Z", engine: "0.1.0", families: ["win.test"] };
const day = (n: number) => `2026-02-${String(n).padStart(2, "0")}T00:00:00.000Z`;

async function put(corpus: Corpus, all: readonly Sample[], at = day(1)) {
  return putBatch(
    corpus.db,
    RUN,
    all.map((sample) => ({ sample, firstAt: at, lastAt: at })),
  );
}

const keys = (graph: Graph, kind: string) =>
  graph.nodes.filter((node) => node.kind === kind).map(({ key }) => key);
const group = (graph: Graph) => graph.nodes.find(({ kind }) => kind === "group");
const key = (name: string) => `sha256:${sha256Of(name)}`;

describe.each(KINDS)("the graph of a corpus on %s", (kind) => {
  let places: TestPlaces | undefined;
  let corpus: Corpus;
  beforeAll(async () => {
    places = await testPlaces(kind);
    if (places === undefined) return;
    corpus = await openCorpus(await places.place());
    await put(corpus, [
      made("a", { family: "win.remcos", c2: ["one.pw:1"], mutex: ["only-a"], campaign: "K1" }),
      made("b", { family: "win.remcos", c2: ["one.pw:1", "two.pw"] }),
      made("c", { family: "win.quasar_rat", c2: ["two.pw"] }),
    ]);
    await put(
      corpus,
      Array.from({ length: 130 }, (_, i) =>
        made(`h${i}`, {
          family: i % 3 === 0 ? "win.x" : "win.y",
          c2: ["hub.pw", ...(i < 4 ? [`rare${i % 2}.pw`] : [])],
          mutex: [`m${i}`],
        }),
      ),
      day(5),
    );
    await put(corpus, [made("late", { family: "win.x", c2: ["hub.pw"] })], day(20));
  }, 120_000);
  afterAll(async () => {
    await corpus?.close();
    await places?.stop();
  }, 120_000);
  const holds = (claim: string, test: () => Promise<void>) =>
    it(claim, async ({ skip }) => (places === undefined ? skip() : test()), 60_000);
  const around = (seed: string, depth = 1, kinds?: readonly NodeKind[], limit = 200) =>
    neighbourhood(corpus.db, seed, { depth, limit, ...(kinds === undefined ? {} : { kinds }) });

  holds("leads from a value to its samples, and from those to what they share", async () => {
    const one = await around("one[.]pw");
    expect(one.seeds).toEqual(["domain:one.pw"]);
    expect(keys(one, "sample").sort()).toEqual([key("a"), key("b")].sort());
    const two = await around("one.pw", 2);
    expect(keys(two, "indicator")).toContain("domain:two.pw");
    expect(keys(two, "campaign")).toEqual(["campaign_id:K1"]);
    expect(keys(two, "family")).toEqual(["family:win.remcos"]);
    expect(keys(two, "sample")).not.toContain(key("c"));
    expect(keys(await around("one.pw", 3), "sample")).toContain(key("c"));
    for (const { from, to } of two.edges)
      for (const end of [from, to]) expect(two.nodes.some((node) => node.key === end)).toBe(true);
    const [edge] = two.edges.filter(({ to, kind: how }) => to === "domain:two.pw" && how === "holds");
    expect(edge).toMatchObject({ from: key("b"), why: "c2" });
    expect(edge?.weight).toBeGreaterThan(0.5);
  });

  holds(
    "begins with a hash, a config, a family, a campaign, and with nothing that it does not know",
    async () => {
      const sample = await around(sha256Of("a"));
      expect(sample.seeds).toEqual([key("a")]);
      expect(keys(sample, "indicator")).toContain("mutex:only-a");
      const [config] = keys(sample, "config");
      expect(keys(await around(config as string), "sample")).toEqual([key("a")]);
      expect(keys(await around("family:win.remcos"), "sample").sort()).toEqual([key("a"), key("b")].sort());
      expect(keys(await around("campaign:K1"), "sample")).toEqual([key("a")]);
      expect(await around("nothing.pw")).toMatchObject({ seeds: [], nodes: [], edges: [] });
      expect((await around("' or 1=1 --\u0000\ud800")).nodes).toEqual([]);
    },
  );

  holds(
    "tells a hub by its strongest samples and a group with counts, which opens page by page",
    async () => {
      const hub = await around("domain:hub.pw");
      expect(keys(hub, "sample")).toHaveLength(50);
      // Those that share something rare besides come first.
      expect(keys(hub, "sample").slice(0, 4).sort()).toEqual([0, 1, 2, 3].map((i) => key(`h${i}`)).sort());
      expect(group(hub)).toMatchObject({
        samples: 131 - 50,
        of: "domain:hub.pw",
        families: [
          { family: "win.y", samples: 86 },
          { family: "win.x", samples: 45 },
        ],
      });
      const seen = keys(hub, "sample");
      for (let cursor = group(hub)?.cursor; cursor !== undefined; ) {
        const more = await expandHub(corpus.db, "domain:hub.pw", cursor, { limit: 40 });
        seen.push(...keys(more as Graph, "sample"));
        cursor = group(more as Graph)?.cursor;
      }
      expect(seen).toHaveLength(131);
      expect(new Set(seen).size).toBe(131);
      const cursor = group(hub)?.cursor;
      expect(await expandHub(corpus.db, "domain:one.pw", cursor, { limit: 40 })).toBeUndefined();
      expect(await expandHub(corpus.db, "domain:hub.pw", "nonsense", { limit: 40 })).toBeUndefined();
    },
  );

  holds("keeps to its limit, its kinds and its time", async () => {
    const small = await around("hub.pw", 3, undefined, 20);
    expect(small.nodes.filter(({ kind: what }) => what !== "group").length).toBe(20);
    const hosts = await around("two.pw", 2, ["indicator"]);
    expect(new Set(hosts.nodes.map((node) => node.kind))).toEqual(new Set(["indicator"]));
    expect(hosts.edges).toContainEqual(
      expect.objectContaining({
        kind: "shares",
        from: "domain:one.pw",
        to: "domain:two.pw",
        count: 1,
      }),
    );
    const late = await neighbourhood(corpus.db, "hub.pw", { depth: 1, limit: 200, since: day(10) });
    expect(keys(late, "sample")).toEqual([key("late")]);
    const early = await neighbourhood(corpus.db, "hub.pw", { depth: 1, limit: 200, until: day(10) });
    expect(group(early)?.samples).toBe(130 - 50);
  });

  holds("finds the shortest way between two nodes, over what ties", async () => {
    const way = await path(corpus.db, sha256Of("a"), sha256Of("c"));
    expect(way?.nodes.map((node) => node.key)).toEqual([
      ...[key("a"), expect.stringMatching(/^(?:domain:one.pw|socket:one.pw:1)$/), key("b")],
      ...["domain:two.pw", key("c")],
    ]);
    expect(way?.edges.map((edge) => [edge.from, edge.kind])).toEqual([
      ...[
        [key("a"), "holds"],
        [key("b"), "holds"],
      ],
      ...[
        [key("b"), "holds"],
        [key("c"), "holds"],
      ],
    ]);
    expect((await path(corpus.db, "mutex:only-a", "domain:two.pw"))?.nodes).toHaveLength(5);
    expect((await path(corpus.db, "two.pw", "two.pw"))?.nodes).toHaveLength(1);
    expect((await path(corpus.db, sha256Of("a"), "hub.pw"))?.nodes).toEqual([]);
    expect((await path(corpus.db, sha256Of("a"), sha256Of("c"), { maxSteps: 3 }))?.nodes).toEqual([]);
    expect(await path(corpus.db, sha256Of("a"), "nothing.pw")).toBeUndefined();
    // Over a hub of 131.
    expect((await path(corpus.db, sha256Of("h7"), sha256Of("late")))?.nodes.map((node) => node.key)).toEqual([
      ...[key("h7"), "domain:hub.pw", key("late")],
    ]);
  });

  holds("tells the whole corpus by its clusters", async () => {
    const whole = await overview(corpus.db, { level: "clusters", limit: 1 });
    expect(whole.nodes).toMatchObject([
      {
        kind: "cluster",
        samples: 131,
        families: [
          { family: "win.y", samples: 86 },
          { family: "win.x", samples: 45 },
        ],
      },
      { kind: "group", samples: 3 },
    ]);
    expect(keys(await overview(corpus.db, { level: "communities", limit: 10 }), "cluster")).toHaveLength(2);
    const cluster = await around(whole.nodes[0]?.key as string, 1);
    expect(cluster.edges.filter(({ kind: how }) => how === "tied-by").map(({ to }) => to)).toContain(
      "domain:hub.pw",
    );
    expect(group(cluster)).toMatchObject({ samples: 131 - 50, of: whole.nodes[0]?.key });
    expect(keys(await around(sha256Of("h1")), "cluster")).toEqual([whole.nodes[0]?.key]);
  });

  holds("goes on through nothing that the user excludes", async () => {
    expect(keys(await around(sha256Of("b"), 2), "sample")).toContain(key("c"));
    await addExclusion(corpus.db, "two.pw", day(3));
    const graph = await around(sha256Of("b"), 2);
    expect(keys(graph, "sample")).not.toContain(key("c"));
    expect(graph.nodes.find((node) => node.key === "domain:two.pw")).toMatchObject({
      excludedBy: "two.pw",
    });
  });
});
