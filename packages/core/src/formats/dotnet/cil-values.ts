/**
 * What a method's code stores, passes and returns, as far as it follows from constants: the settings of a .NET
 * program are mostly a static constructor's `ldstr; stsfld`. Nothing is run; an abstract stack machine
 * (cil-machine.ts) walks the instructions.
 */
import type { Found, Span, View } from "../../bytes/index.ts";
import { CilMachine } from "./cil-machine.ts";
import type { Dotnet, Token } from "./model.ts";

/**
 * A value on the stack. `at`: the bytes that it comes from: a string's UTF-16LE text in #US, an array's initial
 * data, else the instructions that make it.
 */
export type CilValue = { readonly at: readonly Span[] } & (
  | { readonly kind: "string"; readonly text: Found<string>; readonly heapOffset: number }
  /** 32 bits, signed; also bool, char, enum and the small integers. */
  | { readonly kind: "int"; readonly value: number }
  /** 64 bits, signed. */
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "null" }
  | CilArray
  /** `type` is the class; `method` its constructor as nameOf gives it. */
  | {
      readonly kind: "new";
      readonly type: string;
      readonly method: string;
      readonly token: Token;
      readonly args: readonly CilValue[];
    }
  /** What a call gives back. The first of `args` is the object when the method has one. */
  | {
      readonly kind: "call";
      readonly method: string;
      readonly token: Token;
      readonly args: readonly CilValue[];
    }
  /** A field's value; `known` when this method stored it before, `object` for an instance field. */
  | {
      readonly kind: "field";
      readonly name: string;
      readonly token: Token;
      readonly object: CilValue | undefined;
      readonly known: CilValue | undefined;
    }
  /** `ldtoken`, `ldftn`: the handle of a type, method or field. */
  | { readonly kind: "token"; readonly token: Token }
  | { readonly kind: "address"; readonly of: "local" | "argument" | "field"; readonly index: number }
  /** Argument by number; 0 is `this` in an instance method. */
  | { readonly kind: "argument"; readonly index: number }
  | { readonly kind: "unknown" }
);

/** A one-dimensional array, or a span over constant data. */
export interface CilArray {
  readonly kind: "array";
  /** As `System.Byte`. */
  readonly elementType: string;
  readonly length: number | undefined;
  /** Initial data (RuntimeHelpers.InitializeArray, CreateSpan, a span over a data field), cut to the length. */
  readonly data: View | undefined;
  /** Elements stored one by one, over the initial data. */
  readonly items: ReadonlyMap<number, CilValue>;
  /** False once something was done to it that is not followed: a store at an unknown index, a call that gets it. */
  readonly isExact: boolean;
}

export interface FieldStore {
  /** Offset of the stsfld or stfld in the method's code. */
  readonly offset: number;
  /** Field or MemberRef token, as it stands in the instruction. */
  readonly token: Token;
  /** Row of the Field table; 0 when the token is a MemberRef. */
  readonly fieldRid: number;
  /** `Namespace.Type::Field`. */
  readonly name: string;
  readonly isStatic: boolean;
  /** The object of a stfld. */
  readonly object: CilValue | undefined;
  readonly value: CilValue;
  /** True behind a branch whose condition is not known. */
  readonly isConditional: boolean;
  /** The storing instruction. */
  readonly at: Span;
}

export interface CallMade {
  readonly offset: number;
  readonly token: Token;
  /** `Namespace.Type::Method`. */
  readonly method: string;
  readonly isNew: boolean;
  readonly args: readonly CilValue[];
  readonly isConditional: boolean;
  readonly at: Span;
}

export interface MethodEffects {
  readonly stores: readonly FieldStore[];
  readonly calls: readonly CallMade[];
  /** Values at each `ret` that was reached. */
  readonly returns: readonly CilValue[];
}

/**
 * Follows a method from its first instruction. Branches on known values are taken (so opaque predicates and
 * flattened control flow fall away); behind an unknown one both ways are walked, and where ways meet, what they
 * disagree on is unknown. Everything is in the order in which it was first reached. Exception handlers are not
 * walked. Empty for a method without CIL; a prefix of the truth when the code outruns the machine's budget.
 */
export function methodEffects(dotnet: Dotnet, methodRid: number): MethodEffects {
  return new CilMachine(dotnet, methodRid).run();
}

/** The field stores of a `.cctor` or `.ctor`, in order of execution. */
export function staticFieldStores(dotnet: Dotnet, methodRid: number): readonly FieldStore[] {
  return methodEffects(dotnet, methodRid).stores;
}
