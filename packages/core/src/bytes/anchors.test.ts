import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anchorSet, findAnchors, MAX_ANCHOR_HITS } from "./anchors.ts";
import { concatBytes, indexesOf } from "./search.ts";
import { latin1Bytes, utf16leBytes } from "./text.ts";

const ANCHORS = ["MachineID:", "seven77", "MachineIDs", "aaaaaaa"]
  .map(latin1Bytes)
  .concat(utf16leBytes("net.tcp://"), new Uint8Array(7));
const SET = anchorSet(ANCHORS);
const EVERYWHERE = ANCHORS.map((anchor) => (bytes: Uint8Array) => [...indexesOf(bytes, anchor)]);

describe("findAnchors", () => {
  it("finds what searching for each anchor alone finds, in any bytes and at any alignment", () => {
    const piece = fc.oneof(
      fc.constantFrom(...ANCHORS),
      fc.uint8Array({ maxLength: 9 }),
      fc.nat(9).map((length) => latin1Bytes("a".repeat(length))),
      fc.nat(9).map((length) => new Uint8Array(length)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), fc.nat(7), (pieces, skip) => {
        const bytes = concatBytes(new Uint8Array(8).fill(0xee), ...pieces).subarray(skip);
        expect(findAnchors(bytes, SET).offsets).toEqual(EVERYWHERE.map((find) => find(bytes)));
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it("finds an anchor that fills the window, and none in a shorter one", () => {
    expect(findAnchors(latin1Bytes("seven77"), SET).offsets[1]).toEqual([0]);
    for (let length = 0; length < 7; length++)
      expect(findAnchors(latin1Bytes("seven77").subarray(0, length), SET).offsets.flat()).toEqual([]);
  });

  it("keeps as many places of one anchor as it says, says that it did, and keeps all of the others", () => {
    const bytes = concatBytes(latin1Bytes("a".repeat(MAX_ANCHOR_HITS + 100)), latin1Bytes("MachineID:"));
    const { offsets, cut } = findAnchors(bytes, SET);
    expect(offsets[3]).toEqual(Array.from({ length: MAX_ANCHOR_HITS }, (_, i) => i));
    expect(cut).toEqual([3]);
    expect(offsets[0]).toEqual([MAX_ANCHOR_HITS + 100]);
    expect(findAnchors(bytes.subarray(100), SET).cut).toEqual([]);
  });

  it("costs time linear in a window of nothing but one anchor", () => {
    const bytes = new Uint8Array(1 << 22).fill(0x61);
    const began = performance.now();
    findAnchors(bytes, SET);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});

describe("anchorSet", () => {
  it("refuses anchors that a word at every fourth address may miss", () => {
    expect(() => anchorSet([latin1Bytes("sixsix")])).toThrow(RangeError);
  });
});
