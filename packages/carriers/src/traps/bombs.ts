/** Files of ours that unpack, count or point without end. All their bytes are made here, and none of them does anything. */
import { constants, deflateRawSync } from "node:zlib";
import { buildAssembly } from "../dotnet-writer.ts";
import { buildPe } from "../pe-writer.ts";
import { deflated, stored, writeZip, type ZipMember } from "./zip-writer.ts";

const MIB = 1024 * 1024;
/** Zeros in the bottom file of a nested bomb: just under what a zip can say without zip64, as 42.zip has it. */
/** Zeros in each leaf of a varied bomb. */
const LEAF = 4096;
const BOTTOM_MIB = 4095;
/** Their CRC-32. */
const BOTTOM_CRC = 0x65d3_537a;

/** Nearly 4 GiB of zeros: the deflate stream of one MiB, which leans on nothing before it, over and over. */
function bottom(): ZipMember {
  const mib = deflateRawSync(Buffer.alloc(MIB), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const parts = Array.from({ length: BOTTOM_MIB }, () => mib);
  // An empty last block with fixed codes.
  const packed = Buffer.concat([...parts, Buffer.from([3, 0])]);
  return { name: "0.dll", method: 8, crc: BOTTOM_CRC, size: BOTTOM_MIB * MIB, packed };
}

/** As 42.zip: `width` members in each zip, `levels` zips deep, 4 GiB at the bottom of each. Some 40 KB. */
export function nestedBomb(width = 16, levels = 5): Uint8Array {
  let zip = writeZip([bottom()]);
  for (let level = 0; level < levels; level++) {
    const one = deflated("lib.zip", zip);
    zip = writeZip(Array.from({ length: width }, (_, i) => ({ ...one, name: `lib ${i.toString(16)}.zip` })));
  }
  return zip;
}

/** The same with no two zips alike, so that none can be passed over as known: `width` to the power of `levels` leaves. */
export function variedBomb(width = 16, levels = 3, path = ""): Uint8Array {
  const members = Array.from({ length: width }, (_, i) => {
    const own = `${path}${i.toString(16)}`;
    return levels === 1
      ? deflated(`${own}.bin`, Buffer.concat([Buffer.from(own), Buffer.alloc(LEAF)]))
      : stored(`${own}.zip`, variedBomb(width, levels - 1, own));
  });
  return writeZip(members);
}

/** A zip of so many members of one byte each. */
export function crowdedZip(count: number): Uint8Array {
  return writeZip(Array.from({ length: count }, (_, i) => stored(`${i}`, Uint8Array.of(i & 0xff))));
}

const SECTION_HEADER = 40;
const MANY_SECTIONS = 0xffff;

/** A PE whose table has 65,535 sections, each with the same `size` bytes of the file behind it. */
export function manySections(size = MIB): Uint8Array {
  const plain = buildPe({ sections: [{ name: ".text", data: new Uint8Array(16) }] });
  const header = new DataView(plain.buffer, plain.byteOffset);
  const pe = header.getUint32(0x3c, true);
  const table = pe + 24 + header.getUint16(pe + 20, true);
  const body = table + MANY_SECTIONS * SECTION_HEADER;
  const bytes = new Uint8Array(body + size);
  bytes.set(plain.subarray(0, table));
  const view = new DataView(bytes.buffer);
  view.setUint16(pe + 6, MANY_SECTIONS, true);
  for (let i = 0; i < MANY_SECTIONS; i++) {
    const at = table + i * SECTION_HEADER;
    bytes.set(Buffer.from(`.s${i}`), at);
    view.setUint32(at + 8, size, true);
    // All but overlapping: 65,535 starts, a page apart.
    view.setUint32(at + 12, (i + 1) * 0x1000, true);
    view.setUint32(at + 16, size, true);
    view.setUint32(at + 20, body, true);
    view.setUint32(at + 36, 0x6000_0020, true);
  }
  // Something to look at: no two bytes of a section repeat for long.
  for (let i = body, state = 1; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A program whose first resource directory entry leads back to the root. */
export function resourceLoop(): Uint8Array {
  const bytes = buildPe({
    sections: [],
    resources: [{ type: 10, name: "A", language: 0, data: new Uint8Array(64) }],
  });
  const at = Buffer.from(bytes).indexOf(".rsrc");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const raw = view.getUint32(at + 20, true);
  view.setUint32(raw + 16 + 4, 0x8000_0000, true);
  return bytes;
}

/**
 * A .NET program all of whose streams (tables, strings, blobs) are the metadata root itself, from its first byte, or
 * only the one named.
 */
export function selfHeap(program: Uint8Array, only?: string): Uint8Array {
  const bytes = Uint8Array.from(program);
  const view = new DataView(bytes.buffer);
  const root = Buffer.from(bytes).indexOf("BSJB");
  if (root < 0) throw new RangeError("no metadata");
  let at = root + 16 + view.getUint32(root + 12, true);
  const streams = view.getUint16(at + 2, true);
  at += 4;
  for (let i = 0; i < streams; i++) {
    const end = bytes.indexOf(0, at + 8);
    const name = Buffer.from(bytes.subarray(at + 8, end)).toString("latin1");
    if (only === undefined || name === only) view.setUint32(at, 0, true);
    at += 8 + ((name.length + 4) & ~3);
  }
  return bytes;
}

/** Classes that are nested in themselves and in one another, and extend themselves. */
export function nestedInItself(): Uint8Array {
  return buildAssembly({
    name: "loop",
    types: [
      { name: "Self", nestedIn: "Self", extends: "Self", fields: [{ name: "a", type: "string" }] },
      { name: "One", nestedIn: "Two", extends: "Two", fields: [{ name: "b", type: "string" }] },
      { name: "Two", nestedIn: "One", extends: "One", fields: [{ name: "c", type: "string" }] },
    ],
  });
}

export interface TarEntry {
  readonly name: string;
  readonly content?: Uint8Array;
  /** Target of a link. */
  readonly link?: string;
  /** `1` hard link, `2` symbolic link, `3` device; a file when absent. */
  readonly type?: string;
}

/** A ustar archive, with any names and targets. */
export function tar(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap(({ name, content = new Uint8Array(0), link = "", type = "0" }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100, "latin1");
    header.write("0000777\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("14400000000\0", 136);
    header.write("        ", 148);
    header.write(type, 156);
    header.write(link, 157, 100, "latin1");
    header.write("ustar\x0000", 257, "latin1");
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]));
}
