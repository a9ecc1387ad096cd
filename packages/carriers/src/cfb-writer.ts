/** Writes compound files ([MS-CFB], version 3) for tests: streams and storages at any depth, nothing clever. */
import { utf16leBytes } from "@assay/core/bytes/index";

const SECTOR = 512;
const MINI = 64;
const CUTOFF = 4096;
const FREE = 0xffff_ffff;
const END = 0xffff_fffe;
const FAT_SECTOR = 0xffff_fffd;
const ENTRY = 128;

export interface CfbOptions {
  /** CLSID of the root, as 16 bytes. */
  readonly clsid?: Uint8Array;
}

interface Node {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly children: Node[];
}

/** `streams`: path with `/` to bytes; storages on the way are made. */
export function writeCfb(
  streams: Readonly<Record<string, Uint8Array>>,
  options: CfbOptions = {},
): Uint8Array {
  const root: Node = { name: "Root Entry", children: [] };
  for (const [path, data] of Object.entries(streams)) {
    const names = path.split("/");
    let at = root;
    names.forEach((name, n) => {
      let next = at.children.find((child) => child.name === name);
      if (next === undefined) {
        next = n === names.length - 1 ? { name, data, children: [] } : { name, children: [] };
        at.children.push(next);
      }
      at = next;
    });
  }
  const flat: { node: Node; sibling: number; child: number }[] = [];
  const place = (nodes: readonly Node[]): number => {
    const first = flat.length;
    for (const node of nodes) flat.push({ node, sibling: FREE, child: FREE });
    nodes.forEach((node, n) => {
      const entry = flat[first + n] as (typeof flat)[number];
      if (n + 1 < nodes.length) entry.sibling = first + n + 1;
      if (node.children.length > 0) entry.child = place(node.children);
    });
    return first;
  };
  place([root]);

  const fat: number[] = [];
  const sectors: Uint8Array[] = [];
  const add = (data: Uint8Array): number => {
    if (data.length === 0) return END;
    const first = sectors.length;
    for (let at = 0; at < data.length; at += SECTOR) {
      const sector = new Uint8Array(SECTOR);
      sector.set(data.subarray(at, at + SECTOR));
      fat.push(at + SECTOR < data.length ? sectors.length + 1 : END);
      sectors.push(sector);
    }
    return first;
  };

  const miniFat: number[] = [];
  const mini: Uint8Array[] = [];
  const starts = flat.map(({ node }) => {
    const { data } = node;
    if (data === undefined || data.length === 0) return END;
    if (data.length >= CUTOFF) return add(data);
    const first = mini.length;
    for (let at = 0; at < data.length; at += MINI) {
      const piece = new Uint8Array(MINI);
      piece.set(data.subarray(at, at + MINI));
      miniFat.push(at + MINI < data.length ? mini.length + 1 : END);
      mini.push(piece);
    }
    return first;
  });
  const miniStream = new Uint8Array(mini.length * MINI);
  mini.forEach((piece, n) => {
    miniStream.set(piece, n * MINI);
  });
  const miniStart = add(miniStream);
  const miniFatBytes = words(miniFat);
  const miniFatStart = add(miniFatBytes);

  const directory = new Uint8Array(Math.ceil((flat.length * ENTRY) / SECTOR) * SECTOR);
  flat.forEach(({ node, sibling, child }, n) => {
    const out = new DataView(directory.buffer, n * ENTRY, ENTRY);
    const name = utf16leBytes(node.name);
    directory.set(name, n * ENTRY);
    out.setUint16(64, name.length + 2, true);
    out.setUint8(66, n === 0 ? 5 : node.data === undefined ? 1 : 2);
    out.setUint8(67, 1);
    out.setUint32(68, FREE, true);
    out.setUint32(72, sibling, true);
    out.setUint32(76, child, true);
    if (n === 0 && options.clsid !== undefined) directory.set(options.clsid, 80);
    out.setUint32(116, n === 0 ? miniStart : (starts[n] as number), true);
    out.setUint32(120, n === 0 ? miniStream.length : (node.data?.length ?? 0), true);
  });
  const directoryStart = add(directory);

  // The FAT lists its own sectors too, so its size is found by trying. 109 of them reach 7 MB, enough for tests.
  let fatCount = 1;
  while (fatCount * (SECTOR / 4) < sectors.length + fatCount) fatCount++;
  if (fatCount > 109) throw new RangeError("too large for a compound file without DIFAT");
  const fatStart = sectors.length;
  for (let i = 0; i < fatCount; i++) fat.push(FAT_SECTOR);
  while (fat.length < fatCount * (SECTOR / 4)) fat.push(FREE);

  const header = new Uint8Array(SECTOR);
  header.set([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
  const out = new DataView(header.buffer);
  const set = (at: number, value: number): void => out.setUint32(at, value, true);
  out.setUint16(24, 0x3e, true);
  out.setUint16(26, 3, true);
  out.setUint16(28, 0xfffe, true);
  out.setUint16(30, 9, true);
  out.setUint16(32, 6, true);
  set(44, fatCount);
  set(48, directoryStart);
  set(56, CUTOFF);
  set(60, miniFatStart);
  set(64, Math.ceil(miniFatBytes.length / SECTOR));
  set(68, END);
  for (let i = 0; i < 109; i++) set(76 + 4 * i, i < fatCount ? fatStart + i : FREE);

  const fatBytes = words(fat);
  const file = new Uint8Array(SECTOR * (1 + sectors.length) + fatBytes.length);
  file.set(header);
  sectors.forEach((sector, n) => {
    file.set(sector, SECTOR * (n + 1));
  });
  file.set(fatBytes, SECTOR * (1 + sectors.length));
  return file;
}

/** 32-bit little-endian values, padded to a whole sector with the mark for free ones. */
function words(values: readonly number[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(Math.ceil((values.length * 4) / SECTOR) * SECTOR).fill(0xff);
  const view = new DataView(bytes.buffer);
  values.forEach((value, n) => {
    view.setUint32(4 * n, value, true);
  });
  return bytes;
}
