/** The abstract stack machine behind cil-values.ts: control flow, loads, stores. Calls and arrays: cil-calls.ts. */
import type { Span } from "../../bytes/index.ts";
import { type ArrayCell, CilCalls, loadElement, storeElement } from "./cil-calls.ts";
import { BINARY, compare, foldBinary, foldUnary, truth } from "./cil-fold.ts";
import { CilState, meet, UNKNOWN } from "./cil-state.ts";
import type { CallMade, CilValue, FieldStore, MethodEffects } from "./cil-values.ts";
import type { Dotnet, Instruction, Token } from "./model.ts";
import { TABLE } from "./table-layout.ts";

/** Instructions walked for each of a method: flattened control flow visits its dispatcher over and over. */
const STEPS_PER_INSTRUCTION = 4;
const MIN_STEPS = 1 << 14;

/** Values copied or compared for the price of one step, where ways part and meet. */
const VALUES_PER_STEP = 4;

/** Stores and calls kept of one method. */
const MAX_EFFECTS = 1 << 16;

/** Times that a meeting point is walked again before everything there is taken as unknown. */
const MAX_MEETINGS = 4;

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

const STOPS = new Set(["ret", "throw", "rethrow", "endfinally", "endfilter", "jmp"]);

/** Where control goes: on, to an offset, one of two ways (unknown condition), or nowhere. */
type Flow =
  | { readonly to: "next" | "stop" }
  | { readonly to: "jump"; readonly target: number }
  | { readonly to: "either"; readonly targets: readonly number[] };

const NEXT: Flow = { to: "next" };
const STOP: Flow = { to: "stop" };

export class CilMachine {
  readonly #dotnet: Dotnet;
  readonly #code: readonly Instruction[];
  readonly #calls: CilCalls;
  readonly #span: (instruction: Instruction) => Span;
  readonly #stores = new Map<number, FieldStore>();
  readonly #made = new Map<number, CallMade>();
  readonly #returns: CilValue[] = [];
  readonly #indexAt = new Map<number, number>();
  #stepsLeft: number;
  /** Number of the stretch of code between two meeting points. */
  #block = 0;
  #isConditional = false;

