/** What counts as a payload, told from its first bytes and then from the whole. */
import { View } from "../../bytes/index.ts";
import { inflateStart, isDynamicBlock } from "../../codecs/index.ts";
import { classify, parsePe } from "../../formats/index.ts";
import { RESOURCE_MAGIC, readResourceSet } from "./resource-set.ts";
import { couldStartText, isText, isWideText } from "./text-bytes.ts";

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
  return isText(bytes) ? 1 : isWideText(bytes) ? 2 : 0;
}

/** Where a gzip stream starts: at 0, or behind the length that Visual Basic's helpers put first; else undefined. */
export function gzipAt(bytes: Uint8Array): 0 | 4 | undefined {
  return isGzip(bytes, 0) ? 0 : isGzip(bytes, 4) ? 4 : undefined;
}

const GZIP_FIRST = 0x1f;

function isGzip(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === GZIP_FIRST && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;
}

function isZlib(cmf: number, flg: number): boolean {
  return cmf === 0x78 && ((cmf << 8) | flg) % 31 === 0 && (flg & 0x20) === 0;
}

/** True for the first block types that a compressor writes for a program: dynamic codes, not the last block mostly. */
function couldBeDeflate(first: number): boolean {
  const kind = first & 7;
  return kind === 4 || kind === 5;
}

/** What a payload's first two bytes may be: PLAIN, DEFLATE (a deflate stream without envelope), both or 0. */
const PLAIN = 1;
const DEFLATE = 2;
let possible: Uint8Array | undefined;

/** Made when it is first asked for: most programs hide nothing. */
function pairTable(): Uint8Array {
  if (possible !== undefined) return possible;
  const table = new Uint8Array(0x1_0000);
  for (let first = 0; first < 0x100; first++) {
    const deflate = couldBeDeflate(first) ? DEFLATE : 0;
    for (let second = 0; second < 0x100; second++) {
      const isPlain = isZlib(first, second) || couldStartText(first, second);
      table[first | (second << 8)] = deflate | (isPlain ? PLAIN : 0);
    }
  }
  for (const known of [MZ, 0x8b1f, ...MAGICS]) {
    const pair = known & 0xffff;
    table[pair] = (table[pair] as number) | PLAIN;
  }
  possible = table;
  return table;
}

/** Whether these bytes (HEAD or more) could start a payload or a coat around one. `deflate`: also without envelope. */
export function startsLikePayload(head: Uint8Array, deflate: boolean): boolean {
  const pair = (head[0] as number) | ((head[1] as number) << 8);
  const kinds = pairTable()[pair] as number;
  if (deflate && (kinds & DEFLATE) !== 0 && isDynamicBlock(head, 0)) return true;
  if ((kinds & PLAIN) === 0) return isGzip(head, 4);
  if (pair === MZ) return true;
  const four = (pair | ((head[2] as number) << 16) | ((head[3] as number) << 24)) >>> 0;
  if (MAGICS.has(four)) return true;
  if (gzipAt(head) !== undefined || isZlib(head[0] as number, head[1] as number)) return true;
  return textUnit(head.subarray(0, HEAD)) !== 0;
}

/** Many blocks of one size that are XORed to one: their bytes that tell most of them off. */
export interface Masks {
  readonly blocks: readonly Uint8Array[];
  readonly pairs: Uint16Array;
  readonly fifths: Uint8Array;
}

export function masksOf(blocks: readonly Uint8Array[]): Masks {
  return {
    blocks,
    pairs: Uint16Array.from(blocks, (block) => (block[0] as number) | ((block[1] as number) << 8)),
    fifths: Uint8Array.from(blocks, (block) => block[4] as number),
  };
}

/** The next mask, from `from` on, under which `block` may start a payload (for `startsLikePayload` to say); -1 for none. */
export function nextMask(
  { pairs, fifths }: Masks,
  block: Uint8Array,
  deflate: boolean,
  from: number,
): number {
  const kinds = pairTable();
  const wanted = deflate ? PLAIN | DEFLATE : PLAIN;
  const pair = (block[0] as number) | ((block[1] as number) << 8);
  // Of gzip behind a length, whose first bytes may be any.
  const fifth = (block[4] as number) ^ GZIP_FIRST;
  for (let i = from; i < pairs.length; i++)
    if (((kinds[(pairs[i] as number) ^ pair] as number) & wanted) !== 0 || fifths[i] === fifth) return i;
  return -1;
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
  const isEnveloped = isZlib(prefix[0] ?? 0, prefix[1] ?? 0);
  if (isEnveloped && inflatedHolds("zlib", prefix)) return true;
  if (deflate && couldBeDeflate(prefix[0] ?? 0) && isDynamicBlock(prefix, 0))
    return inflatedHolds("deflate", prefix);
  return startsLikePayload(prefix, false) && !isEnveloped;
}

/** Whether what the start of a stream gives starts like a payload. */
export function inflatedHolds(kind: "gzip" | "zlib" | "deflate", prefix: Uint8Array): boolean {
  const out = inflateStart(kind, prefix, PREFIX);
  return out !== undefined && out.length >= HEAD && startsLikePayload(out, false);
}
