import type { View } from "../bytes/index.ts";
import type { AddressSpace, Layout, Region } from "./address-space.ts";

/** Disjoint runs, ascending by `from`: byte `from[i] + k` of one side is byte `to[i] + k` of the other. */
interface Runs {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly size: Float64Array;
}

/**
 * Addresses over a view. `flat` maps RVA n to offset n for the first `flat` bytes (mapped and raw layouts, and files of
 * low alignment); without it the regions alone say what is where.
 */
export class Space implements AddressSpace {
  readonly view: View;
  readonly layout: Layout;
  readonly base: number;
  readonly regions: readonly Region[];
  readonly #flat: number | undefined;
  readonly #byRva: Runs;
  readonly #byOffset: Runs;
  readonly #findPointerBase: ((space: Space) => number | undefined) | undefined;
  #pointerBase: { readonly value: number | undefined } | undefined;

  /** `findPointerBase` is asked once, when the first virtual address is; without it pointers count from `base`. */
  constructor(
    view: View,
    layout: Layout,
    base: number,
    regions: readonly Region[],
    flat?: number,
    findPointerBase?: (space: Space) => number | undefined,
  ) {
    this.view = view;
    this.layout = layout;
    this.base = base;
    this.regions = regions;
    this.#findPointerBase = findPointerBase;
    this.#flat = flat === undefined ? undefined : Math.min(flat, view.length);
    const runs = regions.map((region) => ({ rva: region.rva, offset: region.offset, size: region.size }));
    this.#byRva = disjoint(runs.map((run) => [run.rva, run.offset, run.size]));
    this.#byOffset = sectionsFirst(runs.map((run) => [run.offset, run.rva, run.size]));
  }

  offsetOfRva(rva: number): number | undefined {
    if (this.#flat !== undefined) return rva >= 0 && rva < this.#flat ? rva : undefined;
    return translate(this.#byRva, rva);
  }

  rvaOfOffset(offset: number): number | undefined {
    if (this.#flat !== undefined) return offset >= 0 && offset < this.#flat ? offset : undefined;
    return translate(this.#byOffset, offset);
  }

  /** What the image's own pointers count from; undefined when nothing tells. */
  get pointerBase(): number | undefined {
    this.#pointerBase ??= {
      value: this.#findPointerBase === undefined ? this.base : this.#findPointerBase(this),
    };
    return this.#pointerBase.value;
  }

  offsetOfVa(va: number): number | undefined {
    const { pointerBase, base } = this;
    const offset = this.offsetOfRva(va - (pointerBase ?? base));
    return offset === undefined && pointerBase !== base ? this.offsetOfRva(va - base) : offset;
  }

  vaOfOffset(offset: number): number | undefined {
    const rva = this.rvaOfOffset(offset);
    return rva === undefined ? undefined : rva + this.base;
  }

  readVa(va: number, length: number): View | undefined {
    const { pointerBase, base } = this;
    const view = this.readRva(va - (pointerBase ?? base), length);
    return view === undefined && pointerBase !== base ? this.readRva(va - base, length) : view;
  }

  readRva(rva: number, length: number): View | undefined {
    if (!(length >= 0)) return undefined;
    const run = this.#runAt(rva);
    return run !== undefined && length <= run.size ? this.view.sub(run.offset, length) : undefined;
  }

  /** What lies in one piece from `rva` on, `length` bytes at most; undefined when nothing does. */
  clipRva(rva: number, length = Number.POSITIVE_INFINITY): View | undefined {
    const run = this.#runAt(rva);
    return run === undefined ? undefined : this.view.clip(run.offset, Math.min(length, run.size));
  }

  #runAt(rva: number): { offset: number; size: number } | undefined {
    if (this.#flat !== undefined)
      return rva >= 0 && rva < this.#flat ? { offset: rva, size: this.#flat - rva } : undefined;
    const { from, to, size } = this.#byRva;
    const at = lastAtOrBelow(from, rva);
    if (at < 0) return undefined;
    const into = rva - (from[at] as number);
    const left = (size[at] as number) - into;
    return left > 0 ? { offset: (to[at] as number) + into, size: left } : undefined;
  }
}

function translate(runs: Runs, address: number): number | undefined {
  const at = lastAtOrBelow(runs.from, address);
  if (at < 0) return undefined;
  const into = address - (runs.from[at] as number);
  return into < (runs.size[at] as number) ? (runs.to[at] as number) + into : undefined;
}

/** Index of the last value that is not above `key`, or -1. */
function lastAtOrBelow(sorted: Float64Array, key: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * By offset, headers (which map 0 to 0) own only what no section holds: where SizeOfHeaders runs into the sections, as
 * UPX 3.94 writes it, the code there runs at its section's address.
 */
function sectionsFirst(triples: [number, number, number][]): Runs {
  const isHeaders = ([from, to]: [number, number, number]): boolean => from === 0 && to === 0;
  const headersEnd = Math.max(0, ...triples.filter(isHeaders).map(([, , size]) => size));
  const sections = triples.filter((triple) => !isHeaders(triple));
  const starts = [...sections].sort((a, b) => a[0] - b[0]);
  const pieces: [number, number, number][] = [];
  let free = 0;
  for (const [from, , size] of [...starts, [headersEnd, 0, 0] as const]) {
    const end = Math.min(from, headersEnd);
    if (end > free) pieces.push([free, free, end - free]);
    free = Math.max(free, from + size);
  }
  return disjoint([...pieces, ...sections]);
}

/** Sorts [from, to, size] triples and cuts each off where an earlier one still runs: the earlier one wins. */
function disjoint(triples: [number, number, number][]): Runs {
  const kept: [number, number, number][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to, size] of triples.toSorted((a, b) => a[0] - b[0])) {
    const cut = Math.max(0, end - from);
    if (cut >= size) continue;
    kept.push([from + cut, to + cut, size - cut]);
    end = from + size;
  }
  return {
    from: Float64Array.from(kept, (run) => run[0]),
    to: Float64Array.from(kept, (run) => run[1]),
    size: Float64Array.from(kept, (run) => run[2]),
  };
}
