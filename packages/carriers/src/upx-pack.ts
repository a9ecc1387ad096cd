/**
 * Packs a PE as UPX does, for carriers, so that what unpacks UPX can be tested without UPX. The layout and every part that
 * an unpacker needs are UPX's; the stub only loads where the data is and returns, so the result is harmless: it does not
 * run the program inside. Format facts: UPX's pefile.cpp.
 */
import { concatBytes, View } from "@assay/core/bytes/index";
import { adler32 } from "@assay/core/codecs/index";
import { openImage } from "@assay/core/formats/index";
import { encodeUpx, type UpxEncoding } from "./upx-encode.ts";
import { filterCode, UpxSource } from "./upx-source.ts";

export interface UpxOptions {
  readonly method: UpxEncoding;
  /** 24, 26, 46 or 49 (hex); none by default. */
  readonly filter?: number;
  /** Instead of UPX0, UPX1 and .rsrc or UPX2. */
  readonly sectionNames?: readonly [string, string, string];
  /** `magic`: the magic is another; `wiped`: all of it is zeros; `whole` by default. */
  readonly header?: "whole" | "magic" | "wiped";
  /** Wrong checksums in a header that is right in itself. */
  readonly wrongAdler?: boolean;
  /** Names of imports are left where they are, as UPX does when they are not in one piece. */
  readonly keepNames?: boolean;
  /** Bytes that the compressed image must not be read to the end of: corrupts it. */
  readonly corruptAt?: number;
}

const METHOD_IDS = { nrv2b: 2, nrv2d: 5, nrv2e: 8, lzma: 14 };
const FILE_ALIGNMENT = 0x200;
const PAGE = 0x1000;
const HEADER = 32;

/** The packed file; an overlay stays one. Throws for what is not a PE with 16 data directories. */
export function packUpx(file: Uint8Array, options: UpxOptions): Uint8Array {
  const original = openImage(new View(file));
  const source = new UpxSource(original, options.keepNames ?? false);
  const cto = options.filter === undefined ? 0 : filterCode(source, options.filter);
  const { pe } = source;

  // Where everything goes depends on sizes only, but the open section holds RVAs of its own.
  const plain = source.image();
  const packedAt = source.first + align(plain.length + PAGE, PAGE);
  const compressed = encodeUpx(plain, options.method);
  const stubAt = align(HEADER + compressed.length, 16);
  const code = stub(source.isDll, pe.is64, options, cto, plain.length, compressed.length, {
    source: packedAt + HEADER,
    at: packedAt + stubAt,
    target: source.first,
    imageBase: Number(pe.imageBase),
  });
  const packed = new Uint8Array(stubAt + code.length);
  packed.set(packHeader(options, plain, compressed, cto, pe.is64, file.length));
  packed.set(compressed, HEADER);
  packed.set(code, stubAt);
  if (options.corruptAt !== undefined) packed[HEADER + options.corruptAt] = 0x5a;
  const openAt = packedAt + align(packed.length, PAGE);
  const open = source.open(openAt);

  const names = options.sectionNames ?? ["UPX0", "UPX1", open.resources > 0 ? ".rsrc" : "UPX2"];
  const headersEnd = align(pe.lfanew + source.headersSize + 3 * 40, FILE_ALIGNMENT);
  const openOffset = headersEnd + align(packed.length, FILE_ALIGNMENT);
  const end = openOffset + align(open.bytes.length, FILE_ALIGNMENT);
  const overlay = original.overlay?.bytes ?? new Uint8Array(0);
  const out = new Uint8Array(end + overlay.length);
  out.set(file.subarray(0, pe.lfanew + source.headersSize));
  out.set(packed, headersEnd);
  out.set(open.bytes, openOffset);
  out.set(overlay, end);

  const data = new DataView(out.buffer);
  const optional = pe.lfanew + 24;
  data.setUint16(pe.lfanew + 6, 3, true);
  data.setUint32(optional + 16, packedAt + stubAt, true);
  data.setUint32(optional + 56, openAt + align(Math.max(open.bytes.length, 1), PAGE), true);
  data.setUint32(optional + 60, headersEnd, true);
  data.setUint32(optional + 36, FILE_ALIGNMENT, true);
  const directories = optional + source.optionalSize - 128;
  for (const index of [0, 1, 2, 5, 6, 9, 10, 11, 12]) {
    const [rva, size] = open.directories.get(index) ?? [0, 0];
    data.setUint32(directories + 8 * index, rva, true);
    data.setUint32(directories + 8 * index + 4, size, true);
  }
  const { first } = source;
  const table: [number, number, number, number, number][] = [
    [packedAt - first, first, 0, headersEnd, 0xe0000080],
    [align(packed.length, PAGE), packedAt, align(packed.length, FILE_ALIGNMENT), headersEnd, 0xe0000040],
    [open.bytes.length, openAt, align(open.bytes.length, FILE_ALIGNMENT), openOffset, 0xc0000040],
  ];
  table.forEach(([virtualSize, rva, rawSize, offset, flags], i) => {
    const at = optional + source.optionalSize + 40 * i;
    out.fill(0, at, at + 40);
    for (let n = 0; n < 8; n++) out[at + n] = (names[i] as string).charCodeAt(n) || 0;
    [virtualSize, rva, rawSize, offset].forEach((value, n) => {
      data.setUint32(at + 8 + 4 * n, value, true);
    });
    data.setUint32(at + 36, flags, true);
  });
  return out;
}

