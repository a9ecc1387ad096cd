/** Method bodies (ECMA-335 II.25.4). */
import type { View } from "../../bytes/index.ts";
import type { MethodBody } from "./model.ts";

const TINY_FORMAT = 0x2;
const FAT_FORMAT = 0x3;
const MORE_SECTS = 0x08;
const INIT_LOCALS = 0x10;

const SECT_EH_TABLE = 0x01;
const SECT_FAT = 0x40;
const SECT_MORE = 0x80;
const SMALL_CLAUSE = 12;
const FAT_CLAUSE = 24;

/** Data sections behind one method; compilers write one. */
const MAX_SECTIONS = 16;

/** The body at `offset` of the image. Code that leaves the view is clipped; no header, no body. */
export function readBody(view: View, offset: number): MethodBody | undefined {
  const first = view.u8(offset);
  if (first === undefined) return undefined;
  if ((first & 3) === TINY_FORMAT)
    return {
      code: view.clip(offset + 1, first >> 2),
      maxStack: 8,
      localVarSigTok: 0,
      initLocals: false,
      exceptionClauses: 0,
    };
  const flags = view.u16(offset);
  const maxStack = view.u16(offset + 2);
  const codeSize = view.u32(offset + 4);
  const localVarSigTok = view.u32(offset + 8);
  if (
    (first & 7) !== FAT_FORMAT ||
    flags === undefined ||
    maxStack === undefined ||
    codeSize === undefined ||
    localVarSigTok === undefined
  )
    return undefined;
  const headerSize = (flags >> 12) * 4;
  if (headerSize < 12) return undefined;
  const codeAt = offset + headerSize;
  return {
    code: view.clip(codeAt, codeSize),
    maxStack,
    localVarSigTok,
    initLocals: (flags & INIT_LOCALS) !== 0,
    exceptionClauses: (flags & MORE_SECTS) === 0 ? 0 : countClauses(view, codeAt + codeSize),
  };
}

/** Code and stack of one method; the largest known, of generated parsers, have some megabytes and hundreds. */
const MAX_CODE = 1 << 24;
const MAX_STACK = 0x1000;
const SIGNATURE_TABLE = 0x11;
/** What code may end with: ret, throw; with an operand of one byte br.s, leave.s; of four br, leave; rethrow. */
const ENDS: readonly (readonly [back: number, opcodes: readonly number[]])[] = [
  [1, [0x2a, 0x7a]],
  [2, [0x2b, 0xde]],
  [5, [0x38, 0xdd]],
  [2, [0xfe]],
];

/** What stands at `offset` by its form: a header as compilers write it, and code that ends as code does. */
export function bodyForm(view: View, offset: number): "tiny" | "fat" | undefined {
  const first = view.u8(offset);
  if (first === undefined) return undefined;
  if ((first & 3) === TINY_FORMAT) return endsAsCode(view, offset + 1, first >> 2) ? "tiny" : undefined;
  const flags = view.u16(offset) ?? 0;
  const maxStack = view.u16(offset + 2) ?? 0;
  const codeSize = view.u32(offset + 4) ?? 0;
  const locals = view.u32(offset + 8) ?? 0;
  if ((first & 7) !== FAT_FORMAT || flags >> 12 !== 3 || maxStack > MAX_STACK || codeSize > MAX_CODE)
    return undefined;
  const isSignature = locals === 0 || locals >>> 24 === SIGNATURE_TABLE;
  return isSignature && endsAsCode(view, offset + 12, codeSize) ? "fat" : undefined;
}

function endsAsCode(view: View, start: number, size: number): boolean {
  if (size === 0 || !view.has(start, size)) return false;
  return ENDS.some(
    ([back, opcodes]) => back <= size && opcodes.includes(view.bytes[start + size - back] as number),
  );
}

/** Exception clauses in the data sections behind the code, which start at a multiple of four. */
function countClauses(view: View, codeEnd: number): number {
  let clauses = 0;
  let at = alignToImage(view, codeEnd);
  for (let i = 0; i < MAX_SECTIONS; i++) {
    const header = view.u32(at);
    if (header === undefined) break;
    const kind = header & 0xff;
    const isFat = (kind & SECT_FAT) !== 0;
    const size = isFat ? header >>> 8 : (header >> 8) & 0xff;
    if ((kind & SECT_EH_TABLE) !== 0) clauses += Math.floor(size / (isFat ? FAT_CLAUSE : SMALL_CLAUSE));
    if ((kind & SECT_MORE) === 0 || size < 4) break;
    at = alignToImage(view, at + size);
  }
  return clauses;
}

function alignToImage(view: View, offset: number): number {
  return (((view.base + offset + 3) & ~3) >>> 0) - view.base;
}
