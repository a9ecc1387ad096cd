/** What counts as a payload, told from its first bytes and then from the whole. */
import { utf8, View } from "../../bytes/index.ts";
import { inflateStart } from "../../codecs/index.ts";
import { classify, parsePe } from "../../formats/index.ts";
import { RESOURCE_MAGIC, readResourceSet } from "./resource-set.ts";

/** Bytes that `startsLikePayload` needs. */
export const HEAD = 16;
/** Bytes that `prefixHolds` is best given. */
export const PREFIX = 4096;

const MZ = 0x5a4d;
const PE = 0x4550;
const ZIP = 0x04034b50;
const SEVEN_ZIP = 0xafbc7a37;
const RAR = 0x21726152;
const CAB = 0x4643534d;

const MAGICS: ReadonlySet<number> = new Set([ZIP, SEVEN_ZIP, RAR, CAB, RESOURCE_MAGIC]);

/** PKZIP methods ("APPNOTE.TXT", 4.4.5) that are met. */
const ZIP_METHODS: ReadonlySet<number> = new Set([0, 1, 6, 8, 9, 12, 14, 93, 95, 98, 99]);

/** The names by which `classify` calls what is a script. */
const SCRIPTS: ReadonlySet<string> = new Set([
  "powershell script",
  "batch script",
  "vbs script",
  "javascript",
  "php script",
  "script",
]);

/** Longest text taken for a script. */
const MAX_SCRIPT = 1 << 24;

/** `PE`, `zip`, `7z`, `rar`, `cab`, `resources` or a script's kind; undefined for everything else. */
export function recognise(bytes: Uint8Array): string | undefined {
  const view = new View(bytes);
  if (view.u16(0) === MZ) return isPe(view) ? "PE" : undefined;
  switch (view.u32(0)) {
    case ZIP:
      return (view.u16(4) ?? 99) <= 63 &&
        ZIP_METHODS.has(view.u16(8) ?? -1) &&
        (view.u16(26) ?? 0) > 0 &&
        view.has(30, (view.u16(26) ?? 0) + (view.u16(28) ?? 0))
        ? "zip"
        : undefined;
    case SEVEN_ZIP:
      return view.u16(4) === 0x1c27 && Number(view.u64(12) ?? -1n) + 32 <= view.length ? "7z" : undefined;
    case RAR:
      return view.u16(4) === 0x071a ? "rar" : undefined;
    case CAB:
      return view.u32(4) === 0 && (view.u32(8) ?? 0) >= 36 && (view.u32(8) ?? 0) <= view.length
        ? "cab"
        : undefined;
    case RESOURCE_MAGIC:
      return readResourceSet(view).ok ? "resources" : undefined;
    default:
      return scriptKind(view);
  }
}

function isPe(view: View): boolean {
  if (view.u32(view.u32(0x3c) ?? 0) !== PE) return false;
  const pe = parsePe(view);
  return pe.ok && pe.value.sections.length > 0;
}

function scriptKind(view: View): string | undefined {
  if (view.length < HEAD || view.length > MAX_SCRIPT || textUnit(view.bytes.subarray(0, HEAD)) === 0)
    return undefined;
  const kind = classify(view);
  return SCRIPTS.has(kind) && isText(view.bytes) ? kind : undefined;
}

/** 1 for text of one-byte characters, 2 for UTF-16LE, 0 for what is neither. Looks at the bytes given. */
export function textUnit(bytes: Uint8Array): 0 | 1 | 2 {
  if (bytes.length < HEAD) return 0;
  if (isText(bytes)) return 1;
  const start = bytes[0] === 0xff && bytes[1] === 0xfe ? 2 : 0;
  for (let i = start; i + 1 < bytes.length; i += 2)
    if (bytes[i + 1] !== 0 || !isTextByte(bytes[i] as number)) return 0;
  return 2;
}

function isText(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let high = false;
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) high = true;
    else if (!isTextByte(byte)) return false;
  }
  // A char that the end cuts off may not count against it.
  return !high || [0, 1, 2, 3].some((cut) => utf8(bytes.subarray(start, bytes.length - cut)) !== undefined);
}

function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13;
}

/** Where a gzip stream starts: at 0, or behind the length that Visual Basic's helpers put first; else undefined. */
export function gzipAt(bytes: Uint8Array): 0 | 4 | undefined {
  return isGzip(bytes, 0) ? 0 : isGzip(bytes, 4) ? 4 : undefined;
}

function isGzip(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;
}

function isZlib(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x78) return false;
  const [cmf, flg] = [0x78, bytes[1] ?? 0];
  return ((cmf << 8) | flg) % 31 === 0 && (flg & 0x20) === 0;
}

/** True for the first block types that a compressor writes for a program: dynamic codes, not the last block mostly. */
function couldBeDeflate(bytes: Uint8Array): boolean {
  const kind = (bytes[0] ?? 0) & 7;
  return kind === 4 || kind === 5;
}

/** Whether these bytes (HEAD or more) could start a payload or a coat around one. `deflate`: also without envelope. */
export function startsLikePayload(head: Uint8Array, deflate: boolean): boolean {
  const pair = (head[0] as number) | ((head[1] as number) << 8);
  if (pair === MZ) return true;
  const four = (pair | ((head[2] as number) << 16) | ((head[3] as number) << 24)) >>> 0;
  if (MAGICS.has(four)) return true;
  if (gzipAt(head) !== undefined || isZlib(head)) return true;
  if (deflate && couldBeDeflate(head)) return true;
  // Most keys give noise, and most noise is told from text by a byte or two; BOMs start with ef bb and ff fe.
  const [first, second] = [head[0] as number, head[1] as number];
  const couldBeText = isTextByte(first)
    ? second === 0 || second >= 0x80 || isTextByte(second)
    : pair === 0xbbef || pair === 0xfeff;
  return couldBeText && textUnit(head.subarray(0, HEAD)) !== 0;
}

/** Whether a longer start (PREFIX bytes, or all there is) still holds as what `startsLikePayload` took it for. */
export function prefixHolds(prefix: Uint8Array, deflate: boolean): boolean {
  const view = new View(prefix);
  if (view.u16(0) === MZ) {
    const lfanew = view.u32(0x3c) ?? 0;
    return lfanew + 4 <= prefix.length ? view.u32(lfanew) === PE : lfanew < 1 << 20;
  }
  const at = gzipAt(prefix);
  if (at !== undefined) return inflatedHolds("gzip", prefix.subarray(at));
  if (textUnit(prefix) !== 0) return true;
  if (textUnit(prefix.subarray(0, HEAD)) !== 0) return false;
  if (isZlib(prefix) && inflatedHolds("zlib", prefix)) return true;
  if (deflate && couldBeDeflate(prefix)) return inflatedHolds("deflate", prefix);
  return startsLikePayload(prefix, false) && !isZlib(prefix);
}

/** Whether what the start of a stream gives starts like a payload. */
export function inflatedHolds(kind: "gzip" | "zlib" | "deflate", prefix: Uint8Array): boolean {
  const out = inflateStart(kind, prefix, PREFIX);
  return out !== undefined && out.length >= HEAD && startsLikePayload(out, false);
}
