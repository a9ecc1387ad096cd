import { describe, expect, it } from "vitest";
import type { BatchTableRow } from "../api-types.ts";
import { itemOf, lines, select, tally, wordsOf } from "./table-model.ts";

function row(n: number, part: Partial<BatchTableRow> = {}): BatchTableRow {
  const sha256 = n.toString(16).padStart(64, "0");
  return {
    ...{
      n,
      file: sha256,
      sha256,
      name: `${n}.exe`,
      state: "done",
      outcome: "config",
      stage: null,
      reason: null,
    },
    ...{ families: [], findings: [], shared: [], cluster: null },
    ...part,
  };
}

function found(family: string, c2: readonly string[], confidence = "proved", version: string | null = null) {
  const finding = { family, layout: "x", version, confidence, config: "", c2 };
  return { families: [family], findings: [finding] };
}

const ANY = {
  filter: "",
  outcome: "",
  family: "",
  sort: { column: "n", down: false },
  group: "",
  closed: new Set<string>(),
} as const;

describe("a row of the table", () => {
  it("says what its findings say together, each C2 once", () => {
    const item = itemOf(
      row(1, {
        families: ["win.a"],
        findings: [
          ...found("win.a", ["tcp://x:1", "tcp://y:2"], "heuristic", "1.0").findings,
          ...found("win.a", ["tcp://x:1"], "proved", "1.0").findings,
        ],
        shared: [{ value: "x", samples: 3 }],
      }),
    );
    expect(item).toMatchObject({
      ...{ family: "win.a", version: "1.0", confidence: "proved", c2Count: 2, sharedC2: "x", sharedBy: 3 },
    });
  });

  it("has its state for an outcome until it is done", () => {
    expect(itemOf(row(1, { state: "active", outcome: null })).outcome).toBe("active");
    expect(itemOf(row(1, { state: "failed", outcome: "failed" })).outcome).toBe("failed");
  });
});

describe("the filter", () => {
  const items = [
    row(1, found("win.remcos", ["tcp://198.51.100.7:2404"])),
    row(2, { ...found("win.lumma", ["https://example.pw"]), outcome: "config" }),
    row(3, { outcome: "unknown", reason: "no family's structure in it" }),
  ].map(itemOf);

  it("finds all words, in any field, whatever the case", () => {
    expect(select(items, { ...ANY, filter: "REMCOS 2404" }).map(({ row: { n } }) => n)).toEqual([1]);
    expect(select(items, { ...ANY, filter: "structure" }).map(({ row: { n } }) => n)).toEqual([3]);
    expect(select(items, { ...ANY, filter: "remcos pw" })).toEqual([]);
  });

  it("reads addresses that are defanged", () => {
    expect(wordsOf("hxxps://Example[.]pw")).toEqual(["https://example.pw"]);
    expect(select(items, { ...ANY, filter: "198.51.100[.]7" })).toHaveLength(1);
  });

  it("keeps to an outcome and to a family", () => {
    expect(select(items, { ...ANY, outcome: "unknown" })).toHaveLength(1);
    expect(select(items, { ...ANY, family: "win.lumma" })).toHaveLength(1);
  });
});

describe("the order", () => {
  const items = [
    row(1, found("win.b", ["a"], "heuristic")),
    row(2, found("win.a", ["a", "b", "c"], "proved")),
    row(3),
  ].map(itemOf);
  const by = (column: "c2Count" | "confidence" | "family", down: boolean) =>
    select(items, { ...ANY, sort: { column, down } }).map(({ row: { n } }) => n);

  it("is of numbers by their size, of confidences by their strength", () => {
    expect(by("c2Count", false)).toEqual([3, 1, 2]);
    expect(by("c2Count", true)).toEqual([2, 1, 3]);
    expect(by("confidence", false)).toEqual([2, 1, 3]);
  });

  it("puts what is empty behind what is not", () => {
    expect(by("family", false)).toEqual([2, 1, 3]);
  });
});

describe("groups", () => {
  const items = [
    row(1, { ...found("win.a", []), cluster: "c1", shared: [{ value: "evil.example", samples: 2 }] }),
    row(2, { ...found("win.b", []), cluster: "c1" }),
    row(3, found("win.b", [])),
  ].map(itemOf);

  it("stand largest first, what belongs to none last", () => {
    const heads = lines(items, "cluster", new Set()).filter((line) => line.kind === "group");
    expect(heads.map((line) => line.kind === "group" && line.label)).toEqual([
      "c1: win.a, win.b on evil[.]example",
      "in no cluster",
    ]);
  });

  it("show only their head when they are closed", () => {
    expect(lines(items, "family", new Set(["win.b"])).map(({ kind }) => kind)).toEqual([
      "group",
      "group",
      "item",
    ]);
  });
});

it("counts values, most frequent first", () => {
  expect(tally(["a", "b", "b"])).toEqual([
    ["b", 2],
    ["a", 1],
  ]);
});
