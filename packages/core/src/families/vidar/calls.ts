/**
 * Finds, in x86 code, the straight runs of "push or load constants, call, store the result" in which the Arkei lineage
 * fills its table of strings at start-up. Runs are decoded as instructions of a small set, so that an extra store,
 * stack fix or register load between them does not hide one.
 */
import type { View } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";

/** A constant that an instruction holds. */
export interface Constant {
  readonly value: number;
  /** Offset of its bytes in the view. */
  readonly offset: number;
  readonly size: 1 | 4;
}

export interface Call {
  /** Offset of the E8. */
  readonly offset: number;
  /** Offset that the call leads to, by the file's own distances: the same function gives the same number. */
  readonly target: number;
  /** Constants pushed or loaded since the call before, in order. */
  readonly constants: readonly Constant[];
}

/** A function called many times in such runs. */
export interface CallGroup {
  readonly target: number;
  readonly calls: readonly Call[];
  /** Constants stored to memory (`mov [global], imm32`) in the runs of these calls, and where. */
  readonly stored: readonly Constant[];
}

/** Fewest calls of one function that can be a string table. */
const MIN_CALLS = 8;
/** Most calls kept of one function; the largest table known has 510. */
const MAX_CALLS = 4096;
/** Functions looked at in one image. */
const MAX_GROUPS = 64;
/** Constants up to this are lengths, above it addresses. */
export const MAX_SMALL = 0x800;
/** Constants remembered between two calls. */
const MAX_CONSTANTS = 8;
/** The instruction that the search runs on. */
const PUSH_IMM32 = 0x68;
const CALL = 0xe8;
/** Bytes from a push to the first call of its run: code has calls everywhere, and nothing else has. */
const REACH = 0x100;
/** Windows maps nothing below. */
const MIN_ADDRESS = 0x1_0000;

interface Run {
  readonly end: number;
  readonly calls: readonly Call[];
  readonly stored: readonly Constant[];
}

const NO_CALLS: Run = { end: 0, calls: [], stored: [] };

/** Length of instructions in a run that carry no constant of interest; 0 for any other instruction. */
function plainLength(bytes: Uint8Array, at: number): number {
  const op = bytes[at] as number;
  if (op >= 0x50 && op <= 0x5f) return 1; // push, pop
  if (op === 0x90) return 1;
  if (op === 0xa1 || op === 0xa3) return 5; // mov eax, [m]; mov [m], eax
  const modrm = bytes[at + 1] as number;
  if (op === 0x83 && (modrm === 0xc4 || modrm === 0xec)) return 3; // add/sub esp, imm8
  if (op === 0x81 && modrm === 0xc4) return 6;
  if ((op === 0x89 || op === 0x8b) && (modrm & 0xc7) === 0x05) return 6; // mov [m], r; mov r, [m]
  if (op === 0x8b || op === 0x89 || op === 0x8d) {
    if (modrm >= 0xc0) return 2; // mov r, r
    if ((modrm & 0xc7) === 0x45) return 3; // [ebp + disp8]
    if ((modrm & 0xc7) === 0x85) return 6; // [ebp + disp32]
    return 0;
  }
  if ((op === 0x33 || op === 0x31) && modrm >= 0xc0) return 2; // xor r, r
  if (op === 0x88 && (modrm & 0xc7) === 0x45) return 3; // mov [ebp + disp8], r8
  return 0;
}

