import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, latin1Bytes, unhex } from "../bytes/index.ts";
import { rc4 } from "./rc4.ts";

const bytes = (text: string) => unhex(text.replace(/\s/g, "")) as Uint8Array;

describe("RC4", () => {
  // RFC 6229, section 2: key, then the keystream at the stated offsets.
  const RFC6229: [key: string, stream: [offset: number, bytes: string][]][] = [
    [
      "0102030405",
      [
        [0, "b2396305f03dc027ccc3524a0a1118a8"],
        [16, "6982944f18fc82d589c403a47a0d0919"],
        [240, "28cb1132c96ce286421dcaadb8b69eae"],
        [4096, "ff25b58995996707e51fbdf08b34d875"],
      ],
    ],
    ["01020304050607", [[0, "293f02d47f37c9b633f2af5285feb46b"]]],
    ["0102030405060708", [[0, "97ab8a1bf0afb96132f2f67258da15a8"]]],
    [
      "0102030405060708090a0b0c0d0e0f10",
      [
        [0, "9ac7cc9a609d1ef7b2932899cde41b97"],
        [16, "5248c4959014126a6e8a84f11d1a9e1c"],
      ],
    ],
    [
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
      [[0, "eaa6bd25880bf93d3f5d1e4ca2611d91"]],
    ],
  ];
  it.each(RFC6229)("yields the keystream of RFC 6229 for key %s", (key, stream) => {
    const made = rc4(bytes(key), new Uint8Array(4112));
    for (const [offset, expected] of stream) expect(hex(made.subarray(offset, offset + 16))).toBe(expected);
  });

  it("yields the keystreams of the vectors known from 1994's newsgroup post", () => {
    expect(hex(rc4(latin1Bytes("Key"), latin1Bytes("Plaintext")))).toBe("bbf316e8d940af0ad3");
    expect(hex(rc4(latin1Bytes("Wiki"), latin1Bytes("pedia")))).toBe("1021bf0420");
    expect(hex(rc4(latin1Bytes("Secret"), latin1Bytes("Attack at dawn")))).toBe(
      "45a01f645fc35b383552544b9bf5",
    );
  });

  it("is its own inverse, for any key and text", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 256 }),
        fc.uint8Array({ maxLength: 700 }),
        (key, text) => {
          expect(rc4(key, rc4(key, text))).toEqual(text);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  it("refuses keys that RC4 cannot have", () => {
    expect(() => rc4(new Uint8Array(0), new Uint8Array(1))).toThrow(RangeError);
    expect(() => rc4(new Uint8Array(257), new Uint8Array(1))).toThrow(RangeError);
  });
});
