import { describe, expect, it } from "vitest";
import { latin1Bytes } from "./index.ts";
import { findNeedles, needleSet } from "./needles.ts";

describe("findNeedles", () => {
  const set = needleSet(["attachment/x-object", "123456789", "12345678x"].map(latin1Bytes));

  it("finds every needle at every alignment", () => {
    for (let shift = 0; shift < 17; shift++) {
      const bytes = latin1Bytes(`${"#".repeat(shift)}12345678x..attachment/x-object-123456789`);
      expect(findNeedles(bytes, set)).toEqual([[shift + 11], [shift + 31], [shift]]);
    }
  });

  it("finds none in a part of one", () => {
    expect(findNeedles(latin1Bytes("attachment/x-obj 12345678"), set)).toEqual([[], [], []]);
    expect(findNeedles(new Uint8Array(0), set)).toEqual([[], [], []]);
  });

  it("refuses needles too short to be seen", () => {
    expect(() => needleSet([latin1Bytes("12345678")])).toThrow(RangeError);
  });
});
