import { utf16le, type View } from "../../bytes/index.ts";
import type { Space } from "../space.ts";
import { DIRECTORY } from "./constants.ts";
import type { Pe, Resource } from "./model.ts";
import { NameBudget } from "./names.ts";

/** Leaves and directories read in all; the largest resource trees of Windows' own files have some thousands. */
const MAX_NODES = 40_000;
/** IMAGE_RESOURCE_DIRECTORY_ENTRY: this bit marks a name (Name) or a subdirectory (OffsetToData). */
const HIGH_BIT = 0x8000_0000;

type Id = number | string;

/**
 * The resource tree as a flat list, in the tree's order (PE Format, "The .rsrc Section"): type, name, language.
 *
 * The tree is never followed deeper than three levels, as FindResourceEx does, so that loops end; a leaf that stands
 * higher up has name or language 0. Leaves whose data is not in the view are kept with empty data. Where the data
 * directory is wiped or leads nowhere, the section `.rsrc` is read.
 */
export function readResources(space: Space, pe: Pe): readonly Resource[] {
  const stated = readTree(space, pe.dataDirectories[DIRECTORY.resource]?.virtualAddress ?? 0);
  if (stated.length > 0) return stated;
  return readTree(space, pe.sections.find((section) => section.name === ".rsrc")?.virtualAddress ?? 0);
}

function readTree(space: Space, rva: number): readonly Resource[] {
  const root = rva > 0 ? space.clipRva(rva) : undefined;
  return root === undefined ? [] : new TreeReader(space, root).read();
}

class TreeReader {
  readonly #space: Space;
  readonly #root: View;
  readonly #resources: Resource[] = [];
  readonly #names = new NameBudget();
  #nodes = 0;

  constructor(space: Space, root: View) {
    this.#space = space;
    this.#root = root;
  }

  read(): readonly Resource[] {
    this.#directory(0, []);
    return this.#resources;
  }

  #directory(offset: number, path: readonly Id[]): void {
    const named = this.#root.u16(offset + 12);
    const numbered = this.#root.u16(offset + 14);
    if (named === undefined || numbered === undefined) return;
    for (let i = 0; i < named + numbered; i++) {
      const name = this.#root.u32(offset + 16 + 8 * i);
      const target = this.#root.u32(offset + 20 + 8 * i);
      if (name === undefined || target === undefined || ++this.#nodes > MAX_NODES) return;
      const id = name >= HIGH_BIT ? this.#name(name - HIGH_BIT) : name;
      if (id === undefined) continue;
      if (target < HIGH_BIT) this.#leaf(target, [...path, id]);
      else if (path.length < 2) this.#directory(target - HIGH_BIT, [...path, id]);
    }
  }

  #leaf(offset: number, [type = 0, name = 0, language = 0]: readonly Id[]): void {
    const rva = this.#root.u32(offset);
    const size = this.#root.u32(offset + 4);
    const codePage = this.#root.u32(offset + 8);
    if (rva === undefined || size === undefined || codePage === undefined) return;
    const data = this.#space.clipRva(rva, size) ?? this.#space.view.clip(0, 0);
    this.#resources.push({ type, name, language, codePage, rva, data, size });
  }

  /** IMAGE_RESOURCE_DIR_STRING_U: a length in chars, then UTF-16LE; cut short where the view ends. */
  #name(offset: number): string | undefined {
    const length = this.#root.u16(offset);
    if (length === undefined || !this.#names.take(length)) return undefined;
    return utf16le(this.#root.clip(offset + 2, 2 * length).bytes);
  }
}
