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
  readonly calls: readonly Call[];
  readonly stored: readonly Constant[];
}

/** Lengths of the instructions in a run by their first byte; those that go by the byte behind it are 0 here. */
const LENGTHS = new Uint8Array(256);
LENGTHS.fill(1, 0x50, 0x60); // push, pop
LENGTHS[0x90] = 1;
LENGTHS[0x6a] = 2; // push imm8
LENGTHS.fill(5, 0xb8, 0xc0); // mov r, imm32
for (const op of [PUSH_IMM32, CALL, 0xa1, 0xa3]) LENGTHS[op] = 5; // mov eax, [m]; mov [m], eax

/** Length of the instruction at `at`; 0 for one that is in no run. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const op = bytes[at] as number;
  const length = LENGTHS[op] as number;
  return length === 0 ? lengthByModrm(op, bytes[at + 1] as number, bytes[at + 2] as number) : length;
}

const ESP = 0x24;

function lengthByModrm(op: number, modrm: number, sib: number): number {
  if (op === 0xc7) {
    if (modrm === 0x05) return 10; // mov [m], imm32
    if (sib !== ESP) return 0;
    return modrm === 0x04 ? 7 : modrm === 0x44 ? 8 : 0; // mov [esp], imm32; mov [esp + disp8], imm32
  }
  if (op === 0x83) return modrm === 0xc4 || modrm === 0xec ? 3 : 0; // add/sub esp, imm8
  if (op === 0x81) return modrm === 0xc4 ? 6 : 0;
  if (op === 0x33 || op === 0x31) return modrm >= 0xc0 ? 2 : 0; // xor r, r
  if (op === 0x88) return (modrm & 0xc7) === 0x45 ? 3 : 0; // mov [ebp + disp8], r8
  if (op !== 0x8b && op !== 0x89 && op !== 0x8d) return 0;
  // mov m, r; mov r, m; mov r, r; lea r, m
  const mode = (modrm >> 6) as 0 | 1 | 2 | 3;
  const base = modrm & 7;
  if (mode === 3) return 2;
  if (mode === 0 && base === 5) return op === 0x8d ? 0 : 6;
  const length = 2 + DISPLACEMENTS[mode];
  return base !== 4 ? length : sib === ESP ? length + 1 : 0;
}

/** Bytes of the displacement by the two high bits of ModRM. */
const DISPLACEMENTS = [0, 1, 4, 0] as const;

/** End of the run at `start`, as its negative when there is no call in it: most have none and need no decoding. */
function measureRun(bytes: Uint8Array, start: number, end: number): number {
  let hasCall = false;
  let at = start;
  while (at + 5 <= end) {
    const length = lengthAt(bytes, at);
    if (length === 0 || at + length > end) break;
    if (bytes[at] === CALL) hasCall = true;
    at += length;
  }
  return hasCall ? at : -at;
}

const EBX = 3;

/**
 * Decodes what `measureRun` measured. A length that many strings have is kept in a register that calls do not change,
 * and given from there.
 */
function decodeRun(view: View, start: number, end: number): Run {
  const { bytes } = view;
  const calls: Call[] = [];
  const stored: Constant[] = [];
  const kept: (Constant | undefined)[] = [];
  let constants: Constant[] = [];
  const give = (constant: Constant | undefined) => {
    if (constant !== undefined && constants.length < MAX_CONSTANTS) constants.push(constant);
  };
  const imm32 = (at: number): Constant => ({ value: view.u32(at) as number, offset: at, size: 4 });
  for (let at = start; at < end; at += lengthAt(bytes, at)) {
    const op = bytes[at] as number;
    const modrm = bytes[at + 1] as number;
    if (op === PUSH_IMM32) give(imm32(at + 1));
    else if (op >= 0xb8 && op <= 0xbf) {
      if (op - 0xb8 >= EBX) kept[op - 0xb8] = imm32(at + 1);
      give(imm32(at + 1));
    } else if (op === 0x6a) give({ value: modrm, offset: at + 1, size: 1 });
    else if (op >= 0x50 && op <= 0x57) give(kept[op - 0x50]);
    else if (op >= 0x58 + EBX && op <= 0x5f)
      kept[op - 0x58] = bytes[at - 2] === 0x6a ? constants.pop() : undefined;
    else if (op === 0x8d) kept[(modrm >> 3) & 7] = undefined;
    else if (op === 0x8b) {
      const from = modrm >= 0xc0 ? kept[modrm & 7] : undefined;
      kept[(modrm >> 3) & 7] = from;
      give(from);
    } else if (op === 0x31 || op === 0x33) kept[modrm & 7] = undefined;
    else if (op === CALL) {
      calls.push({ offset: at, target: at + 5 + (view.i32(at + 1) as number), constants });
      constants = [];
    } else if (op === 0xc7) {
      const value = imm32(at + lengthAt(bytes, at) - 4);
      if (modrm === 0x05) stored.push(value);
      else give(value);
    }
  }
  return { calls, stored };
}

