/** .NET metadata under the names of ECMA-335 (6th edition, partition II 22 to 25, partition III for CIL). */
import type { Found, View } from "../../bytes/index.ts";
import type { Anomaly } from "../pe/model.ts";

/** A metadata token: table number in the top byte, row id (from 1) below; 0x70 marks a user string. */
export type Token = number;

export interface TypeDef {
  readonly rid: number;
  readonly flags: number;
  readonly namespace: string;
  readonly name: string;
  /** TypeDefOrRef as a token; 0 for none. */
  readonly extends: Token;
  /** Row ids [first, end), of the pointer tables where a `#-` stream has them: fieldsOf and methodsOf follow those. */
  readonly fields: readonly [number, number];
  readonly methods: readonly [number, number];
}

export interface FieldDef {
  readonly rid: number;
  readonly flags: number;
  readonly name: string;
  readonly signature: View | undefined;
  /** Row id of the owning TypeDef; 0 when no type claims it. */
  readonly typeRid: number;
}

export interface MethodDef {
  readonly rid: number;
  readonly rva: number;
  readonly implFlags: number;
  readonly flags: number;
  readonly name: string;
  readonly signature: View | undefined;
  readonly typeRid: number;
}

/** A decoded CIL instruction. */
export interface Instruction {
  /** Offset within the method's code. */
  readonly offset: number;
  readonly size: number;
  /** ECMA-335 name, as `ldstr`, `ldc.i4.s`, `stsfld`. */
  readonly op: string;
  /**
   * Token, integer (also of the short forms: ldc.i4.3 gives 3, ldc.i4.m1 gives -1), float, branch target (absolute
   * offset in the code), or switch targets; undefined when there is none.
   */
  readonly operand: number | bigint | readonly number[] | undefined;
  /** The instruction's bytes. */
  readonly view: View;
}

export interface MethodBody {
  readonly code: View;
  readonly maxStack: number;
  readonly localVarSigTok: Token;
  readonly initLocals: boolean;
  readonly exceptionClauses: number;
}

export interface UserString {
  /** Offset in #US: the low 24 bits of the ldstr token. */
  readonly offset: number;
  /** Text, and the span of its UTF-16LE bytes. */
  readonly text: Found<string>;
}

export interface ManifestResource {
  readonly name: string;
  readonly flags: number;
  /** The bytes behind the length prefix; undefined when it lives in another file or outside the view. */
  readonly data: View | undefined;
}

export interface CustomAttribute {
  readonly parent: Token;
  /** `Namespace.Type::.ctor`. */
  readonly constructorName: string;
  readonly value: View | undefined;
}

/** A .NET module. Every look-up gives undefined for what is not there; nothing throws. */
export interface Dotnet {
  readonly runtimeVersion: string;
  readonly flags: number;
  readonly entryPointToken: Token;
  readonly streams: readonly { readonly name: string; readonly view: View }[];
  readonly moduleName: string;
  readonly mvid: string | undefined;
  readonly assemblyName: string | undefined;
  readonly typeDefs: readonly TypeDef[];
  readonly fields: readonly FieldDef[];
  readonly methods: readonly MethodDef[];
  readonly anomalies: readonly Anomaly[];
  rowCount(table: number): number;
  /** Columns of a row as raw numbers, in ECMA-335 order. */
  row(table: number, rid: number): readonly number[] | undefined;
  string(index: number): string | undefined;
  blob(index: number): View | undefined;
  userString(tokenOrOffset: number): UserString | undefined;
  /** All entries of #US, in heap order. */
  userStrings(): readonly UserString[];
  body(methodRid: number): MethodBody | undefined;
  /** The method's code as instructions, up to the first undecodable byte. Cached. */
  instructions(methodRid: number): readonly Instruction[];
  /** Initial data of a field with a FieldRVA row; its size from its type's ClassLayout or primitive signature. */
  fieldData(fieldRid: number): View | undefined;
  /**
   * `Namespace.Type::Member` for a MethodDef, Field, MemberRef or MethodSpec token, `Namespace.Type` for a type
   * token, with `/` before a nested type and without generic arguments; else the row's own name.
   */
  nameOf(token: Token): string | undefined;
  resources(): readonly ManifestResource[];
  customAttributes(): readonly CustomAttribute[];
}
