/**
 * Wrappings that loaders put around a program: junk, a certificate table that holds something else, an overlay, a
 * resource, and encodings of it. Each takes and gives the bytes of a file.
 */
import { concatBytes, latin1Bytes } from "@assay/core/bytes/index";
import { buildPe } from "./pe-writer.ts";

export type Junk = "zeros" | "nops" | "block";

/** Bytes of the block that is repeated: nothing that a page or a sector divides. */
const BLOCK = 100_003;

/** `size` bytes of zeros, of 0x90, or of one random-looking block over and over. */
export function junk(kind: Junk, size: number): Uint8Array {
  const out = new Uint8Array(size);
  if (kind === "nops") out.fill(0x90);
  if (kind !== "block") return out;
  for (let i = 0, state = 1; i < Math.min(size, BLOCK); i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[i] = state >>> 16;
  }
  for (let done = BLOCK; done < size; done *= 2) out.copyWithin(done, 0, Math.min(done, size - done));
  return out;
}

/** Behind the file's last byte. */
export function withOverlay(file: Uint8Array, data: Uint8Array): Uint8Array {
  return concatBytes(file, data);
}

/** Raw data of section `index` grows by `data`, past what is mapped; what stands behind moves. For files of `buildPe`. */
export function withSectionData(file: Uint8Array, index: number, data: Uint8Array): Uint8Array {
  const headers = headersOf(file);
  const raw = headers.u32(headers.section(index) + 20);
  const end = raw + headers.u32(headers.section(index) + 16);
  const out = concatBytes(file.subarray(0, end), data, file.subarray(end));
  const view = new DataView(out.buffer);
  view.setUint32(headers.section(index) + 16, end - raw + data.length, true);
  for (let i = 0; i < headers.sections; i++) {
    const at = headers.section(i) + 20;
    if (headers.u32(at) >= end) view.setUint32(at, headers.u32(at) + data.length, true);
  }
  return out;
}

/** A certificate table with one PKCS #7 entry, `data` behind its DER; or, with `instead`, no certificate at all. */
export function withCertificateData(file: Uint8Array, data: Uint8Array, instead = false): Uint8Array {
  const start = Math.ceil(file.length / 8) * 8;
  const der = Uint8Array.of(0x30, 0x82, 0x00, 0x10, ...new Uint8Array(16).fill(5));
  const length = 8 + der.length + data.length;
  const entry = Uint8Array.of(length, length >> 8, length >> 16, length >>> 24, 0, 2, 2, 0);
  const table = instead ? data : concatBytes(entry, der, data);
  const out = concatBytes(file, new Uint8Array(start - file.length), table);
  const headers = headersOf(file);
  const view = new DataView(out.buffer);
  view.setUint32(headers.directory(4), start, true);
  view.setUint32(headers.directory(4) + 4, table.length, true);
  return out;
}

/** A program with these resources, RCDATA/1 and so on. */
export function withResources(...data: readonly Uint8Array[]): Uint8Array {
  return buildPe({ resources: data.map((one, i) => ({ type: 10, name: i + 1, data: one })) });
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function toBase64(data: Uint8Array): Uint8Array {
  let text = "";
  for (let i = 0; i < data.length; i += 3) {
    const [a = 0, b = 0, c = 0] = data.subarray(i, i + 3);
    const bits = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => BASE64.charAt((bits >> shift) & 63)).join("");
    text += digits.slice(0, Math.min(4, data.length - i + 1)).padEnd(4, "=");
  }
  return latin1Bytes(text);
}

/** aPLib that only knows literals. */
export function toAplib(data: Uint8Array): Uint8Array {
  const out: number[] = [data[0] ?? 0];
  for (let i = 1; i < data.length; i += 8) out.push(0, ...data.subarray(i, i + 8));
  // The last tag byte's unused bits are zeros and would be literals: the end mark 110 with a zero must follow them.
  const used = (data.length - 1) % 8;
  const tagAt = used === 0 ? out.length : out.length - used - 1;
  const bits = [1, 1, 0];
  if (used === 0) out.push(0);
  let overflow = 0;
  bits.forEach((bit, i) => {
    const position = used + i;
    if (position < 8) out[tagAt] = (out[tagAt] as number) | (bit << (7 - position));
    else overflow |= bit << (15 - position);
  });
  if (used + bits.length > 8) out.push(overflow);
  return Uint8Array.from([...out, 0]);
}

/** The `AP32` header before an aPLib stream; the checksums are left zero. */
export function withAp32(packed: Uint8Array, size: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(24));
  [0x32335041, 24, packed.length, 0, size, 0].forEach((value, i) => {
    header.setUint32(4 * i, value, true);
  });
  return concatBytes(new Uint8Array(header.buffer), packed);
}

/** LZNT1 that only knows literals, in compressed chunks, and a zero header at the end. */
export function toLznt1(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < data.length; i += 3584) {
    const chunk: number[] = [];
    const plain = data.subarray(i, i + 3584);
    for (let k = 0; k < plain.length; k += 8) chunk.push(0, ...plain.subarray(k, k + 8));
    const header = 0xb000 | (chunk.length - 1);
    parts.push(Uint8Array.of(header & 0xff, header >> 8, ...chunk));
  }
  return concatBytes(...parts, new Uint8Array(2));
}

/** Where things stand in a file of `buildPe`. */
function headersOf(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  const nt = u32(0x3c);
  const optional = nt + 24;
  const is64 = view.getUint16(optional, true) === 0x20b;
  return {
    u32,
    sections: view.getUint16(nt + 6, true),
    section: (index: number): number => optional + view.getUint16(nt + 20, true) + 40 * index,
    directory: (index: number): number => optional + (is64 ? 112 : 96) + 8 * index,
  };
}
