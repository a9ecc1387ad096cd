/**
 * The abstract stack machine behind cil-values.ts: what each instruction does.
 * Control flow: cil-flow.ts; calls and arrays: cil-calls.ts.
 */
import type { Span } from "../../bytes/index.ts";
import { type ArrayCell, CilCalls, forget, loadElement, loseElements, storeElement } from "./cil-calls.ts";
import { CilWalk } from "./cil-flow.ts";
import { BINARY, foldBinary, foldUnary } from "./cil-fold.ts";
import { type CilState, UNKNOWN } from "./cil-state.ts";
import type { CallMade, CilValue, FieldStore, MethodEffects } from "./cil-values.ts";
import type { Dotnet, Instruction, Token } from "./model.ts";
import { TABLE } from "./table-layout.ts";

/** Stores and calls kept of one method. */
const MAX_EFFECTS = 1 << 16;

/** Values taken off, values put on, by instruction; what is not here is handled by name or does nothing. */
const EFFECTS: readonly (readonly [string, number, number])[] = [
  ["arglist sizeof", 0, 1],
  ["pop initobj endfilter", 1, 0],
  ["ldobj unbox ckfinite refanyval refanytype mkrefany localloc ldvirtftn conv.r.un conv.r4 conv.r8", 1, 1],
  [
    "ldind.i1 ldind.u1 ldind.i2 ldind.u2 ldind.i4 ldind.u4 ldind.i8 ldind.i ldind.r4 ldind.r8 ldind.ref",
    1,
    1,
  ],
  ["stind.ref stind.i1 stind.i2 stind.i4 stind.i8 stind.r4 stind.r8 stind.i stobj cpobj", 2, 0],
  ["ldelema", 2, 1],
  ["cpblk initblk", 3, 0],
];
const STACK_EFFECT = new Map(
  EFFECTS.flatMap(([names, pops, pushes]) =>
    names.split(" ").map((name) => [name, { pops, pushes }] as const),
  ),
);

/** What they take they give back: the value does not change for our purposes. */
const TRANSPARENT = new Set(["castclass", "isinst", "box", "unbox.any"]);

export class CilMachine {
  readonly #dotnet: Dotnet;
  readonly #calls: CilCalls;
  readonly #span: (instruction: Instruction) => Span;
  readonly #stores = new Map<number, FieldStore>();
  readonly #made = new Map<number, CallMade>();
  readonly #returns: CilValue[] = [];
  readonly #walk: CilWalk;

  constructor(dotnet: Dotnet, methodRid: number) {
    this.#dotnet = dotnet;
    this.#calls = new CilCalls(dotnet);
    const body = dotnet.body(methodRid);
    const code = body === undefined ? [] : dotnet.instructions(methodRid);
    this.#span = (i) => body?.code.span(i.offset, i.size) ?? { artifact: 0, offset: 0, length: 0 };
    this.#walk = new CilWalk(code, (instruction, state) => this.#step(instruction, state));
  }

