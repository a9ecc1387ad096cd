/** Calls and arrays for the abstract stack machine. */
import type { Span, View } from "../../bytes/index.ts";
import { type CilState, UNKNOWN } from "./cil-state.ts";
import type { CilArray, CilValue } from "./cil-values.ts";
import type { Dotnet, Token } from "./model.ts";
import { type MethodSig, methodSignature } from "./signatures.ts";
import { decodeCoded, TABLE } from "./table-layout.ts";

/** Elements kept of one array; larger tables of constants come as initial data. */
const MAX_ITEMS = 1 << 16;

const STAND_ALONE_SIG = 0x11;

/** Size in bytes of array elements that initial data can hold. */
const ELEMENT_SIZE: Readonly<Record<string, number>> = {
  "System.Byte": 1,
  "System.SByte": 1,
  "System.Boolean": 1,
  "System.Char": 2,
  "System.Int16": 2,
  "System.UInt16": 2,
  "System.Int32": 4,
  "System.UInt32": 4,
  "System.Single": 4,
  "System.Int64": 8,
  "System.UInt64": 8,
  "System.Double": 8,
};

/** An array while it is being filled: every reference on the stack or in a slot sees the stores. */
export interface ArrayCell extends CilArray {
  at: readonly Span[];
  data: View | undefined;
  items: Map<number, CilValue>;
  isExact: boolean;
  /** Stretch of code that made it; what another stretch stores may not have happened. */
  readonly block: number;
}

/** Every array value that the machine makes is a cell; readers see it as constant. */
function cellOf(value: CilValue): ArrayCell | undefined {
  return value.kind === "array" ? (value as CilArray as ArrayCell) : undefined;
}

export function storeElement(array: CilValue, index: CilValue, value: CilValue, block: number): void {
  const cell = cellOf(array);
  // What is not followed any more is not written to: a call may have kept a view of it as it was (letGo).
  if (cell === undefined || !cell.isExact) return;
  if (cell.block !== block) {
    cell.isExact = false;
    return;
  }
  if (index.kind === "int" && index.value >= 0 && cell.items.size < MAX_ITEMS)
    cell.items.set(index.value, value);
  else cell.isExact = false;
}

export function loadElement(array: CilValue, index: CilValue): CilValue | undefined {
  const cell = cellOf(array);
  if (cell === undefined || !cell.isExact || index.kind !== "int") return undefined;
  const stored = cell.items.get(index.value);
  if (stored !== undefined) return stored;
  const size = ELEMENT_SIZE[cell.elementType] ?? 0;
  const element = cell.data?.sub(index.value * size, size);
  if (element === undefined || size === 0 || size > 4 || cell.elementType === "System.Single")
    return undefined;
  const unsigned = size === 1 ? element.u8(0) : size === 2 ? element.u16(0) : element.i32(0);
  const isSigned = cell.elementType === "System.SByte" || cell.elementType === "System.Int16";
  const shift = 32 - 8 * size;
  const value = isSigned ? ((unsigned as number) << shift) >> shift : (unsigned as number);
  return { kind: "int", value, at: [element.span()] };
}

/** What a call instruction did. */
export interface MadeCall {
  readonly token: Token;
  readonly method: string;
  readonly args: readonly CilValue[];
}

export class CilCalls {
  readonly #dotnet: Dotnet;
  readonly #signatures = new Map<number, MethodSig | undefined>();

  constructor(dotnet: Dotnet) {
    this.#dotnet = dotnet;
  }

  /** Takes the arguments off, puts the result on. Undefined when the callee is not known; the stack is then lost. */
  make(op: string, operand: Token, at: readonly Span[], state: CilState): MadeCall | undefined {
    const signature = this.#signatureOf(operand);
    const pointer = op === "calli" ? state.pop() : undefined;
    if (signature === undefined) {
      state.stack.length = 0;
      state.push(UNKNOWN);
      return undefined;
    }
    const count = signature.parameters.length + (signature.hasThis && op !== "newobj" ? 1 : 0);
    const args = state.popMany(count);
    const token = op !== "calli" ? operand : pointer?.kind === "token" ? pointer.token : 0;
    const method = this.#dotnet.nameOf(token) ?? "";
    const result =
      op === "newobj"
        ? this.#construct(method, token, args, at, state)
        : this.#call(method, token, args, at, state);
    if (op === "newobj" || signature.returns.name !== "System.Void") state.push(result);
    const kept = result.kind === "new" || result.kind === "call" ? result.args : args;
    return { token, method, args: kept };
  }