/** Bytes of what may give or keep a length right before `at`: push imm8, push imm8 and pop r, push r, mov r, r. */
function lengthBefore(bytes: Uint8Array, at: number): number {
  if (bytes[at - 2] === 0x6a) return 2;
  const last = bytes[at - 1] as number;
  if (last >= 0x58 && last <= 0x5f && bytes[at - 3] === 0x6a) return 3;
  if (bytes[at - 2] === 0x8b && last >= 0xc0) return 2;
  return last >= 0x50 && last <= 0x57 ? 1 : 0;
}

/** Where the run around a push begins: at the length before it, and at the stores before that. */
function runStart(bytes: Uint8Array, push: number, floor: number): number {
  let start = push;
  for (;;) {
    const before = lengthBefore(bytes, start);
    if (before === 0 || start - before < floor) break;
    start -= before;
  }
  while (start - 10 >= floor && bytes[start - 10] === 0xc7 && bytes[start - 9] === 0x05) start -= 10;
  return start;
}

/** First bytes of the instructions that a run may have. */
const KNOWN = LENGTHS.map((length) => Number(length > 0));
for (const op of [0x31, 0x33, 0x81, 0x83, 0x88, 0x89, 0x8b, 0x8d, 0xc7]) KNOWN[op] = 1;

/** Addresses that a constant may name: those of a file, and any in memory, where the base may be another. */
function addresses(image: Image): readonly [number, number] {
  if (image.layout !== "file") return [MIN_ADDRESS, 0xffffffff];
  const base = image.pointerBase ?? image.base;
  const end = image.regions.reduce((max, r) => Math.max(max, r.rva + r.size), 0);
  return [base, base + end];
}

/** What a push must look like to be one of a table's, by the bytes around it. */
interface PushTest {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * The next push in [from, end) with a constant of a fitting size, an instruction of the set behind it and a call in
 * reach; -1 when there is none. A loop of its own: it is what every image pays for.
 */
function nextPush(bytes: Uint8Array, from: number, end: number, { lowest, highest }: PushTest): number {
  const known = KNOWN;
  let nextCall = -1;
  for (let push = bytes.indexOf(PUSH_IMM32, from); push >= 0 && push < end; ) {
    if (nextCall < push) nextCall = bytes.indexOf(CALL, push);
    if (nextCall < 0) return -1;
    if (nextCall - push > REACH) {
      push = bytes.indexOf(PUSH_IMM32, nextCall - REACH);
      continue;
    }
    if (push + 5 < bytes.length && known[bytes[push + 5] as number] === 1) {
      const low = (bytes[push + 1] as number) | ((bytes[push + 2] as number) << 8);
      const value = low + ((bytes[push + 3] as number) | ((bytes[push + 4] as number) << 8)) * 0x1_0000;
      if (value <= MAX_SMALL || (value >= lowest && value < highest)) return push;
    }
    push = bytes.indexOf(PUSH_IMM32, push + 1);
  }
  return -1;
}

interface OpenGroup {
  readonly target: number;
  readonly calls: Call[];
  readonly stored: Constant[];
}

/** Functions called at least eight times with constants, most called first. */
export function callGroups(image: Image): CallGroup[] {
  const { view } = image;
  const [lowest, highest] = addresses(image);
  const groups = new Map<number, OpenGroup>();
  for (const region of image.regions) {
    if (!region.executable) continue;
    const end = Math.min(region.offset + region.size, view.length);
    let floor = region.offset;
    for (;;) {
      const push = nextPush(view.bytes, floor, end, { lowest, highest });
      if (push < 0) break;
      const start = runStart(view.bytes, push, floor);
      const runEnd = measureRun(view.bytes, start, end);
      if (runEnd > 0) addRun(decodeRun(view, start, runEnd), groups);
      floor = Math.max(Math.abs(runEnd), push + 1);
    }
  }
  return [...groups.values()]
    .filter((g) => g.calls.length >= MIN_CALLS)
    .sort((a, b) => b.calls.length - a.calls.length)
    .slice(0, MAX_GROUPS);
}

function addRun(run: Run, groups: Map<number, OpenGroup>): void {
  let owner: OpenGroup | undefined;
  for (const call of run.calls) {
    if (call.constants.length === 0) continue;
    let group = groups.get(call.target);
    if (group === undefined)
      groups.set(call.target, (group = { target: call.target, calls: [], stored: [] }));
    if (group.calls.length < MAX_CALLS) group.calls.push(call);
    owner ??= group;
  }
  if (owner !== undefined && owner.stored.length < MAX_CALLS) owner.stored.push(...run.stored);
}