  constructor(dotnet: Dotnet, methodRid: number) {
    this.#dotnet = dotnet;
    this.#calls = new CilCalls(dotnet);
    const body = dotnet.body(methodRid);
    this.#code = body === undefined ? [] : dotnet.instructions(methodRid);
    this.#stepsLeft = MIN_STEPS + STEPS_PER_INSTRUCTION * this.#code.length;
    this.#span = (i) => body?.code.span(i.offset, i.size) ?? { artifact: 0, offset: 0, length: 0 };
    this.#code.forEach((instruction, index) => {
      this.#indexAt.set(instruction.offset, index);
    });
  }

  run(): MethodEffects {
    const fork = this.#walkKnown(new CilState());
    if (fork !== undefined) this.#walkUnknown(fork.state, fork.targets);
    return { stores: [...this.#stores.values()], calls: [...this.#made.values()], returns: this.#returns };
  }

  /** As long as every branch is known there is one way only, and going round a loop is going on. */
  #walkKnown(state: CilState): { state: CilState; targets: readonly number[] } | undefined {
    let index: number | undefined = 0;
    while (index !== undefined) {
      const instruction = this.#next(index);
      if (instruction === undefined) return undefined;
      const flow = this.#step(instruction, state);
      if (flow.to === "either") return { state, targets: flow.targets };
      index =
        flow.to === "jump" ? this.#indexAt.get(flow.target) : flow.to === "next" ? index + 1 : undefined;
    }
    return undefined;
  }

  /** From the first unknown branch on: all ways, in the order of the code, meeting where branches lead. */
  #walkUnknown(start: CilState, targets: readonly number[]): void {
    this.#isConditional = true;
    const meetings = this.#branchTargets();
    const work: { target: number; state: CilState }[] = [];
    this.#fork(start, targets, work);
    for (let item = work.pop(); item !== undefined; item = work.pop()) {
      this.#block++;
      let state = item.state;
      let index = this.#indexAt.get(item.target);
      while (index !== undefined) {
        const instruction = this.#next(index);
        if (instruction === undefined) break;
        const meeting = meetings.get(instruction.offset);
        if (meeting !== undefined) {
          this.#charge(state);
          const joined = join(meeting, state);
          if (joined === undefined) break;
          this.#block++;
          state = joined;
        }
        const flow = this.#step(instruction, state);
        if (flow.to === "either") {
          this.#fork(state, flow.targets, work);
          break;
        }
        index =
          flow.to === "jump" ? this.#indexAt.get(flow.target) : flow.to === "next" ? index + 1 : undefined;
      }
    }
  }

  /** Puts the ways on the list, the first on top. */
  #fork(state: CilState, targets: readonly number[], work: { target: number; state: CilState }[]): void {
    for (let i = targets.length - 1; i >= 0 && this.#stepsLeft > 0; i--) {
      this.#charge(state);
      work.push({ target: targets[i] as number, state: state.copy() });
    }
  }

  #charge(state: CilState): void {
    this.#stepsLeft -= 1 + (state.stack.length + state.slots.size) / VALUES_PER_STEP;
  }

  /** The instruction at `index`, as long as the budget lasts. */
  #next(index: number): Instruction | undefined {
    return this.#stepsLeft-- > 0 ? this.#code[index] : undefined;
  }

  #branchTargets(): Map<number, Meeting> {
    const targets = new Map<number, Meeting>();
    for (const { op, operand } of this.#code) {
      if (Array.isArray(operand))
        for (const target of operand) targets.set(target, { visits: 0, state: undefined });
      else if (typeof operand === "number" && isBranch(op))
        targets.set(operand, { visits: 0, state: undefined });
    }
    return targets;
  }

  #step(instruction: Instruction, state: CilState): Flow {
    const { op, operand } = instruction;
    if (STOPS.has(op)) {
      if (op === "ret" && state.stack.length > 0 && this.#returns.length < MAX_EFFECTS)
        this.#returns.push(state.pop());
      return STOP;
    }
    if (isBranch(op)) return this.#branch(instruction, state);
    const effect = STACK_EFFECT.get(op);
    if (effect !== undefined) {
      state.popMany(effect.pops);
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
    return NEXT;
  }

  #branch({ op, operand, offset, size }: Instruction, state: CilState): Flow {
    const next = offset + size;
    if (op === "switch") {
      const targets = Array.isArray(operand) ? (operand as readonly number[]) : [];
      const value = state.pop();
      if (value.kind !== "int") return { to: "either", targets: [next, ...targets] };
      const target = targets[value.value >>> 0];
      return target === undefined ? NEXT : { to: "jump", target };
    }
    const target = operand as number;
    if (op.startsWith("leave")) state.stack.length = 0;
    if (op.startsWith("leave") || op === "br" || op === "br.s") return { to: "jump", target };
    let isTaken: boolean | undefined;
    if (op.startsWith("brtrue") || op.startsWith("brfalse")) {
      const value = truth(state.pop());
      isTaken = value === undefined ? undefined : value === op.startsWith("brtrue");
    } else {
      const [a, b] = state.popMany(2) as [CilValue, CilValue];
      isTaken = compare(op, a, b);
    }
    if (isTaken === undefined) return { to: "either", targets: [next, target] };
    return isTaken ? { to: "jump", target } : NEXT;
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
          block: this.#block,
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
      isConditional: this.#isConditional,
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
      isConditional: this.#isConditional,
      at: this.#span(instruction),
    });
  }

  /** One entry a visit while the way is known; afterwards one an instruction, the latest (least sure) view of it. */
  #keep<T>(entries: Map<number, T>, { offset }: Instruction, entry: T): void {
    const key = this.#isConditional ? offset : -1 - entries.size;
    if (entries.size < MAX_EFFECTS || entries.has(key)) entries.set(key, entry);
  }

  #loadElement(state: CilState): void {
    const [array, index] = state.popMany(2) as [CilValue, CilValue];
    state.push(loadElement(knownOf(array), index) ?? UNKNOWN);
  }

  #storeElement(state: CilState): void {
    const [array, index, value] = state.popMany(3) as [CilValue, CilValue, CilValue];
    storeElement(knownOf(array), index, value, this.#block);
  }
}

interface Meeting {
  visits: number;
  state: CilState | undefined;
}

/** The state to go on with at a meeting point; undefined when nothing new came. */
function join(meeting: Meeting, state: CilState): CilState | undefined {
  meeting.visits++;
  if (meeting.state === undefined) {
    meeting.state = state.copy();
    return state;
  }
  if (meeting.visits > MAX_MEETINGS) {
    const isKnown = meeting.state.stack.length > 0 || meeting.state.slots.size > 0;
    meeting.state = new CilState();
    return isKnown ? new CilState() : undefined;
  }
  const { state: met, isSame } = meet(meeting.state, state);
  if (isSame) return undefined;
  meeting.state = met;
  return met.copy();
}

function isBranch(op: string): boolean {
  return (op.startsWith("b") && op !== "break" && op !== "box") || op.startsWith("leave") || op === "switch";
}

/** Fields are followed by their token alone where the object is surely the same: statics, and those of `this`. */
function isOwn(object: CilValue | undefined): boolean {
  return object === undefined || (object.kind === "argument" && object.index === 0);
}

/** The value behind a field that this method stored itself. */
function knownOf(value: CilValue): CilValue {
  return value.kind === "field" && value.known !== undefined ? value.known : value;
}
