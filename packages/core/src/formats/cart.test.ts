import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, unhex, View } from "../bytes/index.ts";
import { inflate, rc4 } from "../codecs/index.ts";
import { CART_KEY, type Cart, parseCart, writeCart } from "./cart.ts";

const file = latin1Bytes("MZ a file that nobody should run ".repeat(50));

function parse(bytes: Uint8Array, key?: Uint8Array): Cart {
  const parsed = parseCart(new View(bytes), key);
  if (!parsed.ok) throw new Error(`${parsed.error.code} ${parsed.error.field}`);
  return parsed.value;
}
const content = (cart: Cart): Uint8Array | undefined =>
  inflate("zlib", rc4(cart.key, cart.data.bytes), 1e6)?.bytes;

/** Made by the reference, CybercentreCanada/cart 1.2.3, of `hello cart` with the name `hello.txt`. */
const REFERENCE = unhex(
  [
    "4341525401000000000000000000030104010509020603010401050902061400000000000000c2a4a55c53d543f7797d",
    "33c86d5cced1c7928b40c1870075f379a89a135b7a8e0033f599bc39c2a4a75850d715a5792f74953111cc87d2829c1f",
    "a86e19732c1f5d86b2ee3325252b06c0723565bb1a443e7e8187f38506115847ef7433d4b41c0078ff57e805d05c81d2",
    "eca31efaf3bb88bf5a0578e38b36335f60da3bb8c22599bc8a29a3845243061e5f83ed5be05c4df7fd7d6c7a1e8f1362",
    "b1c325778d7a41a8e411049b848f86da08e134ad62e07467e7c0b79967268586b19ba0902488ec5c205a19d0d7b33ff7",
    "32705e28aa92a6cd34e263d28014631f8ebe5452414300000000000000004c00000000000000b600000000000000",
  ].join(""),
) as Uint8Array;

describe("CaRT", () => {
  it("as the reference writes it is read", () => {
    const cart = parse(REFERENCE);
    expect(cart.header).toEqual({ name: "hello.txt" });
    expect(cart.footer).toMatchObject({ length: "10" });
    expect(latin1(content(cart) as Uint8Array)).toBe("hello cart");
  });

  it("is written as the reference writes it, up to the compressed data", () => {
    const ours = writeCart(latin1Bytes("hello cart"), { name: "hello.txt" });
    expect(ours.subarray(0, 58)).toEqual(REFERENCE.subarray(0, 58));
    expect(parse(ours).footer).toEqual(parse(REFERENCE).footer);
  });

  it("gives back what went in, and nothing of it shows", () => {
    const sealed = writeCart(file, { name: "a.exe" });
    expect(content(parse(sealed))).toEqual(file);
    expect(latin1(sealed)).not.toContain("nobody");
    expect(parse(sealed).key).toEqual(CART_KEY);
  });

  it("under a private key opens with that key only", () => {
    const key = latin1Bytes("our own");
    const sealed = writeCart(file, { name: "a", key });
    expect(content(parse(sealed, key))).toEqual(file);
    expect(parseCart(new View(sealed))).toMatchObject({ ok: false, error: { field: "arc4_key" } });
    expect(parseCart(new View(sealed), latin1Bytes("other")).ok).toBe(false);
  });

  it("that is cut off has no footer", () => {
    const sealed = writeCart(file, {});
    expect(parse(sealed.subarray(0, sealed.length - 9)).footer).toBeUndefined();
  });

  it("is refused when its lengths lie", () => {
    const sealed = writeCart(file, { name: "a" });
    for (let at = 30; at < 38; at++) {
      const bad = sealed.slice();
      bad[at] = 0xff;
      expect(parseCart(new View(bad)).ok).toBe(false);
    }
  });
});
