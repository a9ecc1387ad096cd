import { pbkdf2Sync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, latin1Bytes, unhex } from "../bytes/index.ts";
import { sha1 } from "./hash.ts";
import { pbkdf2Sha1 } from "./pbkdf2.ts";
import { SHA1_INITIAL, sha1Block } from "./sha1-block.ts";

describe("PBKDF2-HMAC-SHA1", () => {
  // RFC 6070 without its fourth vector, whose 16,777,216 iterations take a minute.
  it.each([
    ["password", "salt", 1, 20, "0c60c80f961f0e71f3a9b524af6012062fe037a6"],
    ["password", "salt", 2, 20, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"],
    ["password", "salt", 4096, 20, "4b007901b765489abead49d926f721d065a429c1"],
    [
      "passwordPASSWORDpassword",
      "saltSALTsaltSALTsaltSALTsaltSALTsalt",
      4096,
      25,
      "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
    ],
    ["pass\0word", "sa\0lt", 4096, 16, "56fa6aa75548099dcc37d7f03425e0c3"],
  ])(
    "derives the keys of RFC 6070: %j, %j, %i iterations, %i bytes",
    (password, salt, iterations, length, key) =>
      expect(hex(pbkdf2Sha1(latin1Bytes(password), latin1Bytes(salt), iterations, length))).toBe(key),
  );

  it("derives the published key of a Quasar 1.4.1 build", () => {
    const salt = unhex("bfeb1e56fbcd973bb219022430a57843003d5644d21e62b9d4f180e7e6c33941") as Uint8Array;
    const key = pbkdf2Sha1(latin1Bytes("26A6C07FE7354BCD244B108D2E3538DCF04477F5"), salt, 50_000, 32);
    expect(hex(key)).toBe("b5580a84ddadcf548713dd64fedbbe067f931e6ce4699271de572acbd52f4074");
  });

  it("agrees with OpenSSL for passwords and salts of any length", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 100 }),
        (password, salt, iterations, length) => {
          expect(pbkdf2Sha1(password, salt, iterations, length)).toEqual(
            Uint8Array.from(pbkdf2Sync(password, salt, iterations, length, "sha1")),
          );
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });

  it("refuses no iterations and no length", () => {
    expect(() => pbkdf2Sha1(new Uint8Array(1), new Uint8Array(1), 0, 16)).toThrow(RangeError);
    expect(() => pbkdf2Sha1(new Uint8Array(1), new Uint8Array(1), 1, 0)).toThrow(RangeError);
  });
});

describe("the SHA-1 compression", () => {
  it("gives SHA-1's digest of a one-block message", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 55 }), (message) => {
        const block = new Uint8Array(64);
        block.set(message);
        block[message.length] = 0x80;
        const view = new DataView(block.buffer);
        view.setUint32(60, message.length * 8);
        const state = Int32Array.from(SHA1_INITIAL);
        sha1Block(
          state,
          Int32Array.from({ length: 16 }, (_, i) => view.getInt32(4 * i)),
        );
        const digest = new DataView(new ArrayBuffer(20));
        state.forEach((word, i) => {
          digest.setInt32(4 * i, word);
        });
        expect(new Uint8Array(digest.buffer)).toEqual(sha1(message));
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
