/** What UPX takes out of a PE before it compresses the rest: imports, relocations, resources, exports, code's calls. */
import { concatBytes, latin1Bytes } from "@assay/core/bytes/index";
import type { Image, ImportedDll, Pe } from "@assay/core/formats/index";
import { importSection } from "./pe-imports.ts";

/** Types that UPX leaves in the open: RT_ICON, RT_GROUP_ICON, RT_VERSION, RT_MANIFEST. */
const OPEN_TYPES: readonly (number | string)[] = [3, 14, 16, 24];
const HIGH_BIT = 0x8000_0000;

export class UpxSource {
  readonly pe: Pe;
  readonly isDll: boolean;
  readonly headersSize: number;
  readonly optionalSize: number;
  /** The image from its first section on. */
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly #image: Image;
  readonly #data: DataView;
  readonly #imports: Uint8Array;
  readonly #names: number;
  readonly #relocations: Uint8Array;
  readonly #exports: Uint8Array | undefined;
  readonly #tree: Uint8Array;
  /** Where in the tree the data's RVA stands, and the data. */
  readonly #openLeaves: readonly { readonly at: number; readonly rva: number; readonly data: Uint8Array }[];
  readonly #importTable: { readonly data: Uint8Array; readonly size: number };

  constructor(image: Image, keepNames: boolean) {
    const { pe } = image;
    const last = pe?.sections.at(-1);
    if (pe === undefined || last === undefined || pe.dataDirectories.length !== 16)
      throw new RangeError("not a PE that UPX takes");
    this.#image = image;
    this.pe = pe;
    this.isDll = (pe.characteristics & 0x2000) !== 0;
    this.optionalSize = pe.is64 ? 240 : 224;
    this.headersSize = 24 + this.optionalSize;
    this.first = pe.sections[0]?.virtualAddress as number;
    const end = last.virtualAddress + Math.ceil(last.virtualSize / 0x1000) * 0x1000;
    this.bytes = new Uint8Array(end - this.first);
    for (const section of pe.sections) {
      const length = Math.min(section.sizeOfRawData, section.virtualSize);
      const raw = image.view.clip(section.pointerToRawData, section.pointerToRawData === 0 ? 0 : length);
      this.bytes.set(raw.bytes, section.virtualAddress - this.first);
    }
    this.#data = new DataView(this.bytes.buffer);
    const dlls = image.imports.filter((dll) => !dll.delayed);
    const table = importSection(
      Object.fromEntries(dlls.map((dll) => [dll.name, ["LoadLibraryA"]])),
      0,
      pe.is64,
    );
    this.#importTable = { data: table.data, size: table.descriptorsSize };
    this.#names = keepNames ? 0 : this.#firstName(dlls.length);
    this.#imports = this.#packImports(dlls);
    this.#relocations = this.#packRelocations();
    this.#exports = this.#takeExports();
    [this.#tree, this.#openLeaves] = this.#takeResources();
  }

  /** The original headers, from the signature on. */
  headers(): DataView {
    const { bytes } = this.#image.view.clip(this.pe.lfanew, this.headersSize);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** What is compressed. */
  image(): Uint8Array {
    const { lfanew, sections } = this.pe;
    const headers = this.#image.view.clip(lfanew, this.headersSize).bytes;
    const table = this.#image.view.clip(lfanew + this.headersSize, 40 * sections.length).bytes;
    const importsAt = this.bytes.length;
    const relocationsAt = importsAt + this.#imports.length;
    const extra: number[] = [];
    const u32 = (value: number) => extra.push(...[0, 8, 16, 24].map((bits) => (value >>> bits) & 0xff));
    if (this.#imports.length > 0) {
      u32(importsAt);
      u32(this.#names);
    }
    if (this.#relocations.length > 0) {
      u32(relocationsAt);
      extra.push(0);
    }
    if (this.#tree.length > 0) extra.push(0, 0);
    u32(relocationsAt + this.#relocations.length);
    return concatBytes(this.bytes, this.#imports, this.#relocations, headers, table, Uint8Array.from(extra));
  }

  /** The section that is not compressed, for an RVA: resources, imports, exports. */
  open(rva: number): {
    bytes: Uint8Array;
    resources: number;
    directories: Map<number, [rva: number, size: number]>;
  } {
    const directories = new Map<number, [number, number]>();
    const tree = this.#tree.slice();
    const view = new DataView(tree.buffer);
    const data: Uint8Array[] = [];
    let size = tree.length;
    for (const leaf of this.#openLeaves) {
      const before = new Uint8Array(4);
      new DataView(before.buffer).setUint32(0, leaf.rva, true);
      const padded = new Uint8Array(Math.ceil(leaf.data.length / 4) * 4);
      padded.set(leaf.data);
      view.setUint32(leaf.at, rva + size + 4, true);
      data.push(before, padded);
      size += 4 + padded.length;
    }
    if (tree.length > 0) directories.set(2, [rva, size]);
    const parts = [tree, ...data];
    if (this.#imports.length > 0) {
      const { data: table, size: descriptors } = this.#importTable;
      directories.set(1, [rva + size, descriptors]);
      parts.push(moveImports(table, rva + size, descriptors, this.pe.is64));
      size += table.length;
    }
    if (this.#exports !== undefined) {
      directories.set(0, [rva + size, this.#exports.length]);
      const from = this.pe.dataDirectories[0]?.virtualAddress as number;
      parts.push(moveExports(this.#exports, from, rva + size));
    }
    return { bytes: concatBytes(...parts), resources: tree.length, directories };
  }

  #directory(index: number): { rva: number; size: number } {
    const { virtualAddress, size } = this.pe.dataDirectories[index] ?? { virtualAddress: 0, size: 0 };
    return { rva: virtualAddress, size };
  }

  /** RVA of the first DLL name: buildPe writes all names in one piece behind the tables. */
  #firstName(count: number): number {
    const at = this.#directory(1).rva - this.first;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) lowest = Math.min(lowest, this.#data.getUint32(at + 20 * i + 12, true));
    return count === 0 ? 0 : lowest;
  }

  #packImports(dlls: readonly ImportedDll[]): Uint8Array {
    const out: number[] = [];
    const u32 = (value: number) => out.push(...[0, 8, 16, 24].map((bits) => (value >>> bits) & 0xff));
    const at = this.#directory(1).rva - this.first;
    const slot = this.pe.is64 ? 8 : 4;
    const open = new DataView(this.#importTable.data.buffer);
    dlls.forEach((dll, i) => {
      const descriptor = at + 20 * i;
      const name = this.#data.getUint32(descriptor + 12, true);
      const lookup = this.#data.getUint32(descriptor, true) || this.#data.getUint32(descriptor + 16, true);
      const iat = this.#data.getUint32(descriptor + 16, true);
      u32(open.getUint32(20 * i + 12, true));
      u32(iat - this.first);
      for (const { name: symbol, ordinal } of dll.functions) {
        if (symbol === undefined) out.push(0xff, (ordinal as number) & 0xff, (ordinal as number) >> 8);
        else out.push(1, ...latin1Bytes(symbol), 0);
      }
      out.push(0);
      const length = slot * dll.functions.length;
      const thunks = this.bytes.slice(lookup - this.first, lookup - this.first + length);
      this.bytes.fill(0, descriptor, descriptor + 20);
      if (this.#names === 0) {
        this.#data.setUint32(descriptor + 12, name, true);
        this.bytes.set(thunks, iat - this.first);
      } else {
        this.bytes.fill(0, lookup - this.first, lookup - this.first + length);
        this.bytes.fill(0, iat - this.first, iat - this.first + length);
      }
    });
    if (this.#names !== 0) this.bytes.fill(0, this.#names - this.first, this.#endOfSection(this.#names));
    if (dlls.length > 0) u32(0);
    return Uint8Array.from(out);
  }

  #endOfSection(rva: number): number {
    const section = this.pe.sections.findLast((s) => s.virtualAddress <= rva);
    return (section?.virtualAddress ?? 0) + (section?.virtualSize ?? 0) - this.first;
  }

  #packRelocations(): Uint8Array {
    const { rva, size } = this.#directory(5);
    const start = rva - this.first;
    if (rva === 0 || (this.pe.characteristics & 1) !== 0) return new Uint8Array(0);
    const places: number[] = [];
    for (let at = start; at < start + size; at += this.#data.getUint32(at + 4, true)) {
      const page = this.#data.getUint32(at, true);
      for (let n = at + 8; n < at + this.#data.getUint32(at + 4, true); n += 2) {
        const entry = this.#data.getUint16(n, true);
        if (entry >> 12 !== 0) places.push(page + (entry & 0xfff) - this.first);
      }
    }
    const out: number[] = [];
    let before = -4;
    for (const at of places.sort((a, b) => a - b)) {
      const distance = at - before;
      if (distance < 0xf0) out.push(distance);
      else out.push(0xf0 + (distance >> 16), distance & 0xff, (distance >> 8) & 0xff);
      before = at;
      const base = this.pe.imageBase + BigInt(this.first);
      if (this.pe.is64)
        this.#data.setBigUint64(at, BigInt.asUintN(64, this.#data.getBigUint64(at, true) - base));
      else this.#data.setUint32(at, this.#data.getUint32(at, true) - Number(base));
    }
    this.bytes.fill(0, start, start + size);
    return Uint8Array.from([...out, 0]);
  }

  #takeExports(): Uint8Array | undefined {
    const { rva, size } = this.#directory(0);
    if (rva === 0) return undefined;
    const table = this.bytes.slice(rva - this.first, rva - this.first + size);
    this.bytes.fill(0, rva - this.first, rva - this.first + size);
    return table;
  }

  #takeResources(): [Uint8Array, { at: number; rva: number; data: Uint8Array }[]] {
    const { rva } = this.#directory(2);
    if (rva === 0) return [new Uint8Array(0), []];
    const root = rva - this.first;
    const open: { at: number; rva: number; data: Uint8Array }[] = [];
    let end = 0;
    const walk = (at: number, type: number | string): void => {
      const count = this.#data.getUint16(root + at + 12, true) + this.#data.getUint16(root + at + 14, true);
      end = Math.max(end, at + 16 + 8 * count);
      for (let i = 0; i < count; i++) {
        const name = this.#data.getUint32(root + at + 16 + 8 * i, true);
        const child = this.#data.getUint32(root + at + 20 + 8 * i, true);
        const string = name - HIGH_BIT;
        if (string >= 0) end = Math.max(end, string + 2 + 2 * this.#data.getUint16(root + string, true));
        const of = at === 0 ? name : type;
        if (child >= HIGH_BIT) {
          walk(child - HIGH_BIT, of);
          continue;
        }
        end = Math.max(end, child + 16);
        if (!OPEN_TYPES.includes(of)) continue;
        const from = this.#data.getUint32(root + child, true);
        const size = this.#data.getUint32(root + child + 4, true);
        open.push({
          at: child,
          rva: from,
          data: this.bytes.slice(from - this.first, from - this.first + size),
        });
        this.bytes.fill(0, from - this.first, from - this.first + size);
      }
    };
    walk(0, 0);
    const tree = this.bytes.slice(root, root + Math.ceil(end / 4) * 4);
    this.bytes.fill(0, root, root + tree.length);
    return [tree, open];
  }
}

/** Filters the code in place and gives the marker byte: one that nothing else taken for a call has behind it. */
export function filterCode(source: UpxSource, filter: number): number {
  const { pe, bytes } = source;
  const headers = source.headers();
  const start = headers.getUint32(44, true) - source.first;
  const code = bytes.subarray(start, start + headers.getUint32(28, true));
  const data = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const isCall = (at: number, last: number): boolean => {
    const op = code[at] as number;
    if (op === 0xe8 || (op === 0xe9 && filter !== 0x24)) return true;
    return filter === 0x49 && at !== last && at > 0 && op >> 4 === 8 && code[at - 1] === 0x0f;
  };
  const taken = new Set<number>([0xe8, 0xe9]);
  for (let at = 0; at < code.length - 5; at++) if (isCall(at, 0)) taken.add(code[at + 1] as number);
  const cto = Array.from({ length: 256 }, (_, byte) => byte).find((byte) => !taken.has(byte));
  if (cto === undefined) throw new RangeError(`no marker for the code of a ${pe.sections.length}-section PE`);
  let last = 0;
  for (let at = 0; at < code.length - 5; at++) {
    if (!isCall(at, last)) continue;
    const target = (data.getUint32(at + 1, true) + at + 1) >>> 0;
    if (target >= code.length) continue;
    data.setUint32(at + 1, target + start + cto * 0x100_0000, false);
    at += 4;
    last = at + 1;
  }
  return cto;
}

function moveImports(table: Uint8Array, rva: number, descriptors: number, is64: boolean): Uint8Array {
  const out = table.slice();
  const data = new DataView(out.buffer);
  for (let at = 0; at + 20 < descriptors; at += 20)
    for (const field of [0, 12, 16]) data.setUint32(at + field, data.getUint32(at + field, true) + rva, true);
  const slot = is64 ? 8 : 4;
  const first = data.getUint32(0, true) - rva;
  const end = data.getUint32(12, true) - rva;
  for (let at = first; at < end; at += slot) {
    const thunk = data.getUint32(at, true);
    if (thunk !== 0) data.setUint32(at, thunk + rva, true);
  }
  return out;
}

function moveExports(table: Uint8Array, from: number, to: number): Uint8Array {
  const out = table.slice();
  const data = new DataView(out.buffer);
  const move = (at: number): number => {
    const inside = data.getUint32(at, true) - from;
    if (inside >= 0 && inside < out.length) data.setUint32(at, inside + to, true);
    return inside;
  };
  const functions = data.getUint32(20, true);
  const names = data.getUint32(24, true);
  move(12);
  const addresses = move(28);
  const pointers = move(32);
  move(36);
  for (let i = 0; i < functions; i++) move(addresses + 4 * i);
  for (let i = 0; i < names; i++) move(pointers + 4 * i);
  return out;
}