  run(): MethodEffects {
    this.#walk.run();
    return { stores: [...this.#stores.values()], calls: [...this.#made.values()], returns: this.#returns };
  }

  /** Any instruction but a branch. */
  #step(instruction: Instruction, state: CilState): void {
    const { op, operand } = instruction;
    if (op === "ret" && state.stack.length > 0 && this.#returns.length < MAX_EFFECTS)
      this.#returns.push(state.pop());
    const effect = STACK_EFFECT.get(op);
    if (effect !== undefined) {
      const [first = UNKNOWN] = state.popMany(effect.pops);
      if (op === "ldelema") loseElements(knownOf(first));
      if (effect.pushes === 0 && op !== "pop") forget(first, state);
      if (effect.pushes > 0) state.push(UNKNOWN);
    } else if (BINARY.has(op)) {
      const [a, b] = state.popMany(2) as [CilValue, CilValue];
      state.push(foldBinary(op, a, b) ?? UNKNOWN);
    } else if (op === "neg" || op === "not" || op.startsWith("conv.")) {
      state.push(foldUnary(op, state.pop()) ?? UNKNOWN);
    } else if (op === "dup") {
      const top = state.pop();
      state.push(top);
      state.push(top);
    } else if (!TRANSPARENT.has(op)) {
      if (typeof operand === "number") this.#withOperand(instruction, operand, state);
      else this.#plain(instruction, state);
    }
  }

  /** Instructions without an operand. */
  #plain(instruction: Instruction, state: CilState): void {
    const { op, operand } = instruction;
    const at = [this.#span(instruction)];
    if (op === "ldnull") state.push({ kind: "null", at });
    else if (op === "ldc.i8" && typeof operand === "bigint") state.push({ kind: "long", value: operand, at });
    else if (op === "ldlen") {
      const array = knownOf(state.pop());
      state.push(
        array.kind === "array" && array.length !== undefined
          ? { kind: "int", value: array.length, at: array.at }
          : UNKNOWN,
      );
    } else if (op.startsWith("ldelem")) this.#loadElement(state);
    else if (op.startsWith("stelem")) this.#storeElement(state);
  }

  #withOperand(instruction: Instruction, operand: number, state: CilState): void {
    const { op } = instruction;
    if (op.startsWith("stloc")) state.slots.set(operand, state.pop());
    else if (op.startsWith("starg")) state.slots.set(-1 - operand, state.pop());
    else if (op.startsWith("ldloc") && !op.startsWith("ldloca"))
      state.push(state.slots.get(operand) ?? UNKNOWN);
    else this.#load(instruction, operand, state);
  }

  #load(instruction: Instruction, operand: number, state: CilState): void {
    const { op } = instruction;
    const at = [this.#span(instruction)];
    if (op.startsWith("ldc.i4")) state.push({ kind: "int", value: operand, at });
    else if (op === "ldc.r4" || op === "ldc.r8") state.push({ kind: "float", value: operand, at });
    else if (op.startsWith("ldloca")) state.push({ kind: "address", of: "local", index: operand, at });
    else if (op.startsWith("ldarga")) state.push({ kind: "address", of: "argument", index: operand, at });
    else if (op.startsWith("ldarg"))
      state.push(state.slots.get(-1 - operand) ?? { kind: "argument", index: operand, at });
    else this.#withToken(instruction, operand, at, state);
  }

  #withToken(instruction: Instruction, token: Token, at: readonly Span[], state: CilState): void {
    switch (instruction.op) {
      case "ldstr": {
        const string = this.#dotnet.userString(token);
        state.push(
          string === undefined
            ? UNKNOWN
            : { kind: "string", text: string.text, heapOffset: string.offset, at: string.text.at },
        );
        break;
      }
      case "ldtoken":
      case "ldftn":
        state.push({ kind: "token", token, at });
        break;
      case "ldsflda":
      case "ldflda":
        if (instruction.op === "ldflda") state.pop();
        state.push({ kind: "address", of: "field", index: token, at });
        break;
      case "ldsfld":
      case "ldfld": {
        const object = instruction.op === "ldfld" ? state.pop() : undefined;
        const known = isOwn(object) ? state.slots.get(token) : undefined;
        state.push({ kind: "field", name: this.#dotnet.nameOf(token) ?? "", token, object, known, at });
        break;
      }
      case "stsfld":
      case "stfld":
        this.#storeField(instruction, token, state);
        break;
      case "newarr": {
        const length = state.pop();
        const cell: ArrayCell = {
          kind: "array",
          elementType: this.#dotnet.nameOf(token) ?? "",
          length: length.kind === "int" ? length.value : undefined,
          data: undefined,
          items: new Map(),
          isExact: true,
          block: this.#walk.block,
          at,
        };
        state.push(cell);
        break;
      }
      case "ldelem":
        this.#loadElement(state);
        break;
      case "stelem":
        this.#storeElement(state);
        break;
      case "call":
      case "callvirt":
      case "newobj":
      case "calli":
        this.#call(instruction, token, at, state);
        break;
    }
  }

  #storeField(instruction: Instruction, token: Token, state: CilState): void {
    const isStatic = instruction.op === "stsfld";
    const value = state.pop();
    const object = isStatic ? undefined : state.pop();
    if (isOwn(object)) state.slots.set(token, value);
    this.#keep(this.#stores, instruction, {
      offset: instruction.offset,
      token,
      fieldRid: token >>> 24 === TABLE.Field ? token & 0xffffff : 0,
      name: this.#dotnet.nameOf(token) ?? "",
      isStatic,
      object,
      value: knownOf(value),
      isConditional: this.#walk.isConditional,
      at: this.#span(instruction),
    });
  }

  #call(instruction: Instruction, token: Token, at: readonly Span[], state: CilState): void {
    const call = this.#calls.make(instruction.op, token, at, state);
    if (call === undefined) return;
    this.#keep(this.#made, instruction, {
      offset: instruction.offset,
      token: call.token,
      method: call.method,
      isNew: instruction.op === "newobj",
      args: call.args,
      isConditional: this.#walk.isConditional,
      at: this.#span(instruction),
    });
  }

  /** One entry a visit while the way is known; afterwards one an instruction, the latest (least sure) view of it. */
  #keep<T>(entries: Map<number, T>, { offset }: Instruction, entry: T): void {
    const key = this.#walk.isConditional ? offset : -1 - entries.size;
    if (entries.size < MAX_EFFECTS || entries.has(key)) entries.set(key, entry);
  }

  #loadElement(state: CilState): void {
    const [array, index] = state.popMany(2) as [CilValue, CilValue];
    state.push(loadElement(knownOf(array), index) ?? UNKNOWN);
  }

  #storeElement(state: CilState): void {
    const [array, index, value] = state.popMany(3) as [CilValue, CilValue, CilValue];
    storeElement(knownOf(array), index, value, this.#walk.block);
  }
}

/** Fields are followed by their token alone where the object is surely the same: statics, and those of `this`. */
function isOwn(object: CilValue | undefined): boolean {
  return object === undefined || (object.kind === "argument" && object.index === 0);
}

/** The value behind a field that this method stored itself. */
function knownOf(value: CilValue): CilValue {
  return value.kind === "field" && value.known !== undefined ? value.known : value;
}
