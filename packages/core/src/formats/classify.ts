import { indexOf, latin1, utf8, type View } from "../bytes/index.ts";
import { openImage } from "./open-image.ts";

/** Magic bytes at an offset, as one-byte text, and the name that people know. First match wins. */
const MAGICS: readonly (readonly [offset: number, magic: string, name: string])[] = [
  [0, "\x7fELF", "ELF"],
  [0, "\xfe\xed\xfa\xce", "Mach-O"],
  [0, "\xfe\xed\xfa\xcf", "Mach-O"],
  [0, "\xce\xfa\xed\xfe", "Mach-O"],
  [0, "\xcf\xfa\xed\xfe", "Mach-O"],
  [0, "PK\x03\x04", "zip"],
  [0, "PK\x05\x06", "zip"],
  [0, "PK\x07\x08", "zip"],
  [0, "7z\xbc\xaf\x27\x1c", "7z"],
  [0, "Rar!\x1a\x07", "rar"],
  [0, "\x1f\x8b\x08", "gzip"],
  [0, "BZh", "bzip2"],
  [0, "\xfd7zXZ\x00", "xz"],
  [0, "\x28\xb5\x2f\xfd", "zstd"],
  [257, "ustar", "tar"],
  [0, "MSCF", "cab"],
  [0, "ITSF", "chm"],
  [0, "vhdxfile", "vhdx"],
  [0, "conectix", "vhd"],
  [0, "KDMV", "vmdk"],
  [0, "MSWIM\x00\x00\x00", "wim"],
  [0, "\x60\xea", "arj"],
  [2, "-lh", "lzh"],
  [0, "\xed\xab\xee\xdb", "rpm"],
  [0, "07070", "cpio"],
  [0, "!<arch>\n", "ar"],
  [0, "xar!", "xar"],
  [0, "hsqs", "squashfs"],
  [4, "\xef\xbe\xad\xdeNullsoftInst", "nsis"],
  [0x8001, "BEA01", "udf"],
  [0x8001, "NSR0", "udf"],
  [0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"],
  [0, "{\\rt", "rtf"],
  [0, "%PDF-", "pdf"],
  [0x8001, "CD001", "iso"],
  [0, "MDMP\x93\xa7", "minidump"],
  [0, "PAGEDU", "memory dump"],
  [0, "L\x00\x00\x00\x01\x14\x02\x00", "lnk"],
  [0, "\xca\xfe\xba\xbe", "java class"],
  [0, "dex\n", "dex"],
  [0, "\x89PNG", "png"],
  [0, "\xff\xd8\xff", "jpeg"],
  [0, "GIF8", "gif"],
  [0, "SQLite format 3\x00", "sqlite"],
];

/** VHD's and DMG's trailers. */
const TRAILER_SIZE = 512;
/** A zip's end-of-directory record and the longest comment behind it. */
const ZIP_END = Uint8Array.of(0x50, 0x4b, 5, 6);
const MAX_ZIP_END = 22 + 0xffff;

/** As much as is looked at to tell text and its kind. */
const SAMPLE_SIZE = 4096;

/** Words at which a script's or page's kind shows, tried in order on the first SAMPLE_SIZE chars, in lower case. */
const TEXT_KINDS: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["html", ["<!doctype html", "<html", "<head", "<body", "<hta:"]],
  ["xml", ["<?xml"]],
  ["php script", ["<?php"]],
  [
    "powershell script",
    ["invoke-expression", "new-object ", "[system.", "frombase64string", "$env:", "param("],
  ],
  ["batch script", ["@echo off", "%comspec%", "setlocal", "\ngoto "]],
  ["vbs script", ["createobject(", "wscript.shell", "on error resume next", "\ndim "]],
  ["javascript", ["activexobject", "function(", "function (", "var ", "eval("]],
];

/**
 * A short name for what these bytes are, by their magic: `PE32 exe`, `zip`, `html`, `text`, `data`. For people and
 * for the reasons of unsupported input; nothing is parsed but PE headers.
 */
export function classify(view: View): string {
  if (view.length === 0) return "empty";
  const magic = MAGICS.find(([offset, text]) => startsWith(view, offset, text));
  if (magic !== undefined) return magic[2] === "ole2" ? ole2Kind(view) : magic[2];
  const { format } = openImage(view);
  if (format !== "raw") return format;
  if (startsWith(view, 0, "MZ")) return "MZ without PE headers";
  return trailerKind(view) ?? textKind(view) ?? "data";
}

/** Formats that are known by their end: what stands before a zip's directory does not stop it from being one. */
function trailerKind(view: View): string | undefined {
  const tail = view.length - TRAILER_SIZE;
  if (startsWith(view, tail, "conectix")) return "vhd";
  if (startsWith(view, tail, "koly")) return "dmg";
  const end = indexOf(view.bytes, ZIP_END, Math.max(0, view.length - MAX_ZIP_END));
  return end < 0 ? undefined : "zip";
}

function startsWith(view: View, offset: number, text: string): boolean {
  if (!view.has(offset, text.length)) return false;
  for (let i = 0; i < text.length; i++) if (view.bytes[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Class id of the root entry, the first in the directory sector ([MS-CFB] 2.6): Windows Installer's tells an MSI. */
function ole2Kind(view: View): string {
  const sectorSize = 2 ** Math.min(view.u16(30) ?? 9, 16);
  const root = ((view.u32(48) ?? 0) + 1) * sectorSize;
  return view.u32(root + 80) === 0x000c_1084 && view.u32(root + 88) === 0x0000_00c0 ? "msi" : "ole2";
}

function textKind(view: View): string | undefined {
  const text = decode(view);
  if (text === undefined) return undefined;
  if (text.startsWith("#!")) return "script";
  const lower = text.toLowerCase();
  return TEXT_KINDS.find(([, words]) => words.some((word) => lower.includes(word)))?.[0] ?? "text";
}

/** The start of a text in UTF-8, UTF-16LE with a byte order mark, or a one-byte code page without control characters. */
function decode(view: View): string | undefined {
  const bytes = view.clip(0, SAMPLE_SIZE).bytes;
  if (startsWith(view, 0, "\xff\xfe")) {
    const low = bytes.filter((_, i) => i % 2 === 0 && i > 0);
    return isText(low) ? latin1(low) : undefined;
  }
  if (!isText(bytes)) return undefined;
  // A char cut by the end of the sample must not count against UTF-8.
  for (let cut = 0; cut < 4; cut++) {
    const text = utf8(bytes.subarray(0, bytes.length - cut));
    if (text !== undefined) return text;
  }
  const high = bytes.reduce((count, byte) => count + Number(byte >= 0x80), 0);
  return high * 3 < bytes.length ? latin1(bytes) : undefined;
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 12 || byte === 13);
}
