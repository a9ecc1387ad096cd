import { describe, expect, it } from "vitest";
import { concatBytes, hex, unhex } from "../bytes/index.ts";
import { decryptRijndael256, rijndael256 } from "./rijndael.ts";

const bytes = (text: string) => unhex(text) ?? new Uint8Array();

const KEY = "2b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfe";
const PLAIN = "3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c8";
/** Brian Gladman's vectors over the digits of pi and e, 256-bit blocks; .NET's RijndaelManaged gives the same. */
const SEALED = {
  16: "7d15479076b69a46ffb3b3beae97ad8313f622f67fedb487de9f06b9ed9c8f19",
  24: "5d7101727bb25781bf6715b0e6955282b9610e23a43c2eb062699f0ebf5887b2",
  32: "a49406115dfb30a40418aafa4869b7c6a886ff31602a7dd19c889dc64f7e4e7a",
} as const;

describe("Rijndael with 256-bit blocks", () => {
  it("gives the published answers for each key size, both ways", () => {
    for (const [size, sealed] of Object.entries(SEALED)) {
      const cipher = rijndael256(bytes(KEY).subarray(0, Number(size)));
      const out = new Uint8Array(32);
      cipher.encrypt(bytes(PLAIN), 0, out, 0);
      expect(hex(out)).toBe(sealed);
      cipher.decrypt(out, 0, out, 0);
      expect(hex(out)).toBe(PLAIN);
    }
  });

  it("chains blocks", () => {
    const [key, iv] = [bytes(KEY), new Uint8Array(32).fill(9)];
    const first = new Uint8Array(32);
    const second = new Uint8Array(32);
    const cipher = rijndael256(key);
    const plain = bytes(PLAIN);
    cipher.encrypt(
      plain.map((byte) => byte ^ 9),
      0,
      first,
      0,
    );
    cipher.encrypt(
      plain.map((byte, i) => byte ^ (first[i] as number)),
      0,
      second,
      0,
    );
    const got = decryptRijndael256("cbc", key, iv, concatBytes(first, second), "none");
    expect(hex(got ?? new Uint8Array())).toBe(PLAIN + PLAIN);
  });
});
