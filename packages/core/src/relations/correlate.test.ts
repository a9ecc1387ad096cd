import { describe, expect, it } from "vitest";
import type { IndicatorType } from "../model/index.ts";
import { correlate, type SharedIndicator } from "./correlate.ts";
import { rankPivots } from "./pivots.ts";

const shared = (value: string, holders: string[], type: IndicatorType = "domain"): SharedIndicator => ({
  ...{ type, value, linkable: true, holders },
});
const known = (total: number, excluded: readonly string[] = []) => ({
  total,
  families: new Map(["a", "b", "c", "d", "e"].map((one) => [one, new Set(["win.x"])])),
  firstSeen: new Map([
    ["a", "2024-05"],
    ["b", "2024-01"],
    ["c", "2024-03"],
    ["d", "2024-02"],
    ["e", "2024-04"],
  ]),
  excluded: (_: IndicatorType, value: string) => excluded.includes(value),
});

describe("clusters of a corpus", () => {
  it("keep their name while they grow, and the older's when they meet", () => {
    const [ab] = correlate([shared("x", ["a", "b"])], known(10));
    const [abc] = correlate([shared("x", ["a", "b"]), shared("y", ["a", "c"])], known(11));
    expect(abc?.samples).toEqual(["a", "b", "c"]);
    expect(abc?.id).toBe(ab?.id);
    const [de] = correlate([shared("z", ["d", "e"])], known(10));
    const [all] = correlate(
      [shared("x", ["a", "b"]), shared("z", ["d", "e"]), shared("w", ["b", "e"])],
      known(12),
    );
    expect(all?.samples).toHaveLength(4);
    // b was seen before d.
    expect([ab?.id, de?.id].indexOf(all?.id as string)).toBe(0);
    expect(ab?.id).not.toBe(de?.id);
  });

  it("leave out what the user excludes, what may tie nothing, and what many share by chance", () => {
    const all = [shared("x", ["a", "b"]), { ...shared("n", ["c", "d"]), linkable: false }];
    expect(correlate(all, known(10)).map(({ samples }) => samples)).toEqual([["a", "b"]]);
    expect(correlate(all, known(10, ["x"]))).toEqual([]);
    // One file name in most of a large corpus says nothing; in two samples of many it does.
    const most = Array.from({ length: 900 }, (_, i) => `s${String(i).padStart(3, "0")}`);
    expect(correlate([shared("svchost.exe", most, "file")], known(1000))).toEqual([]);
    expect(correlate([shared("odd.exe", ["a", "b"], "file")], known(100_000))).toHaveLength(1);
  });
});

describe("next pivots", () => {
  const pivot = (value: string, samples: number, here: number, type: IndicatorType = "domain") => ({
    ...{ type, value, linkable: true, samples, here },
  });

  it("come in the order in which they lead on: new samples first, then rare and strong ones", () => {
    const ranked = rankPivots(
      [
        pivot("inside", 1, 1, "url"),
        pivot("common", 900, 2),
        pivot("rare", 3, 2),
        pivot("name", 3, 2, "file"),
        { ...pivot("default", 5, 2), linkable: false },
        pivot("agent", 5, 2, "user_agent"),
      ],
      1000,
    );
    expect(ranked.map(({ value, leadsTo }) => [value, leadsTo])).toEqual([
      ["rare", 1],
      ["common", 898],
      ["name", 1],
      ["inside", 0],
    ]);
  });
});
