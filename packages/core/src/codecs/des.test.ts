import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hex, unhex } from "../bytes/index.ts";
import { decryptDes, des } from "./des.ts";

const bytes = (text: string) => unhex(text) ?? new Uint8Array();

/** NIST SP 800-17, appendix A and B: some of the known answers; the first is Grabbe's worked example. */
const VECTORS = [
  ["133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"],
  ["0101010101010101", "8000000000000000", "95f8a5e5dd31d900"],
  ["0101010101010101", "0000000000000001", "166b40b44aba4bd6"],
  ["8001010101010101", "0000000000000000", "95a8d72813daa94d"],
  ["7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b"],
] as const;

describe("DES", () => {
  it("gives the published answers, both ways", () => {
    for (const [key, plain, sealed] of VECTORS) {
      const out = new Uint8Array(8);
      des(bytes(key)).encrypt(bytes(plain), 0, out, 0);
      expect(hex(out)).toBe(sealed);
      des(bytes(key)).decrypt(out, 0, out, 0);
      expect(hex(out)).toBe(plain);
    }
  });

  it("decrypts what OpenSSL encrypted with two and three keys, in each mode", () => {
    const key = Uint8Array.from({ length: 24 }, (_, i) => 7 * i + 1);
    const iv = Uint8Array.from({ length: 8 }, (_, i) => 31 * i);
    const plain = Uint8Array.from({ length: 100 }, (_, i) => i);
    for (const [name, size, mode] of [
      ["des-ede-cbc", 16, "cbc"],
      ["des-ede3-cbc", 24, "cbc"],
      ["des-ede3-cfb", 24, "cfb"],
      ["des-ede3-cfb8", 24, "cfb8"],
      ["des-ede3", 24, "ecb"],
    ] as const) {
      const cipher = createCipheriv(name, key.subarray(0, size), mode === "ecb" ? null : iv);
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      const padding = mode.startsWith("cfb") ? "none" : "pkcs7";
      const got = decryptDes(mode, key.subarray(0, size), iv, new Uint8Array(sealed), padding);
      expect(hex(got ?? new Uint8Array())).toBe(hex(plain));
    }
  });

  it("refuses data that no encryption gives", () => {
    const [key, iv] = [new Uint8Array(8), new Uint8Array(8)];
    expect(decryptDes("cbc", key, iv, new Uint8Array(12))).toBeUndefined();
    expect(decryptDes("cbc", key, iv, new Uint8Array(8))).toBeUndefined();
    expect(decryptDes("ecb", key, iv, new Uint8Array())).toBeUndefined();
    expect(() => des(new Uint8Array(9))).toThrow(RangeError);
  });
});
