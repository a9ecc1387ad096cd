import type { Image } from "../../formats/image.ts";
import { DIRECTORY } from "../../formats/pe/constants.ts";
import { directory, ImageReader, Outside, place, type UpxImage } from "./image.ts";

const RT_GROUP_ICON = 14;
const HIGH_BIT = 0x8000_0000;
/** Directories and leaves in all; far more than any program has. */
const MAX_NODES = 40_000;
const LEVELS = 3;

interface Leaf {
  /** Offset of the IMAGE_RESOURCE_DATA_ENTRY in the directory. */
  readonly at: number;
  readonly type: number;
}

/**
 * Brings the resources back to where they were. UPX keeps the directory, icons, manifest and version in the open, each with
 * its old RVA in the four bytes before it, and compresses the rest in place. The open directory is the original one
 * but for the RVAs of what was moved. The first group of icons says that it has one, so that Windows shows that.
 */
export function rebuildResources(image: UpxImage, packed: Image): void {
  const original = directory(image, DIRECTORY.resource);
  const open = packed.pe?.dataDirectories[DIRECTORY.resource];
  if (original.size === 0 || open === undefined || open.size === 0) return;
  if (image.extra.resources === undefined) return;
  let icons = new ImageReader(image, image.extra.resources).u16();
  const offset = packed.offsetOfRva(open.virtualAddress);
  if (offset === undefined) throw new Outside();
  const root = packed.view.clip(offset);
  const walk = new Walk(root.bytes);
  // Leaves may share data only in damaged trees: no more is copied than there is.
  let left = packed.view.length;
  const tree = root.bytes.slice(0, Math.ceil(walk.end / 4) * 4);
  const data = new DataView(tree.buffer);
  for (const { at, type } of walk.leaves) {
    const rva = data.getUint32(at, true);
    if (rva <= open.virtualAddress) continue;
    const size = Math.ceil(data.getUint32(at + 4, true) / 4) * 4;
    left -= size;
    if (left < 0) throw new Outside();
    const oldRva = packed.readRva(rva - 4, 4)?.u32(0);
    const start = packed.offsetOfRva(rva);
    if (oldRva === undefined || start === undefined) throw new Outside();
    const to = place(image, oldRva, size);
    image.bytes.set(packed.view.clip(start, size).bytes, to);
    data.setUint32(at, oldRva, true);
    if (icons !== 0 && type === RT_GROUP_ICON) {
      image.data.setUint16(place(image, oldRva + 4, 2), icons, true);
      icons = 0;
    }
  }
  const to = place(image, original.rva, Math.max(tree.length, 16));
  // A directory that was not in one piece was left where it was.
  if (image.data.getUint32(to + 12, true) === 0) image.bytes.set(tree, to);
}

/** The leaves in the tree's order, and where directories, leaves and names end. */
class Walk {
  readonly leaves: Leaf[] = [];
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  #nodes = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#directory(0, 0, 0);
  }

  #directory(at: number, level: number, type: number): void {
    this.#take(at, 16);
    const count = this.#data.getUint16(at + 12, true) + this.#data.getUint16(at + 14, true);
    this.#take(at, 16 + 8 * count);
    for (let i = 0; i < count; i++) {
      if (++this.#nodes > MAX_NODES) throw new Outside();
      const name = this.#data.getUint32(at + 16 + 8 * i, true);
      const child = this.#data.getUint32(at + 20 + 8 * i, true);
      if (name >= HIGH_BIT) {
        this.#take(name - HIGH_BIT, 2);
        this.#take(name - HIGH_BIT, 2 + 2 * this.#data.getUint16(name - HIGH_BIT, true));
      }
      const of = level === 0 ? name : type;
      if (child < HIGH_BIT) {
        this.#take(child, 16);
        this.leaves.push({ at: child, type: of });
      } else if (level + 1 < LEVELS) this.#directory(child - HIGH_BIT, level + 1, of);
      else throw new Outside();
    }
  }

  #take(at: number, length: number): void {
    if (at + length > this.#bytes.length) throw new Outside();
    this.end = Math.max(this.end, at + length);
  }
}
