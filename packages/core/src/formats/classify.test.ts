import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { latin1Bytes, utf8Bytes, utf16leBytes, View } from "../bytes/index.ts";
import { classify } from "./classify.ts";

const fixture = (name: string) => new View(readFileSync(new URL(`pe/fixtures/${name}`, import.meta.url)));
const bytes = (text: string, length = text.length) => {
  const padded = new Uint8Array(length);
  padded.set(latin1Bytes(text));
  return new View(padded);
};

describe("classify", () => {
  it("names PE files as openImage does", () => {
    expect(classify(fixture("hello32.exe"))).toBe("PE32 exe");
    expect(classify(fixture("lib64.dll"))).toBe("PE32+ dll");
    expect(classify(bytes("MZ", 64))).toBe("MZ without PE headers");
  });

  const magics: readonly (readonly [string, string])[] = [
    ["\x7fELF\x02\x01\x01", "ELF"],
    ["\xcf\xfa\xed\xfe", "Mach-O"],
    ["PK\x03\x04", "zip"],
    ["7z\xbc\xaf\x27\x1c", "7z"],
    ["Rar!\x1a\x07\x01\x00", "rar"],
    ["\x1f\x8b\x08\x00", "gzip"],
    ["%PDF-1.7", "pdf"],
    ["MSCF\x00\x00\x00\x00", "cab"],
    ["{\\rtf1", "rtf"],
  ];
  for (const [magic, name] of magics) {
    it(`knows ${name} by its magic`, () => expect(classify(bytes(magic, 600))).toBe(name));
  }

  it("finds an ISO's magic in its 17th sector and a tar's behind the first header", () => {
    const image = new Uint8Array(0x9000);
    image.set(latin1Bytes("CD001"), 0x8001);
    expect(classify(new View(image))).toBe("iso");
    const tar = new Uint8Array(512);
    tar.set(latin1Bytes("ustar"), 257);
    expect(classify(new View(tar))).toBe("tar");
  });

  it("tells an MSI from other OLE2 files by its root's class id", () => {
    const ole2 = new Uint8Array(2048);
    ole2.set(latin1Bytes("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
    ole2[30] = 9;
    expect(classify(new View(ole2))).toBe("ole2");
    ole2.set([0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46], 512 + 80);
    expect(classify(new View(ole2))).toBe("msi");
  });

  it("knows kinds of text", () => {
    const named = (text: string) => classify(new View(utf8Bytes(text)));
    expect(named("<!DOCTYPE html><html>")).toBe("html");
    expect(named("#!/bin/sh\necho")).toBe("script");
    expect(named("$x = [System.Convert]::FromBase64String('QQ==')")).toBe("powershell script");
    expect(named("@echo off\r\nset a=b")).toBe("batch script");
    expect(named('Set s = CreateObject("WScript.Shell")')).toBe("vbs script");
    expect(named("(function(){ return 1 })()")).toBe("javascript");
    expect(named("Grüße, plain words — nothing else")).toBe("text");
  });

  it("reads UTF-16 text by its byte order mark", () => {
    expect(classify(new View(utf16leBytes("\ufeff<html><body>")))).toBe("html");
  });

  it("does not mind a char cut in two at the end of what it looks at", () => {
    expect(classify(new View(utf8Bytes(`${"a".repeat(4095)}ü`)))).toBe("text");
  });

  it("says empty and data", () => {
    expect(classify(new View(new Uint8Array(0)))).toBe("empty");
    expect(classify(new View(Uint8Array.of(1, 2, 3, 0, 255)))).toBe("data");
  });
});
