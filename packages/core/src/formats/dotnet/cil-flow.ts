/** Which way control goes through a method's code, for the abstract stack machine. */
import { compare, truth } from "./cil-fold.ts";
import { CilState, meet } from "./cil-state.ts";
import type { CilValue } from "./cil-values.ts";
import type { Instruction } from "./model.ts";

/** Instructions walked for each of a method: flattened control flow visits its dispatcher over and over. */
const STEPS_PER_INSTRUCTION = 4;
const MIN_STEPS = 1 << 12;

/** Values copied or compared for the price of one step, where ways part and meet. */
const VALUES_PER_STEP = 4;

/** Times that a meeting point is walked again before everything there is taken as unknown. */
const MAX_MEETINGS = 4;

const STOPS = new Set(["ret", "throw", "rethrow", "endfinally", "endfilter", "jmp"]);

/** Where control goes: on, to an offset, one of two ways (unknown condition), or nowhere. */
type Flow =
  | { readonly to: "next" | "stop" }
  | { readonly to: "jump"; readonly target: number }
  | { readonly to: "either"; readonly targets: readonly number[] };

const NEXT: Flow = { to: "next" };
const STOP: Flow = { to: "stop" };

export class CilWalk {
  /** True behind the first branch whose condition is not known. */
  isConditional = false;
  /** Number of the stretch of code between two meeting points. */
  block = 0;
  readonly #code: readonly Instruction[];
  readonly #step: (instruction: Instruction, state: CilState) => void;
  readonly #indexAt = new Map<number, number>();
  #stepsLeft: number;

  /** `step` does to the state what an instruction that is no branch does. */
  constructor(code: readonly Instruction[], step: (instruction: Instruction, state: CilState) => void) {
    this.#code = code;
    this.#step = step;
    this.#stepsLeft = MIN_STEPS + STEPS_PER_INSTRUCTION * code.length;
    code.forEach((instruction, index) => {
      this.#indexAt.set(instruction.offset, index);
    });
  }

  run(): void {
    const fork = this.#walkKnown(new CilState());
    if (fork !== undefined) this.#walkUnknown(fork.state, fork.targets);
  }

  /** As long as every branch is known there is one way only, and going round a loop is going on. */
  #walkKnown(state: CilState): { state: CilState; targets: readonly number[] } | undefined {
    let index: number | undefined = 0;
    while (index !== undefined) {
      const instruction = this.#next(index);
      if (instruction === undefined) return undefined;
      const flow = this.#flow(instruction, state);
      if (flow.to === "either") return { state, targets: flow.targets };
      index =
        flow.to === "jump" ? this.#indexAt.get(flow.target) : flow.to === "next" ? index + 1 : undefined;
    }
    return undefined;
  }

  /** From the first unknown branch on: all ways, in the order of the code, meeting where branches lead. */
  #walkUnknown(start: CilState, targets: readonly number[]): void {
    this.isConditional = true;
    const meetings = meetingsOf(this.#code);
    const work: { target: number; state: CilState }[] = [];
    this.#fork(start, targets, work);
    for (let item = work.pop(); item !== undefined; item = work.pop()) {
      this.block++;
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
          this.block++;
          state = joined;
        }
        const flow = this.#flow(instruction, state);
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

  #flow(instruction: Instruction, state: CilState): Flow {
    if (isBranch(instruction.op)) return branch(instruction, state);
    this.#step(instruction, state);
    return STOPS.has(instruction.op) ? STOP : NEXT;
  }
}

/** What a branch does, given what is on the stack. */
function branch({ op, operand, offset, size }: Instruction, state: CilState): Flow {
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

function meetingsOf(code: readonly Instruction[]): Map<number, Meeting> {
  const targets = new Map<number, Meeting>();
  for (const { op, operand } of code) {
    if (Array.isArray(operand))
      for (const target of operand) targets.set(target, { visits: 0, state: undefined });
    else if (typeof operand === "number" && isBranch(op))
      targets.set(operand, { visits: 0, state: undefined });
  }
  return targets;
}

function isBranch(op: string): boolean {
  return (op.startsWith("b") && op !== "break" && op !== "box") || op.startsWith("leave") || op === "switch";
}
