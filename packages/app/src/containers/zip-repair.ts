/**
 * A zip whose central directory is missing, cut off or false, with a new one: 7-Zip then reads the members with all its
 * methods. Facts: PKWARE APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12, 4.3.16.
 */
import { concatBytes, indexOf, latin1Bytes, View } from "@assay/core/bytes/index";

const LOCAL = latin1Bytes("PK\x03\x04");
const LOCAL_SIZE = 30;
const CENTRAL_SIZE = 46;
const STORED = 0;
const ENCRYPTED = 1;
/** Random bytes that ZipCrypto puts in front. */
const SEAL_SIZE = 12;
/** Sizes follow the data, in a descriptor. */
const HAS_DESCRIPTOR = 8;

interface Local {
  readonly offset: number;
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
  readonly name: Uint8Array;
  readonly fixed: Uint8Array;
  readonly extra: Uint8Array;
}

/** The zip with a directory made from its local headers, at most `limit` of them; undefined when it has none. */
export function rebuildZip(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  const locals = [...localHeaders(new View(bytes), limit)];
  const last = locals.at(-1);
  if (last === undefined) return undefined;
  const body = bytes.subarray(
    0,
    last.offset + LOCAL_SIZE + last.name.length + last.extra.length + last.packed,
  );
  const directory = concatBytes(...locals.map(central));
  const end = new Uint8Array(22);
  const out = new DataView(end.buffer);
  out.setUint32(0, 0x0605_4b50, true);
  out.setUint16(8, locals.length, true);
  out.setUint16(10, locals.length, true);
  out.setUint32(12, directory.length, true);
  out.setUint32(16, body.length, true);
  return concatBytes(body, directory, end);
}

function* localHeaders(view: View, limit: number): Generator<Local> {
  let at = indexOf(view.bytes, LOCAL, 0);
  for (let count = 0; at >= 0 && count < Math.min(limit, 0xffff); count++) {
    const header = view.sub(at, LOCAL_SIZE);
    if (header === undefined) return;
    const flags = header.u16(6) as number;
    const nameLength = header.u16(26) as number;
    const data = at + LOCAL_SIZE + nameLength + (header.u16(28) as number);
    if (data >= view.length) return;
    const next = indexOf(view.bytes, LOCAL, data);
    const bound = (next < 0 ? view.length : next) - data;
    let [crc, packed, size] = [14, 18, 22].map((field) => header.u32(field) as number) as [
      number,
      number,
      number,
    ];
    if ((flags & HAS_DESCRIPTOR) !== 0 && packed === 0) {
      const found = descriptor(view, data, bound);
      if (found !== undefined) [crc, packed, size] = [found.crc, found.packed, found.size];
      else packed = size = bound;
    }
    if (packed > view.length - data) {
      packed = view.length - data;
      // What is stored as it is has no end of its own.
      if (header.u16(8) === STORED) size = Math.max(0, packed - ((flags & ENCRYPTED) === 0 ? 0 : SEAL_SIZE));
    }
    yield {
      offset: at,
      crc,
      packed,
      size,
      fixed: view.bytes.subarray(at + 4, at + 14),
      name: view.bytes.subarray(at + LOCAL_SIZE, at + LOCAL_SIZE + nameLength),
      extra: view.bytes.subarray(at + LOCAL_SIZE + nameLength, data),
    };
    at = indexOf(view.bytes, LOCAL, data + packed);
  }
}

/** `PK\7\8`, CRC, packed and unpacked size; its packed size must lead back to the data's start. */
function descriptor(
  view: View,
  data: number,
  bound: number,
): { crc: number; packed: number; size: number } | undefined {
  for (let at = data; at + 16 <= data + bound; at++) {
    at = view.bytes.indexOf(0x50, at);
    if (at < 0 || at + 16 > data + bound) return undefined;
    if (view.u32(at) === 0x0807_4b50 && view.u32(at + 8) === at - data)
      return { crc: view.u32(at + 4) as number, packed: at - data, size: view.u32(at + 12) as number };
  }
  return undefined;
}

function central(local: Local): Uint8Array {
  const header = new Uint8Array(CENTRAL_SIZE);
  const out = new DataView(header.buffer);
  out.setUint32(0, 0x0201_4b50, true);
  out.setUint16(4, 20, true);
  header.set(local.fixed, 6);
  out.setUint32(16, local.crc, true);
  out.setUint32(20, local.packed, true);
  out.setUint32(24, local.size, true);
  out.setUint16(28, local.name.length, true);
  out.setUint16(30, local.extra.length, true);
  out.setUint32(42, local.offset, true);
  return concatBytes(header, local.name, local.extra);
}