  #construct(
    method: string,
    token: Token,
    args: readonly CilValue[],
    at: readonly Span[],
    state: CilState,
  ): CilValue {
    const type = method.slice(0, method.lastIndexOf("::"));
    const span = this.#spanOver(type, args);
    return span ?? { kind: "new", type, method, token, args: letGo(method, args, state), at };
  }

  #call(
    method: string,
    token: Token,
    args: readonly CilValue[],
    at: readonly Span[],
    state: CilState,
  ): CilValue {
    const [first = UNKNOWN, second = UNKNOWN] = args;
    if (method === "System.Runtime.CompilerServices.RuntimeHelpers::InitializeArray") {
      const cell = cellOf(first);
      if (cell !== undefined) this.#initialise(cell, second);
      return UNKNOWN;
    }
    if (method === "System.Runtime.CompilerServices.RuntimeHelpers::CreateSpan") {
      const data = this.#dataOf(first);
      if (data !== undefined) return spanCell("System.Byte", data, data.length);
    }
    // From an array to a span over it.
    if (/^System\.(ReadOnly)?Span`1::op_Implicit$/.test(method)) return first;
    // A constructor called on the address of a local makes the value in place.
    if (method.endsWith("::.ctor") && first.kind === "address" && first.of === "local") {
      state.slots.set(first.index, this.#construct(method, token, args.slice(1), at, state));
      return UNKNOWN;
    }
    return { kind: "call", method, token, args: letGo(method, args, state), at };
  }

  #initialise(cell: ArrayCell, handle: CilValue): void {
    const data = this.#dataOf(handle);
    const size = ELEMENT_SIZE[cell.elementType] ?? 0;
    cell.items = new Map();
    if (data === undefined || cell.length === undefined) cell.isExact = false;
    else {
      cell.data = size === 0 ? data : data.clip(0, Math.max(0, cell.length) * size);
      cell.at = [cell.data.span()];
    }
  }

  /** `new ReadOnlySpan<T>(void*, int)` over a data field: how compilers write constant bytes without an array. */
  #spanOver(type: string, args: readonly CilValue[]): CilValue | undefined {
    const [pointer, length] = args;
    if (!/^System\.(ReadOnly)?Span`1$/.test(type) || pointer?.kind !== "address" || pointer.of !== "field")
      return undefined;
    const data = this.#fieldData(pointer.index);
    if (data === undefined || length?.kind !== "int") return undefined;
    return spanCell("System.Byte", data.clip(0, Math.max(0, length.value)), length.value);
  }

  #dataOf(handle: CilValue): View | undefined {
    return handle.kind === "token" ? this.#fieldData(handle.token) : undefined;
  }

  #fieldData(token: Token): View | undefined {
    return token >>> 24 === TABLE.Field ? this.#dotnet.fieldData(token & 0xffffff) : undefined;
  }

  #signatureOf(token: Token): MethodSig | undefined {
    if (this.#signatures.has(token)) return this.#signatures.get(token);
    const signature = this.#readSignature(token);
    this.#signatures.set(token, signature);
    return signature;
  }

  #readSignature(token: Token): MethodSig | undefined {
    const table = token >>> 24;
    const row = this.#dotnet.row(table, token & 0xffffff);
    if (row === undefined) return undefined;
    if (table === TABLE.MethodSpec) {
      const generic = decodeCoded("MethodDefOrRef", row[0] as number);
      return generic >>> 24 === TABLE.MethodSpec ? undefined : this.#signatureOf(generic);
    }
    const column =
      table === TABLE.MethodDef ? 4 : table === TABLE.MemberRef ? 2 : table === STAND_ALONE_SIG ? 0 : -1;
    const blob = column < 0 ? undefined : this.#dotnet.blob(row[column] as number);
    return blob && methodSignature(blob, (type) => this.#dotnet.nameOf(type));
  }
}

/**
 * The arguments as the callee gets them. It may write to arrays and through addresses: the values stay as they were
 * for who looks at the call, and are not known afterwards.
 */
function letGo(method: string, args: readonly CilValue[], state: CilState): readonly CilValue[] {
  return args.map((arg) => {
    forget(arg, state);
    const cell = cellOf(arg);
    if (cell === undefined || !cell.isExact || KEEPS_ARRAYS.test(method)) return arg;
    const before: CilValue = { ...cell };
    cell.isExact = false;
    return before;
  });
}

/** Something is written through an address. */
export function forget(address: CilValue, state: CilState): void {
  if (address.kind === "address")
    state.slots.delete(address.of === "argument" ? -1 - address.index : address.index);
}

/** An address within an array is taken: stores through it are not followed. */
export function loseElements(array: CilValue): void {
  const cell = cellOf(array);
  if (cell !== undefined) cell.isExact = false;
}

/** Library methods that read the arrays they get and leave them as they are. */
const KEEPS_ARRAYS =
  /^System\.(String::|Text\.Encoding::|Convert::|BitConverter::|IO\.Path::|IO\.MemoryStream::\.ctor|Security\.Cryptography\.)/;

function spanCell(elementType: string, data: View, length: number): CilValue {
  const cell: ArrayCell = {
    kind: "array",
    elementType,
    length,
    data,
    items: new Map(),
    isExact: true,
    block: -1,
    at: [data.span()],
  };
  return cell;
}
