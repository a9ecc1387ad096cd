/**
 * Writes zips member by member, also such as no archiver would write: any name, any claimed size, more members than the
 * old directory can count. After PKWARE APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16.
 */
import { crc32, deflateRawSync } from "node:zlib";

const STORED = 0;
const DEFLATED = 8;
const MOST_MEMBERS = 0xffff;

/** A member as it lies in the file. */
export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  /** Bytes once unpacked, as the headers claim. */
  readonly size: number;
  readonly packed: Uint8Array;
}

export function stored(name: string, content: Uint8Array): ZipMember {
  return { name, method: STORED, crc: crc32(content), size: content.length, packed: content };
}

export function deflated(name: string, content: Uint8Array): ZipMember {
  return {
    name,
    method: DEFLATED,
    crc: crc32(content),
    size: content.length,
    packed: deflateRawSync(content, { level: 9 }),
  };
}

/** The fields that a local header (after its signature) and a directory entry have in common, without the name. */
function common(member: ZipMember): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(member.method, 4);
  // 1 January 1980.
  fields.writeUInt16LE(0x21, 8);
  fields.writeUInt32LE(member.crc, 10);
  fields.writeUInt32LE(member.packed.length, 14);
  fields.writeUInt32LE(member.size, 18);
  fields.writeUInt16LE(Buffer.byteLength(member.name), 22);
  return fields;
}

export function localHeader(member: ZipMember): Buffer {
  return Buffer.concat([Buffer.from("PK\x03\x04"), common(member), Buffer.from(member.name)]);
}

/** The directory and its end, with zip64's two records where the members are too many to count without. */
export function directory(members: readonly ZipMember[], offsets: readonly number[], start: number): Buffer {
  const entries = members.map((member, i) => {
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offsets[i] ?? 0, 10);
    const version = Buffer.from([20, 0]);
    return Buffer.concat([
      Buffer.from("PK\x01\x02"),
      version,
      common(member),
      tail,
      Buffer.from(member.name),
    ]);
  });
  const body = Buffer.concat(entries);
  const many = members.length >= MOST_MEMBERS;
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(many ? MOST_MEMBERS : members.length, 8);
  end.writeUInt16LE(many ? MOST_MEMBERS : members.length, 10);
  end.writeUInt32LE(body.length, 12);
  end.writeUInt32LE(start, 16);
  return Buffer.concat([body, ...(many ? [zip64End(members.length, body.length, start)] : []), end]);
}

function zip64End(count: number, size: number, start: number): Buffer {
  const record = Buffer.alloc(56);
  record.write("PK\x06\x06", "latin1");
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.write("PK\x06\x07", "latin1");
  locator.writeBigUInt64LE(BigInt(start + size), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator]);
}

export function writeZip(members: readonly ZipMember[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const member of members) {
    offsets.push(at);
    const header = localHeader(member);
    parts.push(header, member.packed);
    at += header.length + member.packed.length;
  }
  return new Uint8Array(Buffer.concat([...parts, directory(members, offsets, at)]));
}
