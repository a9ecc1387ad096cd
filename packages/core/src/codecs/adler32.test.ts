import { describe, expect, it } from "vitest";
import { latin1Bytes } from "../bytes/index.ts";
import { adler32 } from "./adler32.ts";

describe("Adler-32", () => {
  it("gives the published sums", () => {
    // The example of Wikipedia's article; the sum of nothing as RFC 1950 starts it.
    expect(adler32(latin1Bytes("Wikipedia"))).toBe(0x11e60398);
    expect(adler32(new Uint8Array(0))).toBe(1);
  });

  it("does not overflow on long runs of FF", () => {
    const bytes = new Uint8Array(100_000).fill(255);
    let [a, b] = [1, 0];
    for (const byte of bytes) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    expect(adler32(bytes)).toBe(b * 65_536 + a);
  });
});
