/** What the folder must know of a language. Everything is data but the small functions on constants. */
import type { Token, Tokens } from "./token.ts";
import type { Value } from "./value.ts";

/** Binding of the comma of PowerShell. */
export const COMMA = 8;

export interface Operator {
  /** Higher binds tighter. */
  readonly precedence: number;
  readonly fold: (left: Value, right: Value) => Value | undefined;
}

export type Call = (args: readonly Value[]) => Value | undefined;
export type Method = (self: Value, args: readonly Value[]) => Value | undefined;

export interface Dialect {
  readonly id: "ps1" | "vbs" | "js";
  tokenize(text: string): Tokens;
  readonly binary: ReadonlyMap<string, Operator>;
  /** Before an operand: `-join`, `-`, `+`. */
  readonly unary: ReadonlyMap<string, (value: Value) => Value | undefined>;
  /** By the name as its tokens have it. */
  readonly functions: ReadonlyMap<string, Call>;
  /** `.name(…)` by lower-case name; `[type]::name` of PowerShell under `type::name`. */
  readonly methods: ReadonlyMap<string, Method>;
  readonly statics: ReadonlyMap<string, Call>;
  /** `.name` without parentheses. */
  readonly properties: ReadonlyMap<string, (self: Value) => Value | undefined>;
  readonly constants: ReadonlyMap<string, Value>;
  /** `[type]value` of PowerShell, by lower-case type name. */
  readonly casts: ReadonlyMap<string, (value: Value) => Value | undefined>;
  /** Assignment signs; those other than `=` put the operator of their first character to work. */
  readonly assigns: ReadonlySet<string>;
  /** `x = y` is an assignment only at the start of a statement, a comparison elsewhere. */
  readonly statementAssign: boolean;
  /** Names after which a loop's body follows in braces, and (for languages of words) what ends one. */
  readonly loops: ReadonlySet<string>;
  readonly loopEnds: ReadonlySet<string>;
  /** `name(a, b)` of a definition follows one of these. */
  readonly definitions: ReadonlySet<string>;
  /** Names that run a text: `eval`, `Execute`, `iex`. */
  readonly sinks: ReadonlySet<string>;
  /** Items of `a[i]`; also what text does under it. */
  readonly indexes: "[]" | "()";
  /** `a, b` makes an array. */
  readonly commaArrays: boolean;
  isVariable(token: Token): boolean;
  quote(text: string): string;
}
