/** The `.rsrc` section: a tree of three levels (type, name, language), as "PE Format" has it. */
import type { PeResource } from "./pe-writer.ts";

type Key = number | string;
const ENGLISH_US = 0x0409;
const NAME_OR_SUBDIRECTORY = 0x80000000;

interface Leaf {
  readonly data: Uint8Array;
}
type Node = Leaf | Directory;
interface Directory {
  readonly entries: Map<Key, Node>;
}

/** Directories first (breadth first), then names, data entries, and the data, each at a multiple of eight. */
export function resourceSection(resources: readonly PeResource[], rva: number): Uint8Array {
  const root: Directory = { entries: new Map() };
  for (const { type, name, language, data } of resources) {
    const leaves = child(child(root, type), name);
    const id = language ?? ENGLISH_US;
    if (leaves.entries.has(id)) throw new RangeError(`two resources ${type}/${name}/${id}`);
    leaves.entries.set(id, { data });
  }

  const directories: Directory[] = [root];
  const leaves: Leaf[] = [];
  const names = new Map<string, number>();
  for (let i = 0; i < directories.length; i++) {
    for (const [key, node] of sorted(directories[i] as Directory)) {
      if (typeof key === "string") names.set(key, 0);
      if ("entries" in node) directories.push(node);
      else leaves.push(node);
    }
  }

  const offsets = new Map<Node, number>();
  let size = 0;
  for (const directory of directories) {
    offsets.set(directory, size);
    size += 16 + directory.entries.size * 8;
  }
  for (const name of names.keys()) {
    names.set(name, size);
    size += 2 + name.length * 2;
  }
  size = align(size, 8);
  for (const leaf of leaves) {
    offsets.set(leaf, size);
    size += 16;
  }
  const dataOffsets = leaves.map((leaf) => {
    const at = align(size, 8);
    size = at + leaf.data.length;
    return at;
  });

  const bytes = new Uint8Array(size);
  const out = new DataView(bytes.buffer);
  for (const directory of directories) {
    let at = offsets.get(directory) as number;
    const entries = sorted(directory);
    const named = entries.filter(([key]) => typeof key === "string").length;
    out.setUint16(at + 12, named, true);
    out.setUint16(at + 14, entries.length - named, true);
    at += 16;
    for (const [key, node] of entries) {
      const id = typeof key === "string" ? NAME_OR_SUBDIRECTORY + (names.get(key) as number) : key;
      out.setUint32(at, id, true);
      out.setUint32(
        at + 4,
        (offsets.get(node) as number) + ("entries" in node ? NAME_OR_SUBDIRECTORY : 0),
        true,
      );
      at += 8;
    }
  }
  for (const [name, at] of names) {
    out.setUint16(at, name.length, true);
    for (let i = 0; i < name.length; i++) out.setUint16(at + 2 + i * 2, name.charCodeAt(i), true);
  }
  leaves.forEach((leaf, i) => {
    const at = offsets.get(leaf) as number;
    const dataAt = dataOffsets[i] as number;
    out.setUint32(at, rva + dataAt, true);
    out.setUint32(at + 4, leaf.data.length, true);
    bytes.set(leaf.data, dataAt);
  });
  return bytes;
}

function child(parent: Directory, key: Key): Directory {
  const there = parent.entries.get(key);
  if (there !== undefined && "entries" in there) return there;
  const made: Directory = { entries: new Map() };
  parent.entries.set(key, made);
  return made;
}

/** Names before numbers, each ascending: the loader looks them up by halving. */
function sorted(directory: Directory): [Key, Node][] {
  return [...directory.entries].sort(([a], [b]) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "string" ? -1 : 1;
  });
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
