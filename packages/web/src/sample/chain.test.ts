import { describe, expect, it } from "vitest";
import type { Artifact } from "../api-types.ts";
import { chainTo, joined, treeOf } from "./chain.ts";
import { parsePlace, runsOf } from "./hex-pane.tsx";

function artifact(id: number, parent?: number): Artifact {
  const from = parent === undefined ? {} : { from: [{ artifact: parent, offset: 0, length: 1 }] };
  return { id, kind: "decoded", sha256: "", size: 1, format: "data", ...from };
}

describe("the chain to an artifact", () => {
  it("goes from the sample down", () => {
    const all = [artifact(0), artifact(1, 0), artifact(2, 1), artifact(3, 0)];
    expect(chainTo(all, 2).map(({ artifact: { id } }) => id)).toEqual([0, 1, 2]);
    expect(chainTo(all, 9)).toEqual([]);
  });

  it("ends where a report goes in circles", () => {
    expect(chainTo([artifact(0, 1), artifact(1, 0)], 1)).toHaveLength(2);
  });
});

describe("the tree", () => {
  it("stands each artifact under what it was made from, once", () => {
    const nodes = treeOf([artifact(0), artifact(1, 0), artifact(2, 0), artifact(3, 1)]);
    expect(nodes.map(({ artifact: { id }, depth }) => [id, depth])).toEqual([
      [0, 0],
      [1, 1],
      [3, 2],
      [2, 1],
    ]);
  });

  it("loses none whose parent is not there or comes later", () => {
    expect(treeOf([artifact(0, 1), artifact(1, 0), artifact(2, 7)])).toHaveLength(3);
  });
});

it("takes spans that touch for one", () => {
  const span = (offset: number, length: number) => ({ artifact: 0, offset, length });
  expect(joined([span(0, 2), span(2, 3), span(9, 1)])).toEqual([span(0, 5), span(9, 1)]);
});

describe("the hex pane", () => {
  it("marks the bytes of a row that are in hand, and those of other values", () => {
    const runs = runsOf(
      16,
      16,
      [{ artifact: 0, offset: 0, length: 18 }],
      [{ id: "v", span: { artifact: 0, offset: 20, length: 2 } }],
    );
    expect(runs).toEqual([
      { from: 0, to: 2, look: "focus", id: "" },
      { from: 2, to: 4, look: "", id: "" },
      { from: 4, to: 6, look: "mark", id: "v" },
      { from: 6, to: 16, look: "", id: "" },
    ]);
  });

  it("goes to offsets as people write them", () => {
    const at = (text: string) => parsePlace(text, 0n, 100);
    expect(["0x1F", "1fh", " 31 ", "x", "-1"].map(at)).toEqual([31, 31, 31, undefined, undefined]);
    // In memory both serve: an address that lies inside is one, anything else is an offset.
    const base = 0xffff_8000_1234_0000n;
    expect(
      ["0xffff800012340010", "ffff8000`12340010h", "16"].map((text) => parsePlace(text, base, 32)),
    ).toEqual([16, 16, 16]);
  });
});
