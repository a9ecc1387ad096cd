/** The state of the abstract stack machine, and how two of them meet. */
import type { CilValue } from "./cil-values.ts";

export const UNKNOWN: CilValue = { kind: "unknown", at: [] };

/** Values on the stack at once; correct code declares it in 16 bits and uses a handful. */
const MAX_STACK = 1024;

export class CilState {
  readonly stack: CilValue[];
  /** Locals by number, arguments by -1 - number, fields by token; what is absent is unknown. */
  readonly slots: Map<number, CilValue>;

  constructor(stack: CilValue[] = [], slots = new Map<number, CilValue>()) {
    this.stack = stack;
    this.slots = slots;
  }

  push(value: CilValue): void {
    if (this.stack.length < MAX_STACK) this.stack.push(value);
  }

  /** What is not there is unknown: after a join, or in code that does not verify. */
  pop(): CilValue {
    return this.stack.pop() ?? UNKNOWN;
  }

  /** The last `count` values, in the order of pushing. */
  popMany(count: number): CilValue[] {
    const values = this.stack.splice(Math.max(0, this.stack.length - count));
    while (values.length < count) values.unshift(UNKNOWN);
    return values;
  }

  copy(): CilState {
    return new CilState([...this.stack], new Map(this.slots));
  }
}

/** What both states agree on; `isSame` when that is all that `before` says. */
export function meet(before: CilState, other: CilState): { state: CilState; isSame: boolean } {
  let isSame = before.stack.length === other.stack.length || before.stack.length === 0;
  const stack =
    before.stack.length !== other.stack.length
      ? []
      : before.stack.map((value, i) => {
          if (sameValue(value, other.stack[i] as CilValue) || value.kind === "unknown") return value;
          isSame = false;
          return UNKNOWN;
        });
  const slots = new Map<number, CilValue>();
  for (const [slot, value] of before.slots) {
    const there = other.slots.get(slot);
    if (there !== undefined && sameValue(value, there)) slots.set(slot, value);
    else isSame = false;
  }
  return { state: new CilState(stack, slots), isSame };
}

function sameValue(a: CilValue, b: CilValue): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "int":
      return b.kind === "int" && a.value === b.value;
    case "long":
      return b.kind === "long" && a.value === b.value;
    case "string":
      return b.kind === "string" && a.text.value === b.text.value;
    case "argument":
      return b.kind === "argument" && a.index === b.index;
    case "null":
      return b.kind === "null";
    default:
      return false;
  }
}
