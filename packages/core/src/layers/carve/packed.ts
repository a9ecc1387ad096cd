/** What stands compressed, by the codecs' own marks: gzip, zlib, aPLib, LZNT1 anywhere; LZMA at the start only. */
import { View } from "../../bytes/index.ts";
import {
  inflateStart,
  isDynamicBlock,
  lzmaHeader,
  type Unpacked,
  unpackAplib,
  unpackLzmaFile,
  unpackLznt1,
} from "../../codecs/index.ts";
import { embeddedPe } from "../around-pe/embedded-pe.ts";
import { sniff } from "../sniff.ts";
import { type Carved, HEAD, MAX_CANDIDATES, MAX_CARVED, type MarkCarver, type SearchArea } from "./carved.ts";

interface Codec {
  readonly op: string;
  /** The first bytes that come out of a stream, of which `input` may be the start only. */
  readonly head: (input: Uint8Array, limit: number) => Uint8Array | undefined;
}

function whole(op: string, unpack: (input: Uint8Array, limit: number) => Unpacked | undefined): Codec {
  return { op, head: (input, limit) => unpack(input, limit)?.bytes };
}

const GZIP: Codec = { op: "gunzip", head: (input, limit) => inflateStart("gzip", input, limit) };
const ZLIB: Codec = { op: "zlib", head: (input, limit) => inflateStart("zlib", input, limit) };
const APLIB = whole("aplib", unpackAplib);
const LZNT1 = whole("lznt1", unpackLznt1);
const LZMA = whole("lzma", unpackLzmaFile);

/** Input that is enough to see what comes out. */
const PROBE = 0x1_0000;

/** Head of what `codec` makes of the bytes at `at`. */
function headOf({ head }: Codec, view: View, at: number): View | undefined {
  const made = head(view.clip(at, PROBE).bytes, HEAD);
  return made && made.length >= 0x40 ? new View(made) : undefined;
}

const Z = 0x5a;
const GZIP_FIRST = 0x1f;
const ZLIB_FIRST = 0x78;

/** Carves compressed images; `limitOf` gives the most that may come out of so many bytes. */
export function packedCarver(
  { view, start, end }: SearchArea,
  limitOf: (input: number) => number,
): MarkCarver {
  const found: Carved[] = [];
  let candidates = 0;
  const { bytes } = view;
  const take = (codec: Codec, at: number): void => {
    if (++candidates > MAX_CANDIDATES || found.length >= MAX_CARVED) return;
    const head = headOf(codec, view, at);
    const image = head && embeddedPe(head, 0);
    if (image === undefined) return;
    const length = end - at;
    const step = { op: codec.op, params: { limit: limitOf(length) } };
    found.push({ start: at, length, steps: [step], format: image.format });
  };
  // aPLib and LZNT1 leave the first letters of a file as they are, between their own bytes.
  const carve = (at: number, mark: number): void => {
    if (mark === Z) {
      if (bytes[at - 2] === 0x4d && at - 2 >= start && isAplibTag(bytes[at - 1] as number))
        take(APLIB, aplibStart(bytes, at - 2, start));
      else if (bytes[at - 1] === 0x4d && at - 4 >= start && isLznt1(bytes, at - 4)) take(LZNT1, at - 4);
    } else if (mark === GZIP_FIRST) {
      if (bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && ((bytes[at + 3] as number) & 0xe0) === 0)
        take(GZIP, at);
    } else if (isZlib(bytes, at)) take(ZLIB, at);
  };
  return { marks: [Z, GZIP_FIRST, ZLIB_FIRST], carve, found };
}

/** The first bit says that the Z is a literal. */
function isAplibTag(tag: number): boolean {
  return tag < 0x80;
}

const AP32_HEADER = 24;

function aplibStart(bytes: Uint8Array, stream: number, floor: number): number {
  const at = stream - AP32_HEADER;
  return at >= floor && bytes[at] === 0x41 && bytes[at + 1] === 0x50 && bytes[at + 2] === 0x33 ? at : stream;
}

/** A compressed chunk's header and flags under which M and Z are literals. */
function isLznt1(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 1] as number) & 0xf0) === 0xb0 && ((bytes[at + 2] as number) & 3) === 0;
}

const ZLIB_LEVELS: ReadonlySet<number> = new Set([0x01, 0x5e, 0x9c, 0xda]);

/** One of the four levels' headers, and a first block of dynamic Huffman codes or a stored one that holds. */
function isZlib(bytes: Uint8Array, at: number): boolean {
  if (!ZLIB_LEVELS.has(bytes[at + 1] as number)) return false;
  const type = ((bytes[at + 2] as number) >> 1) & 3;
  return type === 2 ? isDynamicBlock(bytes, at + 2) : type === 0 && isStoredBlock(bytes, at + 3);
}

/** LEN and its complement (RFC 1951, 3.2.4). */
function isStoredBlock(bytes: Uint8Array, at: number): boolean {
  return (
    ((bytes[at] as number) ^ (bytes[at + 2] as number)) === 0xff &&
    ((bytes[at + 1] as number) ^ (bytes[at + 3] as number)) === 0xff
  );
}

/** A size that loaders put before the stream. */
const SKIPS: readonly number[] = [0, 4, 8];

/**
 * What the whole of `view` is compressed with, judged at its start: anything that `sniff` names may come out, not only
 * an image. Undefined when it is not, or when nothing of use comes out.
 */
export function packedAtStart(view: View, limitOf: (input: number) => number): Carved | undefined {
  for (const skip of SKIPS) {
    const codec = codecAt(view.clip(skip, 64));
    const head = codec && headOf(codec, view, skip);
    const format = head && sniff(head);
    if (codec === undefined || format === undefined) continue;
    const start = skip;
    const length = view.length - skip;
    return { start, length, steps: [{ op: codec.op, params: { limit: limitOf(length) } }], format };
  }
  return undefined;
}

function codecAt(head: View): Codec | undefined {
  const { bytes } = head;
  if (bytes.length < 32) return undefined;
  if (head.u16be(0) === 0x1f8b) return GZIP;
  if (bytes[0] === 0x78 && isZlib(bytes, 0)) return ZLIB;
  if (head.u32be(0) === 0x41503332) return APLIB;
  if (bytes[0] === 0x4d && bytes[2] === 0x5a && isAplibTag(bytes[1] as number)) return APLIB;
  if (((bytes[1] as number) & 0xf0) === 0xb0) return LZNT1;
  const lzma = lzmaHeader(bytes);
  // Dictionaries are powers of two, or half as much again; the range coder's first byte is 0.
  const isLzma =
    lzma !== undefined && bytes[13] === 0 && lzma.dictionary >= 0x1000 && lzma.dictionary % 0x1000 === 0;
  return isLzma ? LZMA : undefined;
}
