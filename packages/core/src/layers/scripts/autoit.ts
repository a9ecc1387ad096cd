/** Compiled AutoIt 3 scripts (.a3x, and what the interpreter carries in `RCDATA/SCRIPT` or behind itself). */
import {
  attempt,
  Cursor,
  indexOf,
  latin1,
  latin1Bytes,
  type Span,
  utf8Bytes,
  utf16le,
  View,
} from "../../bytes/index.ts";
import type { Step } from "../../model/index.ts";
import type { Budget } from "../budget.ts";
import type { InnerKind } from "../layer.ts";
import { lame, mersenne, unpackLzss } from "./autoit-ciphers.ts";
import { detokenize } from "./autoit-tokens.ts";

const MAGIC = Uint8Array.of(
  0xa3,
  0x48,
  0x4b,
  0xbe,
  0x98,
  0x6c,
  0x4a,
  0xa9,
  0x99,
  0x4c,
  0x53,
  0x0a,
  0x86,
  0xd6,
  0x48,
  0x7d,
);
/** The magic stands in the first bytes of a resource or overlay. */
const MAX_LEAD = 4096;
/** Files in one compiled script. */
const MAX_FILES = 256;

interface Variant {
  readonly name: "EA05" | "EA06";
  readonly wide: boolean;
  readonly decrypt: (data: Uint8Array, seed: number) => Uint8Array;
  readonly file: number;
  /** XOR of the length and what the length adds to for the seed. */
  readonly type: readonly [number, number];
  readonly path: readonly [number, number];
  readonly size: number;
  readonly check: number;
  readonly content: number;
}

const VARIANTS: readonly Variant[] = [
  {
    name: "EA05",
    wide: false,
    decrypt: mersenne,
    file: 0x16fa,
    type: [0x29bc, 0xa25e],
    path: [0x29ac, 0xf25e],
    size: 0x45aa,
    check: 0xc3d2,
    content: 0x22af,
  },
  {
    name: "EA06",
    wide: true,
    decrypt: lame,
    file: 0x18ee,
    type: [0xadbc, 0xb33f],
    path: [0xf820, 0xf479],
    size: 0x87bc,
    check: 0xa685,
    content: 0x2477,
  },
];

export interface AutoitStart {
  readonly offset: number;
  readonly variant: string;
}

/** Where a compiled script begins, within the first bytes. */
export function autoitMagic(view: View): AutoitStart | undefined {
  const at = indexOf(view.bytes, MAGIC, 0, Math.min(view.length, MAX_LEAD));
  if (at < 0) return undefined;
  const variant = latin1(view.bytes.subarray(at + 16, at + 24));
  return variant.startsWith("AU3!EA") ? { offset: at, variant: variant.slice(4) } : undefined;
}

type Add = (
  bytes: Uint8Array,
  from: readonly Span[],
  steps: readonly Step[],
  source: string,
  kind: InnerKind,
  name: string,
) => unknown;
type Say = (code: string, text: string, ...at: Span[]) => void;

/** Files and script of a compiled script; names it when the cipher is not known. */
export function peelAutoit(view: View, start: AutoitStart, budget: Budget, add: Add, say: Say): void {
  const variant = VARIANTS.find(({ name }) => name === start.variant);
  const at = view.span(start.offset, 24);
  if (variant === undefined) {
    say("autoit", `compiled AutoIt script of a kind that is not decoded: ${start.variant}`, at);
    return;
  }
  let files = 0;
  const result = attempt(() => {
    const cursor = new Cursor(view, start.offset + 24);
    // EA05 seeds its content by the sum of the sixteen bytes of the password's digest.
    const sum = cursor.take(16, "checksum").bytes.reduce((total, byte) => total + byte, 0);
    const seed = (variant.name === "EA05" ? sum : 0) + variant.content;
    for (; files < MAX_FILES; files++) {
      if (
        cursor.remaining < 4 ||
        latin1(variant.decrypt(cursor.take(4, "FILE").bytes, variant.file)) !== "FILE"
      )
        return;
      const type = text(cursor, variant, variant.type, "type");
      const path = text(cursor, variant, variant.path, "path");
      const packed = cursor.u8("compressed") === 1;
      const size = (cursor.u32("size") ^ variant.size) >>> 0;
      cursor.u32("unpacked size");
      if (type === ">>>AUTOIT NO CMDEXECUTE<<<") {
        cursor.skip(size + 20, "content");
        continue;
      }
      const check = (cursor.u32("checksum") ^ variant.check) >>> 0;
      cursor.skip(16, "times");
      const sealed = cursor.take(size, "content");
      const plain = variant.decrypt(sealed.bytes, seed);
      if (adler32(plain) !== check)
        say("checksum", `AutoIt file whose checksum does not hold: ${type}`, sealed.span());
      const bytes = packed ? unpackLzss(plain, budget.allowance(size)) : plain;
      if (bytes === undefined) {
        say("malformed", `AutoIt file that does not unpack: ${type}`, sealed.span());
        continue;
      }
      const steps: Step[] = [
        { op: `autoit-${variant.name.toLowerCase()}`, params: { seed } },
        ...(packed ? [{ op: "autoit-lzss" }] : []),
      ];
      file(bytes, type, path, sealed.span(), steps, add, say);
    }
  });
  if (!result.ok) say("malformed", `compiled AutoIt script breaks off: ${result.error.field}`, at);
  else if (files === 0)
    say("autoit", `compiled AutoIt script (${variant.name}) whose entries do not decrypt`, at);
}

function file(
  bytes: Uint8Array,
  type: string,
  path: string,
  at: Span,
  steps: readonly Step[],
  add: Add,
  say: Say,
): void {
  const leaf = path.split(/[\\/]/).at(-1)?.slice(-120) || "file";
  if (type === ">>>AUTOIT SCRIPT<<<") {
    const { text, whole } = detokenize(new View(bytes));
    if (!whole) say("autoit", "AutoIt script read only in part: a token is not known", at);
    add(
      utf8Bytes(text),
      [at],
      [...steps, { op: "autoit-detokenize" }],
      "AutoIt script",
      "script",
      "script.au3",
    );
  } else if (type === ">AUTOIT UNICODE SCRIPT<")
    add(
      utf8Bytes(utf16le(bytes)),
      [at],
      [...steps, { op: "utf16le" }],
      "AutoIt script",
      "script",
      "script.au3",
    );
  else if (type === ">AUTOIT SCRIPT<") add(bytes, [at], steps, "AutoIt script", "script", "script.au3");
  else add(bytes, [at], steps, `AutoIt file ${leaf}`, "member", leaf);
}

function text(
  cursor: Cursor,
  variant: Variant,
  [xor, add]: readonly [number, number],
  field: string,
): string {
  const length = (cursor.u32(field) ^ xor) >>> 0;
  const { bytes } = cursor.take(variant.wide ? length * 2 : length, field);
  const plain = variant.decrypt(bytes, length + add);
  return variant.wide ? utf16le(plain) : latin1(plain);
}

/** RFC 1950; of what stands decrypted. */
export function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < data.length; i++) {
    a = (a + (data[i] as number)) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

export const AUTOIT_MAGIC: Uint8Array = latin1Bytes(latin1(MAGIC));
