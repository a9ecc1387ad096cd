import { describe, expect, it } from "vitest";
import { add, addPage, EMPTY, type Graph, type GraphEdge, type GraphNode } from "./board.ts";
import { drawn, histogram, NO_FILTER, timeSpan } from "./filter.ts";
import { forces, PER_NODE, placesOf } from "./forces.ts";
import { toGraphml } from "./graphml.ts";
import { groupBy } from "./groups.ts";
import { labelOf } from "./labels.ts";
import { findPath } from "./path.ts";
import { placeNew } from "./places.ts";

const node = (key: string, kind: GraphNode["kind"], rest: Partial<GraphNode> = {}): GraphNode => ({
  ...{ key, kind, label: key, depth: 1 },
  ...rest,
});
const edge = (
  from: string,
  to: string,
  weight = 1,
  kind: GraphEdge["kind"] = "holds",
  why?: string,
): GraphEdge => ({ from, to, kind, weight, ...(why === undefined ? {} : { why }) });
const answer = (nodes: GraphNode[], edges: GraphEdge[], rest: Partial<Graph> = {}): Graph => ({
  ...{ seeds: [], nodes, edges, of: 10, leftOut: 0 },
  ...rest,
});

/** Two stealers on one C2, a third sample on another, all of one family. */
const board = add(
  EMPTY,
  answer(
    [
      node("s1", "sample", {
        firstSeen: "2026-01-01T00:00:00Z",
        families: [{ family: "win.a", samples: 1 }],
      }),
      node("s2", "sample", {
        firstSeen: "2026-02-01T00:00:00Z",
        families: [{ family: "win.b", samples: 1 }],
      }),
      node("s3", "sample", {
        firstSeen: "2026-03-01T00:00:00Z",
        families: [{ family: "win.a", samples: 1 }],
      }),
      ...[node("c2", "indicator"), node("other", "indicator"), node("family:win.a", "family")],
      node("cluster-1", "cluster"),
    ],
    [
      ...[edge("s1", "c2", 0.9), edge("s2", "c2", 0.9), edge("s3", "other", 0.9)],
      ...[edge("s1", "family:win.a", 0, "of-family"), edge("s3", "family:win.a", 0, "of-family")],
      ...[edge("s1", "cluster-1", 1, "member"), edge("s2", "cluster-1", 1, "member")],
    ],
    { seeds: ["c2"] },
  ),
);

describe("the board", () => {
  it("puts answers together; a C2 stays a C2", () => {
    const first = add(
      EMPTY,
      answer([node("s", "sample"), node("x", "indicator")], [edge("s", "x", 1, "holds", "c2")]),
    );
    const both = add(
      first,
      answer(
        [node("s", "sample", { depth: 0 }), node("x", "indicator")],
        [edge("s", "x", 1, "holds", "other")],
      ),
    );
    expect(both.nodes.get("s")?.depth).toBe(0);
    expect([...both.edges.values()].map(({ why }) => why)).toEqual(["c2"]);
  });

  it("opens a group page by page until nothing is left, and then it does not come back", () => {
    const group = (cursor: string, samples: number) => node("group:h", "group", { of: "h", cursor, samples });
    const more = edge("h", "group:h", 1, "more");
    const start = answer(
      [node("h", "indicator"), node("a", "sample"), group("1", 2)],
      [edge("a", "h"), more],
    );
    const one = add(EMPTY, start);
    // Of a further page the server tells the whole hub.
    const two = addPage(
      one,
      "h",
      answer([node("h", "indicator"), node("b", "sample"), group("2", 3)], [edge("b", "h"), more]),
    );
    expect(two.nodes.get("group:h")).toMatchObject({ cursor: "2", samples: 1 });
    expect(add(two, start).nodes.get("group:h")?.cursor).toBe("2");
    const three = addPage(two, "h", answer([node("h", "indicator"), node("c", "sample")], [edge("c", "h")]));
    expect([...three.nodes.keys()]).toEqual(["h", "a", "b", "c"]);
    expect(add(three, start).nodes.has("group:h")).toBe(false);
  });
});

describe("the filter", () => {
  it("joins what hidden samples shared, and keeps the seeds", () => {
    const { nodes, edges } = drawn(board, { ...NO_FILTER, hidden: new Set(["sample", "indicator"]) });
    expect([...nodes.keys()]).toEqual(["c2", "family:win.a", "cluster-1"]);
    expect(
      [...edges.values()].filter(({ kind }) => kind === "shares").map(({ from, to }) => [from, to]),
    ).toEqual(
      [
        ["c2", "cluster-1"],
        ["cluster-1", "family:win.a"],
        ["c2", "family:win.a"],
      ].map((pair) => expect.arrayContaining(pair)),
    );
  });

  it("keeps of a time what samples of that time hold", () => {
    const { nodes } = drawn(board, { ...NO_FILTER, since: Date.parse("2026-02-15T00:00:00Z") });
    expect([...nodes.keys()]).toEqual(["s3", "other", "family:win.a"]);
  });

  it("tells when the samples came", () => {
    const span = timeSpan(board);
    expect(span).toEqual({
      first: Date.parse("2026-01-01T00:00:00Z"),
      last: Date.parse("2026-03-01T00:00:00Z"),
    });
    expect(span && histogram([span.first, span.last, span.last], span, 4)).toEqual([1, 0, 0, 2]);
    expect(timeSpan(EMPTY)).toBeUndefined();
  });
});

