/** Arithmetic on known integers (ECMA-335 III.3), so that `ldc; ldc; xor` is again a constant. */
import type { Span } from "../../bytes/index.ts";
import type { CilValue } from "./cil-values.ts";

/** Spans that a folded value keeps; a long chain of opaque arithmetic proves nothing more. */
const MAX_SPANS = 8;

type Binary<T> = (a: T, b: T) => T | undefined;

const INT: Readonly<Record<string, Binary<number>>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => (b === 0 ? undefined : (a / b) | 0),
  "div.un": (a, b) => (b === 0 ? undefined : ((a >>> 0) / (b >>> 0)) | 0),
  rem: (a, b) => (b === 0 ? undefined : (a % b) | 0),
  "rem.un": (a, b) => (b === 0 ? undefined : ((a >>> 0) % (b >>> 0)) | 0),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  "shr.un": (a, b) => (a >>> b) | 0,
};

const LONG: Readonly<Record<string, Binary<bigint>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? undefined : a / b),
  "div.un": (a, b) => (b === 0n ? undefined : BigInt.asUintN(64, a) / BigInt.asUintN(64, b)),
  rem: (a, b) => (b === 0n ? undefined : a % b),
  "rem.un": (a, b) => (b === 0n ? undefined : BigInt.asUintN(64, a) % BigInt.asUintN(64, b)),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << (b & 63n),
  shr: (a, b) => a >> (b & 63n),
  "shr.un": (a, b) => BigInt.asUintN(64, a) >> (b & 63n),
};

/** Width and sign of the small conversions. */
const NARROW: Readonly<Record<string, (value: number) => number>> = {
  i1: (value) => (value << 24) >> 24,
  u1: (value) => value & 0xff,
  i2: (value) => (value << 16) >> 16,
  u2: (value) => value & 0xffff,
  i4: (value) => value | 0,
  u4: (value) => value | 0,
  i: (value) => value | 0,
  u: (value) => value | 0,
};

/** Instructions that take two values and give one. */
export const BINARY: ReadonlySet<string> = new Set([
  ...Object.keys(INT),
  ...["add", "sub", "mul"].flatMap((op) => [`${op}.ovf`, `${op}.ovf.un`]),
  ...["ceq", "cgt", "cgt.un", "clt", "clt.un"],
]);

/** `add.ovf.un` adds as `add` does; only div, rem and shr have unsigned forms of their own. */
function plain(op: string): string {
  return op.replace(/\.ovf(\.un)?$/, "");
}

/** Undefined when the operands are not both known integers, or the operation has no result. */
export function foldBinary(op: string, a: CilValue, b: CilValue): CilValue | undefined {
  const at = joinSpans(a.at, b.at);
  const compared = compare(op, a, b);
  if (compared !== undefined) return { kind: "int", value: compared ? 1 : 0, at };
  const name = plain(op);
  if (a.kind === "int" && b.kind === "int") {
    const value = INT[name]?.(a.value, b.value);
    return value === undefined ? undefined : { kind: "int", value, at };
  }
  if (a.kind === "long" && (b.kind === "long" || b.kind === "int")) {
    const value = LONG[name]?.(a.value, BigInt(b.value));
    return value === undefined ? undefined : { kind: "long", value: BigInt.asIntN(64, value), at };
  }
  return undefined;
}

/** `neg`, `not` and the conversions. */
export function foldUnary(op: string, a: CilValue): CilValue | undefined {
  if (a.kind === "int" && (op === "neg" || op === "not"))
    return { kind: "int", value: op === "neg" ? -a.value | 0 : ~a.value, at: a.at };
  if (a.kind === "long" && (op === "neg" || op === "not"))
    return { kind: "long", value: BigInt.asIntN(64, op === "neg" ? -a.value : ~a.value), at: a.at };
  const type = /^conv\.(?:ovf\.)?([iu][1248]?)(\.un)?$/.exec(op);
  if (type === null || (a.kind !== "int" && a.kind !== "long")) return undefined;
  const [, to, fromUnsigned] = type as unknown as [string, string, string | undefined];
  if (to === "i8" || to === "u8") {
    const isUnsigned = to === "u8" || fromUnsigned !== undefined;
    const value = a.kind === "long" ? a.value : BigInt(isUnsigned ? a.value >>> 0 : a.value);
    return { kind: "long", value: BigInt.asIntN(64, value), at: a.at };
  }
  const low = a.kind === "int" ? a.value : Number(BigInt.asIntN(32, a.value));
  const value = NARROW[to]?.(low);
  return value === undefined ? undefined : { kind: "int", value, at: a.at };
}

/** Outcome of `ceq`, `cgt` … and of the branches `beq`, `bge` …; undefined when it is not known. */
export function compare(op: string, a: CilValue, b: CilValue): boolean | undefined {
  const relation = /^(?:c|b)(eq|gt|lt|ge|le|ne)(\.un)?(?:\.s)?$/.exec(op);
  if (relation === null) return undefined;
  const [, name, un] = relation as unknown as [string, string, string | undefined];
  if ((a.kind !== "int" || b.kind !== "int") && (a.kind !== "long" || b.kind !== "long")) {
    const [x, y] = [truth(a), truth(b)];
    // Against null or zero: whatever is certainly something differs from it.
    if (x === undefined || y === undefined || x === y || (a.kind !== "null" && b.kind !== "null"))
      return a.kind === "null" && b.kind === "null"
        ? name === "eq" || name === "ge" || name === "le"
        : undefined;
    return name === "ne" || (un !== undefined && name === "gt" && x);
  }
  const unsigned = un !== undefined;
  const [x, y] = [order(a.value, unsigned), order(b.value, unsigned)];
  switch (name) {
    case "eq":
      return x === y;
    case "ne":
      return x !== y;
    case "gt":
      return x > y;
    case "ge":
      return x >= y;
    case "lt":
      return x < y;
    default:
      return x <= y;
  }
}

function order(value: number | bigint, unsigned: boolean): bigint {
  if (typeof value === "bigint") return unsigned ? BigInt.asUintN(64, value) : value;
  return BigInt(unsigned ? value >>> 0 : value);
}

/** Whether `brtrue` jumps; undefined when it is not known. */
export function truth(value: CilValue): boolean | undefined {
  switch (value.kind) {
    case "int":
    case "float":
      return value.value !== 0;
    case "long":
      return value.value !== 0n;
    case "null":
      return false;
    case "string":
    case "array":
    case "new":
    case "address":
    case "token":
      return true;
    default:
      return undefined;
  }
}

export function joinSpans(a: readonly Span[], b: readonly Span[]): readonly Span[] {
  return [...a, ...b].slice(0, MAX_SPANS);
}
