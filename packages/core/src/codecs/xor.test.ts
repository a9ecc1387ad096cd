import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, hex, latin1Bytes } from "../bytes/index.ts";
import { xor, xorByte, xorIncrementing, xorMinusNext, xorRolling, xorWithLast } from "./xor.ts";

const data = fc.uint8Array({ maxLength: 100 });
const key = fc.uint8Array({ minLength: 1, maxLength: 20 });

describe("XOR", () => {
  it("repeats its key: the Cryptopals 5 vector", () => {
    const text = "Burning 'em, if you ain't quick and nimble\nI go crazy when I hear a cymbal";
    expect(hex(xor(latin1Bytes(text), latin1Bytes("ICE")))).toBe(
      "0b3637272a2b2e63622c2e69692a23693a2a3c6324202d623d63343c2a26226324272765272" +
        "a282b2f20430a652e2c652a3124333a653e2b2027630c692b20283165286326302e27282f",
    );
  });

  it("starts at any position of its key, so that a text decrypts in pieces", () => {
    fc.assert(
      fc.property(data, key, fc.nat({ max: 100 }), (text, k, cut) => {
        const at = Math.min(cut, text.length);
        expect(concatBytes(xor(text.subarray(0, at), k), xor(text.subarray(at), k, at))).toEqual(
          xor(text, k),
        );
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it("undoes itself, and a one-byte key is the single-byte kind", () => {
    fc.assert(
      fc.property(data, key, (text, k) => {
        expect(xor(xor(text, k), k)).toEqual(text);
        expect(xorByte(text, k[0] as number)).toEqual(xor(text, k.subarray(0, 1)));
      }),
      { seed: 8, numRuns: 100 },
    );
  });

  it("unchains a text whose bytes were XORed with the ciphertext byte before", () => {
    fc.assert(
      fc.property(data, fc.nat({ max: 255 }), (plain, seed) => {
        let previous = seed;
        const cipher = plain.map((byte) => (previous = byte ^ previous));
        expect(xorRolling(cipher, seed)).toEqual(plain);
      }),
      { seed: 9, numRuns: 100 },
    );
    expect([...xorRolling(Uint8Array.of(1, 3, 2), 0)]).toEqual([1, 2, 1]);
  });

  it("adds a step to its key at each byte, modulo 256", () => {
    expect([...xorIncrementing(new Uint8Array(4), 0xfe)]).toEqual([0xfe, 0xff, 0x00, 0x01]);
    expect([...xorIncrementing(new Uint8Array(3), 0, -1)]).toEqual([0, 0xff, 0xfe]);
    fc.assert(
      fc.property(data, fc.nat({ max: 255 }), fc.nat({ max: 255 }), (text, k, step) => {
        expect(xorIncrementing(text, k, step)).toEqual(text.map((byte, i) => byte ^ ((k + i * step) % 256)));
      }),
      { seed: 10, numRuns: 100 },
    );
  });

  it("refuses an empty key and a start before it", () => {
    expect(() => xor(Uint8Array.of(1), new Uint8Array(0))).toThrow(RangeError);
    expect(() => xor(Uint8Array.of(1), Uint8Array.of(1), -1)).toThrow(RangeError);
  });
});

describe("the XORs of .NET loaders", () => {
  it("takes the next byte off, over all but the last", () => {
    // 0x41 ^ 0x01 - 0x10, 0x10 ^ 0x02 - 0x05
    expect([...xorMinusNext(Uint8Array.of(0x41, 0x10, 0x05), Uint8Array.of(1, 2))]).toEqual([0x30, 0x0d]);
    expect([...xorMinusNext(new Uint8Array(), Uint8Array.of(1))]).toEqual([]);
  });

  it("mixes 112 and the last byte in", () => {
    const plain = [0x4d, 0x5a, 0x90];
    const sealed = plain.map((byte, i) => byte ^ (i % 2 === 0 ? 7 : 9) ^ 112 ^ 0x33);
    expect([...xorWithLast(Uint8Array.of(...sealed, 0x33), Uint8Array.of(7, 9))]).toEqual(plain);
  });
});
