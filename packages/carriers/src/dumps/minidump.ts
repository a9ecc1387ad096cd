/** Writes minidumps, after minidumpapiset.h; regions in the order given, so that a test can list them as it likes. */
import { utf16leBytes } from "@assay/core/bytes/index";
import { ByteWriter } from "../dotnet/bytes.ts";
import {
  type DumpModule,
  type DumpRegion,
  type DumpShape,
  memoryType,
  modulesOf,
  pageProtection,
} from "./regions.ts";

export interface MinidumpOptions {
  /** By default those that the regions name. */
  readonly modules?: readonly DumpModule[];
  readonly pid?: number;
  readonly pointerSize?: 4 | 8;
  /** MemoryInfoList with each region's protection and type: written by default. */
  readonly memoryInfo?: boolean;
  /** Full memory (Memory64List) by default, or MemoryList with 32-bit places. */
  readonly list?: "memory64" | "memory";
  /** Threads whose stacks are these ranges, at these places of the file. */
  readonly stacks?: readonly { readonly address: bigint; readonly size: number; readonly rva: number }[];
  /** Streams to add behind the others, as they are. */
  readonly streams?: readonly { readonly type: number; readonly data: Uint8Array }[];
}

const HEADER = 32;
const DIRECTORY_ENTRY = 12;
const MODULE = 108;

/** The file: header, directory, streams, names, memory. */
export function writeMinidump(regions: readonly DumpRegion[], options: MinidumpOptions = {}): Uint8Array {
  const modules = options.modules ?? modulesOf(regions);
  const shapes = regions.map(({ bytes, ...shape }) => ({ ...shape, size: bytes.length }));
  const out = new ByteWriter().bytes(minidumpHead(shapes, { ...options, modules }));
  for (const { bytes } of regions) out.bytes(bytes);
  return out.toBytes();
}

/** All that stands before the memory, for dumps too large to be held: the regions' bytes follow in the order given. */
export function minidumpHead(regions: readonly DumpShape[], options: MinidumpOptions = {}): Uint8Array {
  const modules = options.modules ?? [];
  const full = options.list !== "memory";
  const plan: { readonly type: number; readonly size: number; write(out: ByteWriter): void }[] = [
    { type: 7, size: 56, write: (out) => systemInfo(out, options.pointerSize ?? 8) },
  ];
  if (options.pid !== undefined)
    plan.push({ type: 15, size: 24, write: (out) => miscInfo(out, options.pid) });
  const stacks = options.stacks ?? [];
  if (stacks.length > 0)
    plan.push({ type: 3, size: 4 + 48 * stacks.length, write: (out) => threads(out, stacks) });
  if (modules.length > 0)
    plan.push({
      type: 4,
      size: 4 + MODULE * modules.length,
      write: (out) => moduleList(out, modules, namesAt),
    });
  if (options.memoryInfo !== false)
    plan.push({ type: 16, size: 16 + 48 * regions.length, write: (out) => memoryInfo(out, regions) });
  for (const { type, data } of options.streams ?? [])
    plan.push({ type, size: data.length, write: (out) => void out.bytes(data) });
  plan.push(
    full
      ? { type: 9, size: 16 + 16 * regions.length, write: (out) => memory64List(out, regions, memoryAt) }
      : { type: 5, size: 4 + 16 * regions.length, write: (out) => memoryList(out, regions, memoryAt) },
  );

  const namesAt: number[] = [];
  let at = HEADER + DIRECTORY_ENTRY * plan.length;
  const places = plan.map(({ size }) => (at += size) - size);
  for (const { name } of modules) {
    namesAt.push(at);
    at += 4 + 2 * name.length + 2;
  }
  const memoryAt = at;

  const out = new ByteWriter();
  out
    .ascii("MDMP")
    .u32(0xa793)
    .u32(plan.length)
    .u32(HEADER)
    .u32(0)
    .u32(0x65000000)
    .u64(full ? 2n : 0n);
  plan.forEach(
    ({ type, size }, i) =>
      void out
        .u32(type)
        .u32(size)
        .u32(places[i] as number),
  );
  for (const { write } of plan) write(out);
  for (const { name } of modules)
    out
      .u32(2 * name.length)
      .bytes(utf16leBytes(name))
      .u16(0);
  return out.toBytes();
}

function systemInfo(out: ByteWriter, pointerSize: 4 | 8): void {
  const end = out.length + 56;
  out
    .u16(pointerSize === 8 ? 9 : 0)
    .u16(6)
    .u16(0)
    .u8(1)
    .u8(1)
    .u32(10)
    .u32(0)
    .u32(19045)
    .u32(2)
    .pad(end);
}

function miscInfo(out: ByteWriter, pid = 0): void {
  out.u32(24).u32(1).u32(pid).u32(0).u32(0).u32(0);
}

function threads(out: ByteWriter, stacks: NonNullable<MinidumpOptions["stacks"]>): void {
  out.u32(stacks.length);
  stacks.forEach(({ address, size, rva }, i) => {
    out
      .u32(100 + i)
      .u32(0)
      .u32(0)
      .u32(0)
      .u64(0n)
      .u64(address)
      .u32(size)
      .u32(rva)
      .u32(0)
      .u32(0);
  });
}

function moduleList(out: ByteWriter, modules: readonly DumpModule[], namesAt: readonly number[]): void {
  out.u32(modules.length);
  modules.forEach(({ address, size }, i) => {
    const end = out.length + MODULE;
    out
      .u64(address)
      .u32(size)
      .u32(0)
      .u32(0)
      .u32(namesAt[i] as number)
      .pad(end);
  });
}

function memoryInfo(out: ByteWriter, regions: readonly DumpShape[]): void {
  out.u32(16).u32(48).u64(BigInt(regions.length));
  for (const region of regions) {
    const protect = pageProtection(region);
    out.u64(region.address).u64(region.address).u32(protect).u32(0).u64(BigInt(region.size));
    out.u32(0x1000).u32(protect).u32(memoryType(region)).u32(0);
  }
}

function memory64List(out: ByteWriter, regions: readonly DumpShape[], memoryAt: number): void {
  out.u64(BigInt(regions.length)).u64(BigInt(memoryAt));
  for (const { address, size } of regions) out.u64(address).u64(BigInt(size));
}

function memoryList(out: ByteWriter, regions: readonly DumpShape[], memoryAt: number): void {
  out.u32(regions.length);
  let at = memoryAt;
  for (const { address, size } of regions) {
    out.u64(address).u32(size).u32(at);
    at += size;
  }
}
