import { toLznt1 } from "@assay/carriers/wrap";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, unhex } from "../bytes/index.ts";
import { unpackLznt1 } from "./lznt1.ts";

/** [MS-XCA] 3.3, "LZNT1 example". */
const PACKED =
  "38b08846232000204720410010a24701a045204400084501507900c045200524138805b4024a44ef" +
  "0358028c091601484500be009e000401189000";
const PLAIN =
  "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A " +
  "F# F# G A A G F# E D D E F# E D D\0";

const bytes = (text: string): Uint8Array => unhex(text) ?? new Uint8Array(0);

describe("unpackLznt1", () => {
  it("decompresses the published example", () => {
    const made = unpackLznt1(bytes(PACKED), 1000);
    expect(made && latin1(made.bytes)).toBe(PLAIN);
    expect(made?.cut).toBe(false);
  });

  it("takes stored chunks, and ends at a zero header", () => {
    const made = unpackLznt1(bytes("0230616263000099"), 10);
    expect(made).toEqual({ bytes: bytes("616263"), cut: false, used: 5 });
  });

  it("gives back what literals hold", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 9000, size: "max" }), (plain) => {
        expect(unpackLznt1(toLznt1(plain), 10_000)?.bytes).toEqual(plain);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("stops at the limit", () => {
    expect(unpackLznt1(bytes(PACKED), 20)).toMatchObject({ cut: true, bytes: { length: 20 } });
    expect(unpackLznt1(toLznt1(new Uint8Array(9000)), 5000)).toMatchObject({
      cut: true,
      bytes: { length: 5000 },
    });
  });

  it("refuses what is no chunk, or refers before its start", () => {
    expect(unpackLznt1(bytes("00004142"), 100)).toBeUndefined();
    expect(unpackLznt1(bytes("02b0010000"), 100)).toBeUndefined();
  });

  it("never throws and keeps to its limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(500), (input, limit) => {
        if (input.length > 1) input[1] = 0xb0;
        return (unpackLznt1(input, limit)?.bytes.length ?? 0) <= limit;
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
