/**
 * A process's memory of any size for the benchmark: modules of the system, heaps, zeros and one carrier, written
 * to disk in passing. Deterministic on one machine: the modules are files that lie there.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type DumpRegion, type DumpShape, mapPe, minidumpHead } from "../packages/carriers/src/index.ts";

const MIB = 1024 * 1024;
const PAGE = 0x1000;
/** Where files stand in for a process's modules, the first that is there. */
const MODULE_FOLDERS = [
  "C:\\Windows\\System32",
  "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib",
];
/** Modules of a process come to some tens of MiB. */
const MODULE_BYTES = 96 * MIB;
const MAX_MODULE = 12 * MIB;

/** Of each 16 pages on a heap: zeros, texts, UTF-16 texts, pointers, small numbers, what is compressed. */
const HEAP_PAGES: readonly string[] = [..."zzzzzzzttttuuppn", ..."zzzzzzzttttupppc"];

/** xorshift32: the same pages on every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  below(limit: number): number {
    return this.next() % limit;
  }
}

interface Module {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Files that a loader maps, laid out as it does where they are PEs. */
export function systemModules(): Module[] {
  const modules: Module[] = [];
  let total = 0;
  for (const folder of MODULE_FOLDERS) {
    for (const name of listed(folder)) {
      if (total >= MODULE_BYTES) return modules;
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || stat.size > MAX_MODULE || stat.size < 64 * 1024) continue;
      const bytes = laidOut(readFileSync(path));
      modules.push({ name: `C:\\Windows\\System32\\${name.replace(/\.so[.\d]*$/, ".dll")}`, bytes });
      total += bytes.length;
    }
  }
  return modules;
}

function listed(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((name) => /\.(?:dll|exe)$|\.so(?:\.\d+)*$/i.test(name))
    .sort();
}

function laidOut(file: Uint8Array): Uint8Array {
  if (file[0] === 0x4d && file[1] === 0x5a) return mapPe(file);
  const pages = new Uint8Array(Math.ceil(file.length / PAGE) * PAGE);
  pages.set(file);
  return pages;
}

const WORDS =
  "value name session update window server connection path error index user config request response http://example.com/ Content-Type application/json C:\\Users\\user\\AppData\\Local\\ object null true false token handle module buffer".split(
    " ",
  );

/** Fills a heap of `bytes.length` bytes, a page at a time. */
export function fillHeap(bytes: Uint8Array, random: Random, address: number): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let page = 0; page < bytes.length; page += PAGE) {
    const kind = HEAP_PAGES[random.below(HEAP_PAGES.length)];
    const end = Math.min(page + PAGE, bytes.length);
    if (kind === "z") bytes.fill(0, page, end);
    else if (kind === "t" || kind === "u") text(bytes, page, end, kind === "u" ? 2 : 1, random);
    else
      for (let word = page >> 2; word < end >> 2; word++) {
        if (kind === "c") words[word] = random.next();
        else if (kind === "n") words[word] = (word & 3) === 0 ? random.below(0x10000) : 0;
        else words[word] = (word & 1) === 0 ? (address + random.below(1 << 26)) & ~7 : 0x1f4;
      }
  }
}

function text(bytes: Uint8Array, from: number, end: number, width: 1 | 2, random: Random): void {
  bytes.fill(0, from, end);
  for (let at = from; at < end; ) {
    const word = WORDS[random.below(WORDS.length)] as string;
    for (let i = 0; i < word.length && at < end; i++, at += width) bytes[at] = word.charCodeAt(i);
    const gap = random.below(8);
    if (gap < 6 && at < end) bytes[at] = gap < 4 ? 0x20 : random.below(1 << 7);
    at += gap === 7 ? 8 * width : width;
  }
}

/** Regions to be made when their turn comes. */
interface Planned {
  readonly shape: DumpShape;
  make(target: Uint8Array): void;
}

/** A minidump of about `size` bytes with `carrier`'s regions in its middle. */
export function writeMinidumpTo(path: string, size: number, carrier: readonly DumpRegion[]): void {
  const planned: Planned[] = carrier.map(({ bytes, ...shape }) => ({
    shape: { ...shape, size: bytes.length },
    make: (target) => target.set(bytes),
  }));
  let left = size;
  let address = 0x7ff800000000n;
  for (const { name, bytes } of systemModules()) {
    if (left < size * 0.75) break;
    const shape = { address, size: bytes.length, protection: "r-x", type: "image", module: name } as const;
    planned.push({ shape, make: (target) => target.set(bytes) });
    address += BigInt(Math.ceil(bytes.length / 0x10000) * 0x10000);
    left -= bytes.length;
  }
  address = 0x10000000n;
  for (let seed = 1; left > 0; seed++) {
    const length = Math.min(left, (1 + (seed % 16)) * MIB);
    const at = address;
    planned.push({
      shape: { address, size: length, protection: seed % 7 === 0 ? "r--" : "rw-", type: "private" },
      make: (target) => fillHeap(target, new Random(seed * 7919), Number(at)),
    });
    address += BigInt(length) + (seed % 3 === 0 ? 0n : 0x10000n);
    left -= length;
  }
  planned.sort((a, b) => (a.shape.address < b.shape.address ? -1 : 1));
  const modules = planned.flatMap(({ shape }) =>
    shape.module === undefined ? [] : { name: shape.module, address: shape.address, size: shape.size },
  );
  const fd = openSync(path, "w");
  try {
    writeSync(
      fd,
      minidumpHead(
        planned.map(({ shape }) => shape),
        { modules, pid: 4711 },
      ),
    );
    for (const { shape, make } of planned) {
      const bytes = new Uint8Array(shape.size);
      make(bytes);
      writeSync(fd, bytes);
    }
  } finally {
    closeSync(fd);
  }
}

/** A machine's memory of `size` bytes: runs of pages of modules and heaps in no order, the carrier as it was mapped. */
export function writeRawTo(path: string, size: number, carrier: Uint8Array): void {
  const random = new Random(0xa55a);
  const modules = systemModules();
  const chunk = new Uint8Array(16 * MIB);
  const fd = openSync(path, "w");
  try {
    for (let done = 0; done < size; done += chunk.length) {
      fillHeap(chunk, random, done % 0x7fffffff);
      // A quarter of it pages of modules, in runs of some pages as the system's file cache has them.
      for (let page = 0; page < chunk.length / 4; ) {
        const { bytes } = modules[random.below(Math.max(1, modules.length))] ?? { bytes: chunk };
        const length = Math.min((1 + random.below(64)) * PAGE, bytes.length, chunk.length / 4 - page);
        const from = random.below(Math.max(1, (bytes.length - length) / PAGE)) * PAGE;
        chunk.set(bytes.subarray(from, from + length), 4 * page);
        page += length;
      }
      if (done <= size / 2 && done + chunk.length > size / 2) chunk.set(carrier, PAGE * 7);
      writeSync(fd, chunk, 0, Math.min(chunk.length, size - done));
    }
  } finally {
    closeSync(fd);
  }
}
