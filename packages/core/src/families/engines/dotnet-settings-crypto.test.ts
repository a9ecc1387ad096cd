import { pbkdf2Sync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { found, hex, latin1Bytes, unhex } from "../../bytes/index.ts";
import { type Pbkdf2Sha1, pbkdf2Sha1 } from "../../codecs/index.ts";
import {
  type Ciphertext,
  ciphertextOf,
  couldBeMacced,
  decryptSetting,
  deriveKeys,
  macHolds,
  md5Key,
  proveKey,
  QUASAR_KDF,
} from "./dotnet-settings-crypto.ts";

const native: Pbkdf2Sha1 = (password, salt, iterations, length) =>
  pbkdf2Sync(password, salt, iterations, length, "sha1");

function ciphertext(text: string): Ciphertext {
  const found_ = ciphertextOf(found(text));
  if (found_ === undefined) throw new Error("no ciphertext");
  return found_;
}

/** Published values of a Quasar 1.3.0.0 client (mutex QSR_MUTEX_M6ajmD3hhoJo7CTsvN, tag Ransomware). */
const VERSION = ciphertext(
  "3DaXS6MYqYL9Q/3WF/cPdbdoy2NggCqoSmasPYwzkPD389j4IoSZZVQHHz196cPEy2h4VSsjy7se22/++XH89w==",
);
const HOSTS = ciphertext(
  "U2MkYAPUljFBQRO9iIkRZVGmxS2mOB+3klWr1xcKn3OqiosSod4C8iKk+GmogWRVZ6xUFktvHtwFnyOxg+ZSLPjbO+3+OdrVI8o+NK7UCZA=",
);
const PASSWORD = found("SM73jcn259KtoJ4uPciZ");

describe("the authenticated scheme", () => {
  it("opens the published 1.3.0.0 values and proves a 16-byte key", () => {
    const stream = deriveKeys({}, native, latin1Bytes(PASSWORD.value), QUASAR_KDF);
    const key = stream && proveKey(stream, [VERSION], PASSWORD, QUASAR_KDF);
    expect(key?.key.length).toBe(16);
    if (key === undefined) return;
    expect(macHolds(HOSTS.data, key.authKey)).toBe(true);
    expect(decryptSetting(key, "cbc", VERSION.data)).toBe("1.3.0.0");
    expect(decryptSetting(key, "cbc", HOSTS.data)).toBe("66.63.167.164:55640;");
  });

  it("derives the key that rat_king_parser publishes for 1.4.1 beb1b5cd…", () => {
    const password = latin1Bytes("26A6C07FE7354BCD244B108D2E3538DCF04477F5");
    for (const pbkdf2 of [native, pbkdf2Sha1]) {
      const stream = deriveKeys({}, pbkdf2, password, QUASAR_KDF);
      expect(stream && hex(stream.subarray(0, 32))).toBe(
        "b5580a84ddadcf548713dd64fedbbe067f931e6ce4699271de572acbd52f4074",
      );
    }
  });

  it.each([
    [
      "a76af3d6…, 1.4.1",
      "5F91B88C67A9ACF78B2396771B3B6F2B4615CA57",
      "b30cea630f7fac6c2e066ce7f29e1b4bab548ee95b20ff6aa7387ce14df5dc30",
    ],
    ["83892117…, 1.3.0.0", "mDf8ODHd9XwqMsIxpY8F", "ff230bfb57fecad4bd59d4d97f6883b4"],
  ])("derives the published key of %s", (_, password, key) => {
    const stream = deriveKeys({}, native, latin1Bytes(password), QUASAR_KDF);
    expect(stream && hex(stream.subarray(0, key.length / 2))).toBe(key);
  });

  it("proves nothing with a wrong password or a changed byte", () => {
    const wrong = deriveKeys({}, native, latin1Bytes("SM73jcn259KtoJ4uPciY"), QUASAR_KDF);
    expect(wrong && proveKey(wrong, [VERSION, HOSTS], PASSWORD, QUASAR_KDF)).toBeUndefined();
    const right = deriveKeys({}, native, latin1Bytes(PASSWORD.value), QUASAR_KDF);
    const changed = Uint8Array.from(VERSION.data);
    changed[60] = (changed[60] as number) ^ 1;
    expect(right && proveKey(right, [{ ...VERSION, data: changed }], PASSWORD, QUASAR_KDF)).toBeUndefined();
  });

  it("derives each key once, and stops at the budget", () => {
    let calls = 0;
    const sample = {};
    const counting: Pbkdf2Sha1 = (_password, _salt, _iterations, length) => {
      calls++;
      return new Uint8Array(length);
    };
    for (let i = 0; i < 3; i++) deriveKeys(sample, counting, latin1Bytes("same"), QUASAR_KDF);
    expect(calls).toBe(1);
    for (let i = 0; i < 100; i++) deriveKeys(sample, counting, latin1Bytes(`other${i}`), QUASAR_KDF);
    expect(calls).toBe(12);
    const huge = { ...QUASAR_KDF, iterations: found(2 ** 31) };
    expect(deriveKeys({}, counting, latin1Bytes("x"), huge)).toBeUndefined();
    expect(calls).toBe(12);
  });
});

describe("the MD5 scheme", () => {
  it("takes MD5 of the password as it is (RFC 1321: abc)", () => {
    expect(hex(md5Key(found("abc"), latin1Bytes("abc")).key)).toBe("900150983cd24fb0d6963f7d28e17f72");
  });

  it("decrypts base64( IV || AES-128-CBC ) (NIST SP 800-38A F.2.1 key and IV, padding added)", () => {
    const key = {
      ...md5Key(found(""), new Uint8Array(0)),
      key: unhex("2b7e151628aed2a6abf7158809cf4f3c") as Uint8Array,
    };
    // openssl enc -aes-128-cbc of "1.2.0.0"
    const data = unhex("000102030405060708090a0b0c0d0e0f7c9689fd6be477669322916190d1d2a7") as Uint8Array;
    expect(couldBeMacced(data)).toBe(false);
    expect(decryptSetting(key, "cbc", data)).toBe("1.2.0.0");
  });
});
