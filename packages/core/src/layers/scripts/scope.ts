/** What is known at one place of a script while it is folded, and how much of it may still be looked at. */
import type { Dialect } from "./dialect.ts";
import { MAX_VALUE, MAX_WORK } from "./limits.ts";
import type { Token } from "./token.ts";
import { asNumber, isArray, REGEX_MARK, type Value } from "./value.ts";

/** A constant found in the place of an expression. */
export interface Parsed {
  readonly value: Value;
  readonly next: number;
  /** An operator follows that could not be folded. */
  readonly open: boolean;
}

export class OutOfWork extends Error {}

export class Scope {
  readonly tokens: readonly Token[];
  readonly dialect: Dialect;
  /** Variables that hold a constant here. */
  readonly variables = new Map<string, Value>();
  /** Opening parentheses whose inside was tried in vain: not tried again from within, or depth would multiply. */
  readonly failed = new Set<number>();
  #work = 0;

  constructor(tokens: readonly Token[], dialect: Dialect) {
    this.tokens = tokens;
    this.dialect = dialect;
  }

  /** Throws OutOfWork once the script has cost what it may. */
  spend(amount: number): void {
    this.#work += amount;
    if (this.#work > MAX_WORK) throw new OutOfWork();
  }

  skipNewlines(at: number): number {
    let next = at;
    while (this.tokens[next]?.type === "newline") next++;
    return next;
  }
}

/** Elements that one array may get; strings have MAX_VALUE. */
export const MAX_ELEMENTS = 2_000_000;

/** The value, if it is none that grows without end. */
export function bounded(value: Value | undefined): Value | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  if (typeof value === "string" && value.length > MAX_VALUE) return undefined;
  if (isArray(value) && value.length > MAX_ELEMENTS) return undefined;
  return value;
}

/** Longest pattern that anybody writes. Looking into a longer text would copy it whole at each piece that is joined on. */
const MAX_REGEX = 4096;

export function isRegex(value: Value): boolean {
  return typeof value === "string" && value.length <= MAX_REGEX && value.startsWith(REGEX_MARK);
}

export function sizeOf(value: Value): number {
  return typeof value === "number" ? 1 : value.length;
}

/** `self[index]`; an array of indexes takes as many; negative ones count from the end. */
export function itemsOf(self: Value, index: Value): Value | undefined {
  if (typeof self === "number") return undefined;
  const one = (at: Value): Value | undefined => {
    const n = asNumber(at);
    if (n === undefined) return undefined;
    const place = n < 0 ? self.length + n : n;
    return self[place];
  };
  if (!isArray(index)) return one(index);
  const items: Value[] = [];
  for (const at of index) {
    const item = one(at);
    if (item !== undefined) items.push(item);
  }
  return items;
}
