/** What the dump writers are given, and what they share. */

/** A run of a process's memory. */
export interface DumpRegion {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** `rwx` with `-` for what is not allowed; `rw-` by default. */
  readonly protection?: string;
  /** MEM_*; private by default. */
  readonly type?: "private" | "mapped" | "image";
  /** Path of the file that is mapped here. */
  readonly module?: string;
}

/** A region without its bytes. */
export type DumpShape = Omit<DumpRegion, "bytes"> & { readonly size: number };

export interface DumpModule {
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
}

const PAGE: Readonly<Record<string, number>> = {
  "---": 0x01,
  "r--": 0x02,
  "rw-": 0x04,
  "--x": 0x10,
  "r-x": 0x20,
  rwx: 0x40,
};
const MEM: Readonly<Record<string, number>> = { private: 0x20000, mapped: 0x40000, image: 0x1000000 };

/** PAGE_* of a region; a protection that Windows does not have is a mistake of the caller's and throws. */
export function pageProtection(region: Pick<DumpRegion, "protection">): number {
  const value = PAGE[region.protection ?? "rw-"];
  if (value === undefined) throw new RangeError(`no PAGE_* value is ${region.protection}`);
  return value;
}

export function memoryType(region: Pick<DumpRegion, "type">): number {
  return MEM[region.type ?? "private"] as number;
}

/** The modules that regions name, each from its first byte to its last. */
export function modulesOf(regions: readonly DumpRegion[]): DumpModule[] {
  const modules = new Map<string, { start: bigint; end: bigint }>();
  for (const { module, address, bytes } of regions) {
    if (module === undefined) continue;
    const end = address + BigInt(bytes.length);
    const known = modules.get(module);
    if (known === undefined) modules.set(module, { start: address, end });
    else {
      if (address < known.start) known.start = address;
      if (end > known.end) known.end = end;
    }
  }
  return [...modules].map(([name, { start, end }]) => ({ name, address: start, size: Number(end - start) }));
}
