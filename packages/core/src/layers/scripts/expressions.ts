/** Which constant an expression of constants is: operators by their precedence, operands, arrays, pipes. */
import { Calls } from "./calls.ts";
import { COMMA } from "./dialect.ts";
import { MAX_DEPTH } from "./limits.ts";
import { bounded, isRegex, MAX_ELEMENTS, type Parsed, type Scope, sizeOf } from "./scope.ts";
import { expandTemplate } from "./template.ts";
import { asArray, isArray, type Value } from "./value.ts";

export class Expressions {
  readonly #scope: Scope;
  readonly #calls: Calls;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#calls = new Calls(scope, this);
  }

  /** Precedence climbing. `argument`: a comma ends the expression. */
  expression(at: number, lowest: number, depth: number, argument: boolean): Parsed | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const first = this.operand(at, depth);
    if (first === undefined) return undefined;
    let { value, next } = first;
    for (;;) {
      this.#scope.spend(1);
      const token = this.#scope.tokens[next];
      if (token?.type !== "op" && token?.type !== "name") return { value, next, open: false };
      if (token.text === "," && this.#scope.dialect.commaArrays && !argument) {
        if (lowest > COMMA) return { value, next, open: false };
        const listed = this.#commas(value, next, depth);
        if (listed === undefined) return { value, next, open: true };
        ({ value, next } = listed);
        continue;
      }
      if (token.text === "|" && this.#scope.dialect.id === "ps1" && lowest === 0) {
        const piped = this.#pipe(value, next, depth);
        if (piped === undefined) return { value, next, open: true };
        ({ value, next } = piped);
        continue;
      }
      const operator = this.#scope.dialect.binary.get(token.text);
      if (operator === undefined || operator.precedence < lowest) return { value, next, open: false };
      const right = this.expression(next + 1, operator.precedence + 1, depth + 1, argument);
      if (right === undefined || right.open || isRegex(value) || isRegex(right.value))
        return { value, next, open: true };
      if (typeof value !== "number" && token.text !== "+" && token.text !== "&")
        this.#scope.spend(sizeOf(value) >> 3);
      const folded = bounded(operator.fold(value, right.value));
      if (folded === undefined) return { value, next, open: true };
      value = folded;
      next = right.next;
    }
  }

  #commas(first: Value, at: number, depth: number): { value: Value; next: number } | undefined {
    const items: Value[] = [];
    const push = (value: Value, from: number): void => {
      // A list token is many elements, any other operand is one.
      if (this.#scope.tokens[from]?.type === "list" && isArray(value))
        for (const item of value) items.push(item);
      else items.push(value);
    };
    push(first, at - 1);
    let next = at;
    while (this.#scope.tokens[next]?.text === ",") {
      this.#scope.spend(1);
      const item = this.expression(next + 1, COMMA + 1, depth + 1, false);
      if (item === undefined || item.open || items.length > MAX_ELEMENTS) return undefined;
      push(item.value, next + 1);
      next = item.next;
    }
    return { value: items, next };
  }

  /** `| % { … $_ … }` over the elements; `| out-string` does nothing. */
  #pipe(value: Value, at: number, depth: number): { value: Value; next: number } | undefined {
    const command = this.#scope.tokens[at + 1];
    if (command?.text === "out-string") return { value, next: at + 2 };
    if (command === undefined || !/^(?:%|foreach-object|foreach)$/.test(command.text)) return undefined;
    if (this.#scope.tokens[at + 2]?.text !== "{") return undefined;
    const items = asArray(value) as readonly Value[];
    const results: Value[] = [];
    let next = -1;
    for (const item of items) {
      this.#scope.variables.set("$_", item);
      const parsed = this.expression(at + 3, 0, depth + 1, false);
      if (parsed === undefined || parsed.open || this.#scope.tokens[parsed.next]?.text !== "}") {
        next = -1;
        break;
      }
      results.push(parsed.value);
      next = parsed.next + 1;
    }
    this.#scope.variables.delete("$_");
    return next < 0 ? undefined : { value: results, next };
  }

  /** An operand with what is applied to it: members, calls, indexes. */
  operand(at: number, depth: number): Parsed | undefined {
    this.#scope.spend(1);
    if (depth > MAX_DEPTH) return undefined;
    const primary = this.primary(at, depth);
    if (primary === undefined) return undefined;
    let { value, next } = primary;
    for (;;) {
      const token = this.#scope.tokens[next];
      if (token?.type !== "op") break;
      let applied: Parsed | undefined;
      if (token.text === ".") applied = this.#calls.member(value, next, depth);
      else if (token.text === "[" && this.#scope.dialect.indexes === "[]" && this.#adjacent(next))
        applied = this.#calls.index(value, next, depth);
      else break;
      if (applied === undefined) return undefined;
      ({ value, next } = applied);
    }
    return { value, next, open: false };
  }

  /** Nothing stands between this token and the one before. */
  #adjacent(at: number): boolean {
    return (
      this.#scope.dialect.id !== "ps1" || this.#scope.tokens[at]?.start === this.#scope.tokens[at - 1]?.end
    );
  }

  primary(at: number, depth: number): Parsed | undefined {
    const token = this.#scope.tokens[at];
    if (token === undefined) return undefined;
    const leaf = (value: Value | undefined, next = at + 1): Parsed | undefined =>
      value === undefined ? undefined : { value, next, open: false };
    switch (token.type) {
      case "string":
      case "number":
      case "list":
      case "regex":
        return leaf(token.value);
      case "template":
        return leaf(expandTemplate(token.text, this.#scope));
      case "type":
        return this.#calls.typed(token.text, at, depth);
      case "name":
        return this.#calls.name(token, at, depth);
      case "newline":
        return undefined;
      case "op":
        break;
    }
    if (token.text === "(" || token.text === "@(") {
      if (this.#scope.failed.has(at)) return undefined;
      this.#scope.failed.add(at);
      if (this.#scope.tokens[at + 1]?.text === ")" && token.text === "@(") return leaf([], at + 2);
      const inner = this.expression(this.#scope.skipNewlines(at + 1), 0, depth + 1, false);
      if (inner === undefined || inner.open) return undefined;
      const close = this.#scope.skipNewlines(inner.next);
      if (this.#scope.tokens[close]?.text !== ")") return undefined;
      this.#scope.failed.delete(at);
      return leaf(token.text === "@(" ? (asArray(inner.value) as Value) : inner.value, close + 1);
    }
    if (token.text === "[" && this.#scope.dialect.id === "js") return this.#jsArray(at, depth);
    if (token.text === "," && this.#scope.dialect.id === "ps1") return this.operand(at + 1, depth + 1);
    const unary = this.#scope.dialect.unary.get(token.text);
    if (unary === undefined) return undefined;
    const operand =
      token.text.length > 1
        ? this.expression(at + 1, COMMA, depth + 1, false)
        : this.operand(at + 1, depth + 1);
    if (operand === undefined) return undefined;
    this.#scope.spend(sizeOf(operand.value) >> 3);
    return leaf(bounded(unary(operand.value)), operand.next);
  }

  #jsArray(at: number, depth: number): Parsed | undefined {
    const items: Value[] = [];
    let next = at + 1;
    for (;;) {
      next = this.#scope.skipNewlines(next);
      if (this.#scope.tokens[next]?.text === "]") return { value: items, next: next + 1, open: false };
      const parsed = this.expression(next, 0, depth + 1, true);
      if (parsed === undefined || parsed.open || items.length > MAX_ELEMENTS) return undefined;
      if (this.#scope.tokens[next]?.type === "list" && parsed.next === next + 1 && isArray(parsed.value)) {
        for (const item of parsed.value) items.push(item);
      } else items.push(parsed.value);
      next = this.#scope.skipNewlines(parsed.next);
      if (this.#scope.tokens[next]?.text === ",") next++;
      else if (this.#scope.tokens[next]?.text !== "]") return undefined;
    }
  }
}
