/**
 * The resource SETTINGS where no header leads to the resource tree. The tree's own names are UTF-16LE with a length
 * before them (IMAGE_RESOURCE_DIR_STRING_U), and the entry that names one says how far it is from the tree's root; the
 * data stands behind the root, as far as their RVAs are apart. That of the root is a page's, as a section's is.
 */
import { findNeedles, needleSet, utf16leBytes, type View } from "../../bytes/index.ts";

const NAME = Uint8Array.of(8, 0, ...utf16leBytes("SETTINGS"));
const NAMES = needleSet([NAME]);
/** IMAGE_RESOURCE_DIRECTORY_ENTRY: marks a name in Name and a subdirectory in OffsetToData. */
const HIGH_BIT = 0x8000_0000;
/** Directories and names of one tree; the malware's have some hundred bytes. */
const MAX_TREE = 0x4000;
/** Entries of its root: as many as there are types. */
const MAX_TYPES = 64;
const PAGE = 0x1000;
/** Bytes of data behind a root. */
const MAX_DATA = 1 << 22;

/** A place where the data of the resource may stand, and its size by the tree. */
export interface LostResource {
  readonly offset: number;
  readonly size: number;
}

/** Every place where SETTINGS may be; which it is only its content tells. */
export function* lostSettings(view: View, maxSize: number): Generator<LostResource> {
  for (const name of findNeedles(view.bytes, NAMES)[0] ?? []) {
    for (let entry = Math.max(0, name - MAX_TREE); entry + 8 <= name; entry++) {
      // The distance to the name is small: its high half says that it is one.
      if (view.bytes[entry + 3] !== 0x80 || view.bytes[entry + 2] !== 0) continue;
      const root = name - ((view.u32(entry) as number) - HIGH_BIT);
      if (root < 0 || root > entry || !isRoot(view, root)) continue;
      const data = dataEntry(view, root, view.u32(entry + 4) ?? 0);
      if (data === undefined || data.size > maxSize) continue;
      const first = root + (data.rva % PAGE);
      const last = Math.min(view.length - data.size, root + MAX_DATA);
      for (let offset = first; offset <= last; offset += PAGE) yield { offset, size: data.size };
    }
  }
}

function isRoot(view: View, root: number): boolean {
  const types = (view.u16(root + 12) ?? 0) + (view.u16(root + 14) ?? 0);
  return view.u32(root) === 0 && types >= 1 && types <= MAX_TYPES && (view.u32(root + 20) ?? 0) >= HIGH_BIT;
}

/** IMAGE_RESOURCE_DATA_ENTRY of the first language below a name's entry. */
function dataEntry(view: View, root: number, target: number): { rva: number; size: number } | undefined {
  const leaf = target < HIGH_BIT ? target : view.u32(root + target - HIGH_BIT + 20);
  const rva = leaf === undefined ? undefined : view.u32(root + leaf);
  const size = leaf === undefined ? undefined : view.u32(root + leaf + 4);
  return rva === undefined || size === undefined || size === 0 ? undefined : { rva, size };
}