/** Decodes from `start` until an instruction outside the set. */
function decodeRun(view: View, start: number, end: number): Run {
  const { bytes } = view;
  let calls: Call[] | undefined;
  let stored: Constant[] | undefined;
  let constants: Constant[] = [];
  let at = start;
  while (at + 5 <= end) {
    const op = bytes[at] as number;
    if (op === PUSH_IMM32 || (op >= 0xb8 && op <= 0xbf)) {
      if (constants.length < MAX_CONSTANTS)
        constants.push({ value: view.u32(at + 1) as number, offset: at + 1, size: 4 });
      at += 5;
    } else if (op === 0x6a) {
      if (constants.length < MAX_CONSTANTS)
        constants.push({ value: bytes[at + 1] as number, offset: at + 1, size: 1 });
      at += 2;
    } else if (op === CALL) {
      const call = { offset: at, target: at + 5 + (view.i32(at + 1) as number), constants };
      (calls ??= []).push(call);
      constants = [];
      at += 5;
    } else if (op === 0xc7 && bytes[at + 1] === 0x05 && at + 10 <= end) {
      (stored ??= []).push({ value: view.u32(at + 6) as number, offset: at + 6, size: 4 });
      at += 10;
    } else {
      const length = plainLength(bytes, at);
      if (length === 0) break;
      at += length;
    }
  }
  return calls === undefined && stored === undefined
    ? { ...NO_CALLS, end: at }
    : { end: at, calls: calls ?? [], stored: stored ?? [] };
}

/** Where the run around a push begins: at the length before it, and at the stores before that. */
function runStart(bytes: Uint8Array, push: number, floor: number): number {
  let start = push;
  if (start - 2 >= floor && bytes[start - 2] === 0x6a) start -= 2;
  while (start - 10 >= floor && bytes[start - 10] === 0xc7 && bytes[start - 9] === 0x05) start -= 10;
  return start;
}

/** First bytes of the instructions that `decodeRun` knows. */
const KNOWN = new Uint8Array(256);
for (const op of [0x31, 0x33, 0x68, 0x6a, 0x81, 0x83, 0x88, 0x89, 0x8b, 0x8d, 0x90, 0xa1, 0xa3, 0xc7, 0xe8])
  KNOWN[op] = 1;
KNOWN.fill(1, 0x50, 0x60).fill(1, 0xb8, 0xc0);

/** Addresses that a constant may name: those of a file, and any in memory, where the base may be another. */
function addresses(image: Image): readonly [number, number] {
  if (image.layout !== "file") return [MIN_ADDRESS, 0xffffffff];
  const base = image.pointerBase ?? image.base;
  const end = image.regions.reduce((max, r) => Math.max(max, r.rva + r.size), 0);
  return [base, base + end];
}

/** Functions called at least eight times with constants, most called first. */
export function callGroups(image: Image): CallGroup[] {
  const { view } = image;
  const { bytes } = view;
  const [lowest, highest] = addresses(image);
  const groups = new Map<number, { target: number; calls: Call[]; stored: Constant[] }>();
  for (const region of image.regions) {
    if (!region.executable) continue;
    const end = Math.min(region.offset + region.size, view.length);
    let floor = region.offset;
    let nextCall = -1;
    for (let push = bytes.indexOf(PUSH_IMM32, floor); push >= 0 && push < end; ) {
      if (nextCall < push) nextCall = bytes.indexOf(CALL, push);
      if (nextCall < 0) break;
      if (nextCall - push > REACH) {
        push = bytes.indexOf(PUSH_IMM32, nextCall - REACH);
        continue;
      }
      const value = KNOWN[bytes[push + 5] ?? 0] === 0 ? undefined : view.u32(push + 1);
      if (value === undefined || (value > MAX_SMALL && (value < lowest || value >= highest))) {
        push = bytes.indexOf(PUSH_IMM32, push + 1);
        continue;
      }
      const run = decodeRun(view, runStart(bytes, push, floor), end);
      let owner: { stored: Constant[] } | undefined;
      for (const call of run.calls) {
        if (call.constants.length === 0) continue;
        let group = groups.get(call.target);
        if (group === undefined)
          groups.set(call.target, (group = { target: call.target, calls: [], stored: [] }));
        if (group.calls.length < MAX_CALLS) group.calls.push(call);
        owner ??= group;
      }
      if (owner !== undefined && owner.stored.length < MAX_CALLS) owner.stored.push(...run.stored);
      floor = Math.max(run.end, push + 1);
      push = bytes.indexOf(PUSH_IMM32, floor);
    }
  }
  return [...groups.values()]
    .filter((g) => g.calls.length >= MIN_CALLS)
    .sort((a, b) => b.calls.length - a.calls.length)
    .slice(0, MAX_GROUPS);
}
