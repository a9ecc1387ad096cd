/** A process as a dump shows it: a program at a base, a stack that is mostly zeros, heaps. */
import { headersOfPe, mapPe } from "./map-pe.ts";
import type { DumpRegion } from "./regions.ts";

export interface ProcessOptions {
  readonly base: bigint;
  /** `wiped`: as unpackers leave it, in private memory, its headers zero and no file named. */
  readonly headers: "kept" | "wiped";
  /** What lies on heaps: a private read-write region each. */
  readonly heap?: readonly Uint8Array[];
  /** Path of the program; `C:\Users\user\carrier.exe` by default. */
  readonly module?: string;
}

const PAGE_SIZE = 0x1000;
/** VirtualAlloc's granularity. */
const ALLOCATION = 0x10000n;
const STACK_SIZE = 0x10000;

/** Regions ascending by address and disjoint; page multiples. */
export function processOf(file: Uint8Array, options: ProcessOptions): DumpRegion[] {
  const headers = headersOfPe(file);
  const image = mapPe(file, options.base);
  const kept = options.headers === "kept";
  const path = options.module ?? "C:\\Users\\user\\carrier.exe";
  const what: Pick<DumpRegion, "type" | "module"> = kept
    ? { type: "image", module: path }
    : { type: "private" };
  const regions: DumpRegion[] = [];
  const take = (rva: number, end: number, protection: string): void => {
    const bytes = image.slice(rva, end);
    if (bytes.length > 0) regions.push({ address: options.base + BigInt(rva), bytes, protection, ...what });
  };

  // Header pages up to the first section, sections up to the next one, as the loader leaves them.
  const sections = [...headers.sections].sort((a, b) => a.rva - b.rva);
  const first = sections[0]?.rva ?? image.length;
  if (!kept) image.fill(0, 0, first);
  take(0, first, kept ? "r--" : "rwx");
  sections.forEach(({ rva, characteristics }, i) => {
    take(rva, sections[i + 1]?.rva ?? image.length, sectionProtection(characteristics));
  });

  let next = options.base + BigInt(image.length) + ALLOCATION;
  const allocate = (bytes: Uint8Array): void => {
    next += (ALLOCATION - (next % ALLOCATION)) % ALLOCATION;
    const pages = new Uint8Array(Math.max(1, Math.ceil(bytes.length / PAGE_SIZE)) * PAGE_SIZE);
    pages.set(bytes);
    regions.push({ address: next, bytes: pages, protection: "rw-", type: "private" });
    next += BigInt(pages.length);
  };
  allocate(stackOf(options.base));
  for (const bytes of options.heap ?? []) allocate(bytes);
  return regions;
}

/** Zero pages, and a few return addresses at the top. */
function stackOf(base: bigint): Uint8Array {
  const stack = new Uint8Array(STACK_SIZE);
  const view = new DataView(stack.buffer);
  for (let at = STACK_SIZE - 0x200; at < STACK_SIZE; at += 16)
    view.setBigUint64(at, BigInt.asUintN(64, base + 0x1000n + BigInt(at & 0xff)), true);
  return stack;
}

function sectionProtection(characteristics: number): string {
  const executable = (characteristics & 0x2000_0000) !== 0;
  const writable = (characteristics & 0x8000_0000) !== 0;
  return `r${writable ? "w" : "-"}${executable ? "x" : "-"}`;
}
