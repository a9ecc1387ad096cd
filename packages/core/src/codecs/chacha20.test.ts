import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, latin1, unhex } from "../bytes/index.ts";
import { chacha20, chachaBlock, chachaState } from "./chacha20.ts";

const bytes = (text: string) => unhex(text.replace(/\s/g, "")) as Uint8Array;
const stream = (key: Uint8Array, nonce: Uint8Array, length: number, counter: number | bigint = 0) =>
  chacha20(key, nonce, new Uint8Array(length), counter);

const KEY = bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

/** draft-strombergson-chacha-test-vectors-01, 256-bit keys, 20 rounds: TC1 to TC3, from block 0. */
const STROMBERGSON: [name: string, key: string, nonce: string, stream: string][] = [
  [
    "TC1",
    "00".repeat(32),
    "00".repeat(8),
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7" +
      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586" +
      "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed" +
      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  ],
  [
    "TC2",
    `01${"00".repeat(31)}`,
    "00".repeat(8),
    "c5d30a7ce1ec119378c84f487d775a8542f13ece238a9455e8229e888de85bbd" +
      "29eb63d0a17a5b999b52da22be4023eb07620a54f6fa6ad8737b71eb0464dac0",
  ],
  [
    "TC3",
    "00".repeat(32),
    `01${"00".repeat(7)}`,
    "ef3fdfd6c61578fbf5cf35bd3dd33b8009631634d21e42ac33960bd138e50d32" +
      "111e4caf237ee53ca8ad6426194a88545ddc497a0b466e7d6bbdb0041b2f586b",
  ],
];

describe("ChaCha20", () => {
  it("yields the block of RFC 8439, 2.3.2", () => {
    const state = chachaState(KEY, bytes("000000090000004a00000000"), 1);
    const out = new Uint32Array(16);
    chachaBlock(state, out);
    expect([...out].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(
      "e4e7f110 15593bd1 1fdd0f50 c47120a3 c7f4d1c7 0368c033 9aaa2204 4e6cd4c3 " +
        "466482d2 09aa9f07 05d7c214 a2028bd9 d19c12b5 b94e16de e883d0cb 4e3c50a2",
    );
  });

  it("decrypts the text of RFC 8439, 2.4.2, from counter 1", () => {
    const cipher = bytes(`
      6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b
      f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8
      07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736
      5af90bbf74a35be6b40b8eedf2785e42874d`);
    expect(latin1(chacha20(KEY, bytes("000000000000004a00000000"), cipher, 1))).toBe(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
  });

  it("yields the keystreams of RFC 8439, A.1, with the counters 0, 1 and 2", () => {
    const zero = new Uint8Array(32);
    const nonce = new Uint8Array(12);
    expect(hex(stream(zero, nonce, 16))).toBe("76b8e0ada0f13d90405d6ae55386bd28");
    expect(hex(stream(zero, nonce, 16, 1))).toBe("9f07e7be5551387a98ba977c732d080d");
    const ff = new Uint8Array(32);
    ff[1] = 0xff;
    expect(hex(stream(ff, nonce, 16, 2))).toBe("72d54dfbf12ec44b362692df94137f32");
    const last = new Uint8Array(12);
    last[11] = 2;
    expect(hex(stream(zero, last, 16))).toBe("c2c64d378cd536374ae204b9ef933fcd");
  });

  it.each(STROMBERGSON)(
    "yields the keystream of draft-strombergson %s with its 8-byte nonce",
    (_n, key, nonce, expected) => {
      expect(hex(stream(bytes(key), bytes(nonce), expected.length / 2))).toBe(expected);
    },
  );

  it("agrees with OpenSSL (32-bit counter and 12-byte nonce, or both as 16 bytes)", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.nat({ max: 0xfffffff0 }),
        fc.uint8Array({ maxLength: 300 }),
        (key, nonce, counter, data) => {
          const iv = Buffer.alloc(16);
          iv.writeUInt32LE(counter, 0);
          iv.set(nonce, 4);
          const oracle = createCipheriv("chacha20", key, iv);
          expect(chacha20(key, nonce, data, counter)).toEqual(Uint8Array.from(oracle.update(data)));
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });

  it("takes an 8-byte nonce as a 12-byte one that starts with four NULs, below block 2^32", () => {
    const nonce = bytes("0102030405060708");
    const wide = Uint8Array.from([0, 0, 0, 0, ...nonce]);
    expect(stream(KEY, nonce, 200, 5)).toEqual(stream(KEY, wide, 200, 5));
  });

  it("carries an 8-byte nonce's counter into its high word, and wraps a 12-byte nonce's to 0", () => {
    const nonce8 = bytes("0102030405060708");
    const across = stream(KEY, nonce8, 128, 0xffffffff);
    expect(across.subarray(0, 64)).toEqual(stream(KEY, nonce8, 64, 0xffffffffn));
    expect(across.subarray(64)).toEqual(stream(KEY, nonce8, 64, 0x1_0000_0000n));
    // OpenSSL's 16-byte IV is that counter's 8 bytes and the nonce.
    const iv = Buffer.alloc(16);
    iv.writeBigUInt64LE(0x1_0000_0000n, 0);
    iv.set(nonce8, 8);
    expect(across.subarray(64)).toEqual(
      Uint8Array.from(createCipheriv("chacha20", KEY, iv).update(new Uint8Array(64))),
    );
    const last = stream(KEY, nonce8, 128, 0xffff_ffff_ffff_ffffn);
    expect(last.subarray(64)).toEqual(stream(KEY, nonce8, 64, 0));

    const nonce12 = bytes("0102030405060708090a0b0c");
    const wrapped = stream(KEY, nonce12, 128, 0xffffffff);
    expect(wrapped.subarray(64)).toEqual(stream(KEY, nonce12, 64, 0));
    expect(stream(KEY, nonce12, 64, 0x1_0000_0000n)).toEqual(stream(KEY, nonce12, 64, 0));
  });

  it("refuses keys and nonces of other sizes", () => {
    expect(() => chachaState(new Uint8Array(16), new Uint8Array(8))).toThrow(RangeError);
    expect(() => chachaState(KEY, new Uint8Array(16))).toThrow(RangeError);
  });
});
