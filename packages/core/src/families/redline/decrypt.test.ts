import { redlineEncrypt } from "@assay/carriers/redline";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decrypt, isC2Ciphertext } from "./decrypt.ts";

/** Published: CAPE test configs, and the write-ups named in redline.ts. */
const VECTORS: readonly (readonly [cipher: string, key: string, plain: string])[] = [
  ["CBURGC4gLAMrLAgHIwsTXzsxLRg8FyRJ", "Formative", "77.91.68.68:19071"],
  ["J1w4BQJHOEs=", "Formative", "krast"],
  ["HSE7HDkxDhAgDh8QOz0/UCIPK0EfIS9d", "Revivement", "83.97.73.129:19068"],
  ["MDIwXRc0UFg=", "Revivement", "maxi"],
  ["GwQ5FC4BJFQZBCEZLwEgVxs6H1EtLyxXGD9NXA==", "Unpacked", "62.204.41.175:44271"],
  ["AQMmUjc8M1QMP01c", "Unpacked", "NewMeta"],
  ["ATEwVCkEClwrJiBSKRxaWyEjIx0vDiAXJz9acQ==", "Leadening", "144.76.173.68:16125"],
  ["NSEmHDY5ERU1LRNV", "Pythonic", "ytmaloy8"],
];

describe("decrypt", () => {
  it.each(VECTORS)("%s under %s is %s", (cipher, key, plain) => {
    expect(decrypt(cipher, key)).toBe(plain);
    expect(redlineEncrypt(plain, key)).toBe(cipher);
  });

  it("gives nothing under a wrong key, without a key, or for what is no ciphertext", () => {
    expect(decrypt("CBURGC4gLAMrLAgHIwsTXzsxLRg8FyRJ", "Revivement")).toBeUndefined();
    expect(decrypt("CBURGC4gLAMrLAgHIwsTXzsxLRg8FyRJ", "")).toBeUndefined();
    expect(decrypt("77.91.68.68:19071", "Formative")).toBeUndefined();
    expect(decrypt("", "Formative")).toBeUndefined();
  });

  it("undoes what the builder does, for any text and ASCII key", () => {
    const key = fc.string({ unit: fc.constantFrom(..."ABCxyz019_ "), minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), key, (text, k) => {
        expect(decrypt(redlineEncrypt(text, k), k)).toBe(text);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe("isC2Ciphertext", () => {
  it("holds for the published ciphertexts of C2 lists and not for other base64", () => {
    expect(
      VECTORS.filter(([, , plain]) => plain.includes(":")).every(([cipher]) => isC2Ciphertext(cipher)),
    ).toBe(true);
    expect(isC2Ciphertext("GetDefaultBrowserPath00s")).toBe(false);
    expect(isC2Ciphertext("J1w4BQJHOEs=")).toBe(false);
  });
});
