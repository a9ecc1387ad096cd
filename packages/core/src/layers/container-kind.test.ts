import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes, View } from "../bytes/index.ts";
import { classify } from "../formats/index.ts";
import { containerKind } from "./container-kind.ts";

const kind = (bytes: Uint8Array): string | undefined =>
  containerKind(new View(bytes), classify(new View(bytes)));
const at = (offset: number, magic: string, size = 0x9000): Uint8Array => {
  const bytes = new Uint8Array(size);
  bytes.set(latin1Bytes(magic), offset < 0 ? size + offset : offset);
  return bytes;
};

describe("what is taken for a container", () => {
  it.each([
    ["zip", at(0, "PK\x03\x04")],
    ["7z", at(0, "7z\xbc\xaf\x27\x1c")],
    ["rar", at(0, "Rar!\x1a\x07\x01\0")],
    ["tar", at(257, "ustar")],
    ["iso", at(0x8001, "CD001")],
    ["udf", at(0x8001, "BEA01")],
    ["vhd", at(-512, "conectix")],
    ["dmg", at(-512, "koly\0\0\0\x04")],
    ["nsis", at(4, "\xef\xbe\xad\xdeNullsoftInst")],
    ["ace", at(7, "**ACE**")],
    ["7z", latin1Bytes(';!@Install@!UTF-8!\nRunProgram="a.exe"\n;!@InstallEnd@!7z\xbc\xaf\x27\x1c')],
  ])("%s shows by its magic, wherever that stands", (name, bytes) => {
    expect(kind(bytes)).toBe(name);
  });

  it("a zip behind other bytes shows by its directory", () => {
    const end = latin1Bytes("PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0");
    const directory = concatBytes(latin1Bytes("PK\x01\x02"), new Uint8Array(42));
    expect(kind(concatBytes(latin1Bytes("@echo off\r\n"), directory, end))).toBe("zip");
    expect(kind(concatBytes(latin1Bytes("@echo off\r\n"), new Uint8Array(46), end))).toBeUndefined();
  });

  it("text, data and nothing are none", () => {
    for (const bytes of [
      new Uint8Array(0),
      latin1Bytes("PK"),
      latin1Bytes("a note"),
      new Uint8Array(70_000).fill(0x50),
    ])
      expect(kind(bytes)).toBeUndefined();
  });

  it("is said quickly, of any bytes", () => {
    const many = latin1Bytes("PK\x05\x06".repeat(50_000));
    const begin = performance.now();
    for (let i = 0; i < 10; i++) containerKind(new View(many), "data");
    expect(performance.now() - begin).toBeLessThan(1000);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        kind(bytes);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});