function packHeader(
  options: UpxOptions,
  plain: Uint8Array,
  compressed: Uint8Array,
  cto: number,
  is64: boolean,
  fileSize: number,
): Uint8Array {
  const header = new Uint8Array(HEADER);
  if (options.header === "wiped") return header;
  const data = new DataView(header.buffer);
  const wrong = options.wrongAdler ? 1 : 0;
  header.set([0x55, 0x50, 0x58, 0x21, 13, is64 ? 36 : 9, METHOD_IDS[options.method], 8]);
  data.setUint32(8, adler32(plain) ^ wrong, true);
  data.setUint32(12, adler32(compressed) ^ wrong, true);
  data.setUint32(16, plain.length, true);
  data.setUint32(20, compressed.length, true);
  data.setUint32(24, fileSize, true);
  header[28] = options.filter ?? 0;
  header[29] = cto;
  header[31] = header.subarray(4, 31).reduce((sum, byte) => sum + byte, 0) % 251;
  if (options.header === "magic") header.set([0x41, 0x42, 0x43, 0x21]);
  return header;
}

/** The loads of UPX's stub, then a return; behind it, never run, the instructions that hold sizes and filter. */
function stub(
  isDll: boolean,
  is64: boolean,
  options: UpxOptions,
  cto: number,
  plainSize: number,
  compressedSize: number,
  places: { source: number; at: number; target: number; imageBase: number },
): Uint8Array {
  const u32 = (value: number) => [0, 8, 16, 24].map((bits) => (value >>> bits) & 0xff);
  const distance = places.target - places.source;
  const ret = isDll ? [0xb8, 1, 0, 0, 0, ...(is64 ? [0xc3] : [0xc2, 12, 0])] : [0x33, 0xc0, 0xc3];
  const loads = is64
    ? // push rbx, rsi, rdi, rbp; lea rsi, [rip + d]; lea rdi, [rsi + d]; pop them again
      [
        ...[0x53, 0x56, 0x57, 0x55, 0x48, 0x8d, 0x35, ...u32(places.source - (places.at + 11))],
        ...[0x48, 0x8d, 0xbe, ...u32(distance), 0x5d, 0x5f, 0x5e, 0x5b],
      ]
    : // pushad; mov esi, source; lea edi, [esi + d]; popad
      [0x60, 0xbe, ...u32(places.imageBase + places.source), 0x8d, 0xbe, ...u32(distance), 0x61];
  const lzma32 = [0x53, 0x68, ...u32(plainSize), 0x57, 0x83, 0xc3, 4, 0x53];
  const lzma64 = [0xb8, ...u32(plainSize), 0x50, 0x48, 0x89, 0xe1, 0x48, 0x89, 0xfa, 0x48, 0x89, 0xf7];
  const lzma = is64
    ? [...lzma64, 0xbe, ...u32(compressedSize - 2)]
    : [...lzma32, 0x68, ...u32(compressedSize - 2), 0x56];
  return concatBytes(
    Uint8Array.from([...loads, ...ret, ...(options.method === "lzma" ? lzma : [])]),
    Uint8Array.from(filterLoop(is64, options.filter ?? 0, cto)),
  );
}

function filterLoop(is64: boolean, filter: number, cto: number): number[] {
  if (filter === 0) return [];
  if (is64) return [0x56, 0x48, 0x89, 0xf7, 0x48, 0xc7, 0xc6, 0, 0, 0, 0, 0xb2, cto];
  if (filter === 0x24)
    return [0xb0, 0xe8, 0xf2, 0xae, 0x75, 0x17, 0x80, 0x3f, cto, 0x75, 0xf7, 0x8b, 7, 0x66, 0xc1, 0xe8, 8];
  const start = [0x8a, 7, 0x47];
  const conditional = [0x3c, 0x80, 0x72, 10, 0x3c, 0x8f, 0x77, 6, 0x80, 0x7f, 0xfe, 0x0f, 0x74, 6];
  const test = [0x2c, 0xe8, 0x3c, 1];
  if (filter === 0x26)
    return [
      ...start,
      ...test,
      0x77,
      0xf7,
      0x80,
      0x3f,
      cto,
      0x75,
      0xf2,
      0x8b,
      7,
      0x8a,
      0x5f,
      4,
      0x66,
      0xc1,
      0xe8,
      8,
    ];
  const rest = [0x77, 0x24, 0x83, 0xf9, 4, 0x72, 0x24, 0x8b, 7, 0x2c, cto];
  return [...start, ...(filter === 0x49 ? conditional : []), ...test, ...rest];
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
