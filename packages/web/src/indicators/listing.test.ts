import { CSV_COLUMNS, toCsv } from "@assay/core/export/csv";
import type { Gathered } from "@assay/core/export/gather";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byReason, readCsv, readListing, sortOut } from "./listing.ts";

const gathered = (value: string, rest: Partial<Gathered> = {}): Gathered => ({
  ...{ type: "domain", value, defanged: value, usage: "c2", usages: ["c2"], families: ["win.a", "win.b"] },
  ...{ samples: ["a".repeat(64), "b".repeat(64)], confidence: "proved", blockable: true, linkable: true },
  ...rest,
});

function exported(all: readonly Gathered[]): string {
  const head = { engine: { name: "assay" as const, version: "1", families: [] }, startedAt: "" };
  const ties = { relations: [], clusters: [] };
  return [...toCsv({ gathered: all, ties, head, options: {} }).chunks].join("");
}

describe("the list for blocking", () => {
  it("reads what the export writes", () => {
    const all = readListing(
      exported([
        gathered("evil.com"),
        gathered("steamcommunity.com", { blockable: false, why: "a shared host" }),
        gathered('=cmd|"x",\n', { type: "mutex", blockable: false }),
      ]),
    );
    expect(all?.[0]).toEqual({
      ...{ type: "domain", value: "evil.com", usages: ["c2"], families: ["win.a", "win.b"], samples: 2 },
      ...{ confidence: "proved", whyNot: undefined },
    });
    const { block, leftOut, others } = sortOut(all ?? []);
    expect(block.map(({ value }) => value)).toEqual(["evil.com"]);
    expect(byReason(leftOut).map(([reason, of]) => [reason, of.length])).toEqual([["a shared host", 1]]);
    expect(others.map(({ value }) => value)).toEqual(['=cmd|"x",\n']);
  });

  it("gives every value back, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", minLength: 1 }), { maxLength: 5 }), (values) => {
        const text = exported(values.map((value) => gathered(value, { type: "mutex" })));
        expect(readListing(text)?.map(({ value }) => value)).toEqual(values);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("is no list when the columns are others, and ends on any text", () => {
    expect(readListing("a,b\r\n1,2\r\n")).toBeUndefined();
    expect(readCsv(CSV_COLUMNS.join(","))).toEqual([[...CSV_COLUMNS]]);
    expect(readCsv('"open')).toEqual([["open"]]);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ",", "\r", "\n", "a") }), (text) => {
        readCsv(text);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
