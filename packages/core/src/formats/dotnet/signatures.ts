/** As much of signatures (ECMA-335 II.23.2) as names, sizes and stack effects need. */
import type { View } from "../../bytes/index.ts";
import { compressed } from "./heaps.ts";
import { decodeCoded } from "./table-layout.ts";

/** Nesting of types in one signature. */
const MAX_DEPTH = 16;

/** Types met in one signature, so that a crafted one costs little. */
const MAX_TYPES = 256;

const ELEMENT = {
  Void: 0x01,
  Ptr: 0x0f,
  ByRef: 0x10,
  ValueType: 0x11,
  Class: 0x12,
  Var: 0x13,
  Array: 0x14,
  GenericInst: 0x15,
  FnPtr: 0x1b,
  SzArray: 0x1d,
  MVar: 0x1e,
  CModReqd: 0x1f,
  CModOpt: 0x20,
  Sentinel: 0x41,
  Pinned: 0x45,
} as const;

/** Simple types: their name and size in bytes (0: none of its own). II.23.1.16. */
const PRIMITIVES: Readonly<Record<number, readonly [string, number]>> = {
  1: ["System.Void", 0],
  2: ["System.Boolean", 1],
  3: ["System.Char", 2],
  4: ["System.SByte", 1],
  5: ["System.Byte", 1],
  6: ["System.Int16", 2],
  7: ["System.UInt16", 2],
  8: ["System.Int32", 4],
  9: ["System.UInt32", 4],
  10: ["System.Int64", 8],
  11: ["System.UInt64", 8],
  12: ["System.Single", 4],
  13: ["System.Double", 8],
  14: ["System.String", 0],
  22: ["System.TypedReference", 0],
  24: ["System.IntPtr", 0],
  25: ["System.UIntPtr", 0],
  28: ["System.Object", 0],
};

/** A type in a signature. */
export interface TypeSig {
  /** Name for people; class tokens are named by the caller. */
  readonly name: string;
  /** Size of a primitive; 0 for everything else. */
  readonly size: number;
  /** TypeDef, TypeRef or TypeSpec token of a class or value type, of a generic instance too; else 0. */
  readonly token: number;
}

export interface MethodSig {
  readonly hasThis: boolean;
  readonly parameters: readonly TypeSig[];
  readonly returns: TypeSig;
}

type NameOf = (token: number) => string | undefined;

class SigReader {
  readonly #view: View;
  readonly #nameOf: NameOf;
  #at = 0;
  #types = 0;

  constructor(view: View, nameOf: NameOf) {
    this.#view = view;
    this.#nameOf = nameOf;
  }

  /** A byte, or undefined at the end. */
  byte(): number | undefined {
    const value = this.#view.u8(this.#at);
    if (value !== undefined) this.#at++;
    return value;
  }

  number(): number | undefined {
    const value = compressed(this.#view, this.#at);
    if (value !== undefined) this.#at += value.size;
    return value?.value;
  }

  type(depth = 0): TypeSig | undefined {
    if (depth > MAX_DEPTH || this.#types++ > MAX_TYPES) return undefined;
    let element = this.byte();
    while (
      element === ELEMENT.CModReqd ||
      element === ELEMENT.CModOpt ||
      element === ELEMENT.Pinned ||
      element === ELEMENT.Sentinel
    ) {
      if (element <= ELEMENT.CModOpt) this.number();
      element = this.byte();
    }
    if (element === undefined) return undefined;
    const primitive = PRIMITIVES[element];
    if (primitive !== undefined) return { name: primitive[0], size: primitive[1], token: 0 };
    switch (element) {
      case ELEMENT.Ptr:
      case ELEMENT.ByRef:
      case ELEMENT.SzArray: {
        const inner = this.type(depth + 1);
        const suffix = element === ELEMENT.Ptr ? "*" : element === ELEMENT.ByRef ? "&" : "[]";
        return inner && { name: inner.name + suffix, size: 0, token: 0 };
      }
      case ELEMENT.ValueType:
      case ELEMENT.Class: {
        const coded = this.number();
        if (coded === undefined) return undefined;
        const token = decodeCoded("TypeDefOrRef", coded);
        return { name: this.#nameOf(token) ?? "?", size: 0, token };
      }
      case ELEMENT.Var:
      case ELEMENT.MVar: {
        const index = this.number();
        return index === undefined
          ? undefined
          : { name: `${element === ELEMENT.Var ? "!" : "!!"}${index}`, size: 0, token: 0 };
      }
      case ELEMENT.GenericInst: {
        const generic = this.type(depth + 1);
        const count = this.number();
        if (generic === undefined || count === undefined || count > MAX_TYPES) return undefined;
        for (let i = 0; i < count; i++) if (this.type(depth + 1) === undefined) return undefined;
        return generic;
      }
      case ELEMENT.Array:
        return this.#array(depth);
      case ELEMENT.FnPtr:
        return this.method(depth + 1) && { name: "method*", size: 0, token: 0 };
      default:
        return undefined;
    }
  }

  method(depth = 0): MethodSig | undefined {
    const convention = this.byte();
    if (convention === undefined) return undefined;
    if ((convention & 0x10) !== 0) this.number();
    const count = this.number();
    const returns = this.type(depth);
    if (count === undefined || returns === undefined || count > MAX_TYPES) return undefined;
    const parameters: TypeSig[] = [];
    for (let i = 0; i < count; i++) {
      const parameter = this.type(depth);
      if (parameter === undefined) return undefined;
      parameters.push(parameter);
    }
    return { hasThis: (convention & 0x20) !== 0, parameters, returns };
  }

  /** II.23.2.13: type, rank, sizes, lower bounds. */
  #array(depth: number): TypeSig | undefined {
    const inner = this.type(depth + 1);
    const rank = this.number();
    if (inner === undefined || rank === undefined || rank > MAX_TYPES) return undefined;
    for (let list = 0; list < 2; list++) {
      const count = this.number();
      if (count === undefined || count > MAX_TYPES) return undefined;
      for (let i = 0; i < count; i++) this.number();
    }
    return { name: `${inner.name}[${",".repeat(Math.max(0, rank - 1))}]`, size: 0, token: 0 };
  }
}

/** The type of a field signature (II.23.2.4). */
export function fieldType(signature: View, nameOf: NameOf): TypeSig | undefined {
  const reader = new SigReader(signature, nameOf);
  return reader.byte() === 0x06 ? reader.type() : undefined;
}

/** A method's signature, also that of a MemberRef (II.23.2.1 to II.23.2.3). */
export function methodSignature(signature: View, nameOf: NameOf): MethodSig | undefined {
  return new SigReader(signature, nameOf).method();
}

/** The type of a TypeSpec (II.23.2.14). */
export function typeSpecType(signature: View, nameOf: NameOf): TypeSig | undefined {
  return new SigReader(signature, nameOf).type();
}
