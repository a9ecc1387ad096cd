import { createCipheriv, createDecipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, unhex } from "../bytes/index.ts";
import { type AesMode, decryptAes } from "./aes.ts";

const bytes = (text: string) => unhex(text) as Uint8Array;

/** NIST SP 800-38A, appendix F: one plaintext of four blocks, one IV, three keys. */
const PLAIN =
  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
const IV = "000102030405060708090a0b0c0d0e0f";
const KEY128 = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

const SP800_38A: [section: string, mode: AesMode, key: string, cipher: string][] = [
  [
    "F.1.2 ECB-AES128",
    "ecb",
    KEY128,
    "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf" +
      "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
  ],
  [
    "F.1.4 ECB-AES192",
    "ecb",
    KEY192,
    "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef" +
      "ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
  ],
  [
    "F.1.6 ECB-AES256",
    "ecb",
    KEY256,
    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870" +
      "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
  ],
  [
    "F.2.2 CBC-AES128",
    "cbc",
    KEY128,
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" +
      "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
  ],
  [
    "F.2.4 CBC-AES192",
    "cbc",
    KEY192,
    "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a" +
      "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
  ],
  [
    "F.2.6 CBC-AES256",
    "cbc",
    KEY256,
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" +
      "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
  ],
  [
    "F.3.14 CFB128-AES128",
    "cfb",
    KEY128,
    "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b" +
      "26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6",
  ],
  [
    "F.3.16 CFB128-AES192",
    "cfb",
    KEY192,
    "cdc80d6fddf18cab34c25909c99a417467ce7f7f81173621961a2b70171d3d7a" +
      "2e1e8a1dd59b88b1c8e60fed1efac4c9c05f9f9ca9834fa042ae8fba584b09ff",
  ],
  [
    "F.3.18 CFB128-AES256",
    "cfb",
    KEY256,
    "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b" +
      "df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471",
  ],
  ["F.3.8 CFB8-AES128", "cfb8", KEY128, "3b79424c9c0dd436bace9e0ed4586a4f32b9"],
  ["F.3.10 CFB8-AES192", "cfb8", KEY192, "cda2521ef0a905ca44cd057cbf0d47a0678a"],
  ["F.3.12 CFB8-AES256", "cfb8", KEY256, "dc1f1a8520a64db55fcc8ac554844e889700"],
];

/** NIST CAVP AESAVS, appendix B.1 (GFSbox, zero key) and B.2 (KeySbox, zero plaintext): single CBC and ECB blocks. */
const CAVP: [name: string, key: string, cipher: string, plain: string][] = [
  ["GFSbox 128 #0", "00".repeat(16), "0336763e966d92595a567cc9ce537f5e", "f34481ec3cc627bacd5dc3fb08f273e6"],
  ["KeySbox 128 #0", "10a58869d74be5a374cf867cfb473859", "6d251e6944b051e04eaa6fb4dbf78465", "00".repeat(16)],
];

describe("AES", () => {
  it.each(SP800_38A)("decrypts NIST SP 800-38A %s", (_section, mode, key, cipher) => {
    const plain = decryptAes(mode, bytes(key), bytes(IV), bytes(cipher), "none") as Uint8Array;
    expect(hex(plain)).toBe(PLAIN.slice(0, cipher.length));
  });

  it.each(CAVP)("decrypts NIST CAVP %s", (_name, key, cipher, plain) => {
    for (const mode of ["ecb", "cbc"] as const)
      expect(hex(decryptAes(mode, bytes(key), new Uint8Array(16), bytes(cipher), "none") as Uint8Array)).toBe(
        plain,
      );
  });

  it("agrees with OpenSSL in every mode and key size, with PKCS#7 padding", () => {
    const modes = [
      ["cbc", "cbc"],
      ["ecb", "ecb"],
      ["cfb", "cfb"],
      ["cfb8", "cfb8"],
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...modes),
        fc.constantFrom(16, 24, 32).chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ maxLength: 200 }),
        ([mode, name], key, iv, plain) => {
          const cipher = createCipheriv(`aes-${key.length * 8}-${name}`, key, mode === "ecb" ? null : iv);
          // OpenSSL pads only in the block modes; .NET pads in CFB too.
          const pad = 16 - (plain.length % 16);
          const padded = Uint8Array.from([...plain, ...new Array<number>(pad).fill(pad)]);
          cipher.setAutoPadding(false);
          const data = Buffer.concat([cipher.update(padded), cipher.final()]);
          expect(decryptAes(mode, key, iv, data)).toEqual(plain);
        },
      ),
      { seed: 2, numRuns: 300 },
    );
  });

  it("decrypts a CFB text that ends within a block, and an 8-bit one longer than a run", () => {
    const key = bytes(KEY256);
    const iv = bytes(IV);
    for (const [mode, length] of [
      ["cfb", 1],
      ["cfb", 15],
      ["cfb", 33],
      ["cfb8", 9001],
    ] as const) {
      const data = Uint8Array.from({ length }, (_, i) => i * 7);
      const oracle = createDecipheriv(`aes-256-${mode}`, key, iv);
      expect(decryptAes(mode, key, iv, data, "none")).toEqual(
        Uint8Array.from(Buffer.concat([oracle.update(data), oracle.final()])),
      );
    }
  });

  it("takes PKCS#7 padding only when every byte of it holds", () => {
    const key = bytes(KEY128);
    const iv = bytes(IV);
    const encrypt = (last: number[]) => {
      const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
      return cipher.update(Uint8Array.from([...new Array<number>(16 - last.length).fill(0x41), ...last]));
    };
    expect(decryptAes("cbc", key, iv, encrypt([3, 3, 3]))?.length).toBe(13);
    expect(decryptAes("cbc", key, iv, encrypt(new Array<number>(16).fill(16)))?.length).toBe(0);
    for (const bad of [[2, 3, 3], [0], [17], [1, 2]])
      expect(decryptAes("cbc", key, iv, encrypt(bad))).toBeUndefined();
    expect(decryptAes("cbc", key, iv, encrypt([9, 0, 0]), "zeros")?.length).toBe(14);
    expect(decryptAes("cbc", key, iv, encrypt([9, 0, 0]), "none")?.length).toBe(16);
  });

  it("refuses lengths that the mode cannot give, and keys and IVs that AES cannot have", () => {
    const key = bytes(KEY128);
    const iv = bytes(IV);
    for (const mode of ["cbc", "ecb"] as const)
      for (const length of [0, 1, 15, 17])
        expect(decryptAes(mode, key, iv, new Uint8Array(length))).toBeUndefined();
    expect(decryptAes("cfb8", key, iv, new Uint8Array(0), "none")).toBeUndefined();
    expect(() => decryptAes("cbc", new Uint8Array(15), iv, new Uint8Array(16))).toThrow(RangeError);
    expect(() => decryptAes("cbc", key, new Uint8Array(8), new Uint8Array(16))).toThrow(RangeError);
  });
});
