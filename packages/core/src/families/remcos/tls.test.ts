import { describe, expect, it } from "vitest";
import { concatBytes, View } from "../../bytes/index.ts";
import { derLength, readTls } from "./tls.ts";

const der = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
  const body = concatBytes(...parts);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...length), body);
};
const filler = (length: number) => der(0x04, new Uint8Array(length));
const certificate = (size: number) =>
  der(0x30, der(0x30, filler(size)), der(0x30, filler(3)), der(0x03, filler(70)));
const key = der(0x30, der(0x02, Uint8Array.of(1)), filler(32));
const kinds = (bytes: Uint8Array) => readTls(new View(bytes), 54)?.map((item) => item.kind);

describe("TLS material", () => {
  it("is told by its DER: certificates, keys, several in a field", () => {
    expect(kinds(certificate(10))).toEqual(["certificate"]);
    expect(kinds(key)).toEqual(["private-key"]);
    expect(kinds(concatBytes(certificate(200), certificate(900), key))).toEqual([
      "certificate",
      "certificate",
      "private-key",
    ]);
    expect(kinds(concatBytes(key, new Uint8Array(3)))).toEqual(["private-key"]);
  });

  it("is nothing else", () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(9), filler(9), certificate(9).subarray(0, 40)])
      expect(kinds(bytes)).toBeUndefined();
    expect(kinds(concatBytes(key, Uint8Array.of(1)))).toBeUndefined();
    expect(kinds(der(0x30, filler(3)))).toBeUndefined();
  });

  it("ends where its last sequence ends", () => {
    const chain = concatBytes(certificate(10), certificate(20));
    expect(derLength(new View(concatBytes(chain, Uint8Array.of(1, 2, 3))))).toBe(chain.length);
    expect(derLength(new View(Uint8Array.of(0x30, 0x80, 0, 0)))).toBe(0);
  });
});
