import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonPicker } from "./json-pick.ts";

const encoder = new TextEncoder();

function pick(text: string, paths: readonly (readonly string[])[], step: number): JsonPicker {
  const picker = new JsonPicker(paths);
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length; at += step) if (!picker.take(bytes.slice(at, at + step))) break;
  picker.end();
  return picker;
}

const REPORT = {
  info: { id: 7, version: "2.4" },
  behavior: {
    processes: [
      { process_id: 11, calls: [{ a: "}],{" }] },
      { process_id: 12, calls: [] },
    ],
  },
  CAPE: { payloads: [{ sha256: "aa", pid: 11 }, { sha256: "bb" }], configs: [{ Fam: { 'C2\\"': ["x:1"] } }] },
  malfamily: "Fam",
};

describe("picking members out of a report", () => {
  it.each([1, 2, 3, 7, 64, 100_000])("finds the same in pieces of %i bytes", (step) => {
    const paths = [
      ["CAPE", "configs"],
      ["malfamily"],
      ["behavior", "processes", "*", "process_id"],
      ["CAPE", "payloads", "*"],
    ];
    const { picked, notes } = pick(JSON.stringify(REPORT, null, 1), paths, step);
    expect(picked.map(({ path, value }) => [path, value])).toEqual([
      [2, 11],
      [2, 12],
      [3, { sha256: "aa", pid: 11 }],
      [3, { sha256: "bb" }],
      [0, REPORT.CAPE.configs],
      [1, "Fam"],
    ]);
    expect(notes).toEqual([]);
  });

  it("finds what JSON.parse finds, whatever the document", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.jsonValue(),
        fc.integer({ min: 1, max: 9 }),
        (other, wanted, step) => {
          const text = JSON.stringify({ ...other, want: wanted });
          const { picked } = pick(text, [["want"]], step);
          expect(picked).toEqual([{ path: 0, value: JSON.parse(text).want }]);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it("says so when the document ends half-way, and keeps what came before", () => {
    const text = JSON.stringify(REPORT);
    const { picked, notes } = pick(text.slice(0, text.indexOf('"CAPE"')), [["info", "id"]], 16);
    expect(picked).toEqual([{ path: 0, value: 7 }]);
    expect(notes).toEqual(["the report ends half-way"]);
  });

  it("gives up on nesting without end, and leaves out a value too large to hold", () => {
    expect(pick("[".repeat(100_000), [["a"]], 4096).notes[0]).toBe("nested too deep");
    const large = `{"big": "${"x".repeat(9 * 1024 * 1024)}", "small": 1}`;
    const { picked, notes } = pick(large, [["big"], ["small"]], 65_536);
    expect(picked).toEqual([{ path: 1, value: 1 }]);
    expect(notes).toEqual(["big is too large to be read"]);
  });
});