describe("a path", () => {
  it("goes over a shared C2 rather than over a family", () => {
    expect(findPath(board, "s1", "s2")?.map(({ node: key }) => key)).toEqual(["s1", "c2", "s2"]);
  });
  it("goes over a family when there is nothing else", () => {
    expect(findPath(board, "s2", "s3")?.map(({ node: key }) => key)).toEqual([
      "s2",
      "c2",
      "s1",
      "family:win.a",
      "s3",
    ]);
  });
  it("is not made up", () => {
    expect(findPath(add(board, answer([node("alone", "sample")], [])), "s1", "alone")).toBeUndefined();
    expect(findPath(board, "s1", "nowhere")).toBeUndefined();
    expect(findPath(board, "s1", "s1")).toEqual([{ node: "s1", by: undefined }]);
  });
});

describe("groups", () => {
  it("by cluster: members, the cluster, and what only they hold", () => {
    const { of, names } = groupBy(board, "cluster");
    expect(names).toEqual(["cluster-1"]);
    expect([...of.keys()].sort()).toEqual(["c2", "cluster-1", "s1", "s2"]);
  });
  it("by family: a value of two families is of none", () => {
    const { of } = groupBy(board, "family");
    expect([of.get("s2"), of.get("other"), of.get("c2")]).toEqual(["win.b", "win.a", undefined]);
  });
});

describe("the whole corpus, by clusters", () => {
  const families = (...names: string[]) => names.map((family, i) => ({ family, samples: 9 - i }));
  const overview = add(
    EMPTY,
    answer(
      [
        node("old", "cluster", {
          ...{ families: families("win.remcos", "win.quasar_rat"), samples: 12 },
          ...{ firstSeen: "2024-01-01T00:00:00.000Z", lastSeen: "2024-02-01T00:00:00.000Z" },
        }),
        node("new", "community", {
          ...{ families: families("win.a", "win.b", "win.c", "win.d"), samples: 400 },
          ...{ firstSeen: "2024-01-20T00:00:00.000Z", lastSeen: "2024-06-01T00:00:00.000Z" },
        }),
        node("rest", "group", { samples: 7 }),
      ],
      [],
    ),
  );

  it("is called after what is in each", () => {
    expect([...overview.nodes.values()].map(labelOf)).toEqual([
      "remcos + quasar RAT · 12",
      "a + b + c … · 400",
      "7 more",
    ]);
  });
  it("is coloured by family: each cluster would be a group of its own", () => {
    expect(groupBy(overview, "cluster").names).toEqual(["win.a", "win.remcos"]);
  });
  it("has a time, and shows what was seen within a part of it", () => {
    expect(timeSpan(overview)).toEqual({ first: Date.parse("2024-01-01"), last: Date.parse("2024-01-20") });
    const inTime = (since: string) =>
      [...drawn(overview, { ...NO_FILTER, since: Date.parse(since) }).nodes.keys()].filter(
        (key) => key !== "rest",
      );
    expect(inTime("2024-01-31")).toEqual(["old", "new"]);
    expect(inTime("2024-03-01")).toEqual(["new"]);
    expect(drawn(overview, NO_FILTER).nodes.has("rest")).toBe(true);
  });
});

describe("places", () => {
  it("are the same every time, apart from each other, and beside a neighbour that has one", () => {
    const grouping = groupBy(board, "cluster");
    const all = drawn(board, NO_FILTER);
    const places = placeNew(all, grouping, new Map());
    expect(placeNew(all, grouping, new Map())).toEqual(places);
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(all.nodes.size);
    const beside = placeNew(all, grouping, new Map([["c2", { x: 1000, y: 1000 }]])).get("s1");
    expect(Math.hypot((beside?.x ?? 0) - 1000, (beside?.y ?? 0) - 1000)).toBeLessThan(20);
  });

  it("go into the matrices of the layout and out again", () => {
    const { nodes, edges } = forces(
      [
        { x: 1, y: 2, size: 3 },
        { x: 4, y: 5, size: 6 },
      ],
      [{ from: 0, to: 1, weight: 0.5 }],
    );
    expect([...placesOf(nodes)]).toEqual([1, 2, 4, 5]);
    expect([...edges]).toEqual([0, PER_NODE, 0.5]);
    expect([nodes[6], nodes[PER_NODE + 6]]).toEqual([1.5, 1.5]);
  });
});

describe("GraphML", () => {
  it("holds hostile labels as text", () => {
    const hostile = add(
      EMPTY,
      answer([node("m", "indicator", { label: '</data><script>"\u0000\ud800' })], []),
    );
    const xml = toGraphml(drawn(hostile, NO_FILTER), new Map(), () => ({ x: 1, y: -2.5 }));
    expect(xml).toContain('<data key="label">&#60;/data&#62;&#60;script&#62;&#34;\ufffd\ufffd</data>');
    expect(xml).toContain('<data key="y">-2.5</data>');
    expect(xml).not.toContain("<script>");
  });
  it("holds every node and every tie that is drawn", () => {
    const xml = toGraphml(drawn(board, NO_FILTER), new Map([["s1", "cluster-1"]]), () => undefined);
    expect(xml.match(/<node /g)).toHaveLength(7);
    expect(xml.match(/<edge /g)).toHaveLength(7);
    expect(xml).toContain('source="n0" target="n3"');
  });
});
