/** What members, indexes, casts and calls of known functions make of constants. */
import { bounded, itemsOf, type Parsed, type Scope, sizeOf } from "./scope.ts";
import type { Token } from "./token.ts";
import { asNumber, asText, isArray, type Value } from "./value.ts";

/** Reads the operands and arguments that calls are made of. */
interface Reader {
  expression(at: number, lowest: number, depth: number, argument: boolean): Parsed | undefined;
  operand(at: number, depth: number): Parsed | undefined;
  primary(at: number, depth: number): Parsed | undefined;
}

export class Calls {
  readonly #scope: Scope;
  readonly #expressions: Reader;

  constructor(scope: Scope, expressions: Reader) {
    this.#scope = scope;
    this.#expressions = expressions;
  }

  member(self: Value, at: number, depth: number): Parsed | undefined {
    const nameToken = this.#scope.tokens[at + 1];
    if (nameToken?.type !== "name" && nameToken?.type !== "string") return undefined;
    return this.#named(self, asText(nameToken.value) ?? nameToken.text, at + 2, depth);
  }

  #named(self: Value, name: string, at: number, depth: number): Parsed | undefined {
    const key = name.toLowerCase();
    if (this.#scope.tokens[at]?.text !== "(") {
      const value = bounded(this.#scope.dialect.properties.get(key)?.(self));
      return value === undefined ? undefined : { value, next: at, open: false };
    }
    const method = this.#scope.dialect.methods.get(key);
    if (method === undefined) return undefined;
    const args = this.#arguments(at, depth);
    if (args === undefined) return undefined;
    this.#scope.spend(sizeOf(self));
    const value = bounded(method(self, args.values));
    return value === undefined ? undefined : { value, next: args.next, open: false };
  }

  index(self: Value, at: number, depth: number): Parsed | undefined {
    const key = this.#expressions.expression(at + 1, 0, depth + 1, false);
    if (key === undefined || key.open || this.#scope.tokens[key.next]?.text !== "]") return undefined;
    if (typeof key.value === "string" && asNumber(key.value) === undefined)
      return this.#named(self, key.value, key.next + 1, depth);
    const value = bounded(itemsOf(self, key.value));
    return value === undefined ? undefined : { value, next: key.next + 1, open: false };
  }

  /** `(a, b)` at `at`; undefined unless all are constants. */
  #arguments(at: number, depth: number): { values: Value[]; next: number } | undefined {
    const values: Value[] = [];
    let next = at + 1;
    if (this.#scope.tokens[next]?.text === ")") return { values, next: next + 1 };
    if (this.#scope.failed.has(at)) return undefined;
    this.#scope.failed.add(at);
    for (;;) {
      next = this.#scope.skipNewlines(next);
      const parsed = this.#expressions.expression(next, 0, depth + 1, true);
      if (parsed === undefined || parsed.open) return undefined;
      const isList = this.#scope.tokens[next]?.type === "list" && parsed.next === next + 1;
      if (isList && isArray(parsed.value)) for (const item of parsed.value) values.push(item);
      else values.push(parsed.value);
      next = this.#scope.skipNewlines(parsed.next);
      const token = this.#scope.tokens[next];
      if (token?.text === ")") {
        this.#scope.failed.delete(at);
        return { values, next: next + 1 };
      }
      if (token?.text !== ",") return undefined;
      next++;
    }
  }

  /** `[char]65`, `[convert]::FromBase64String(…)`. */
  typed(type: string, at: number, depth: number): Parsed | undefined {
    if (this.#scope.tokens[at + 1]?.text !== "::") {
      const cast = this.#scope.dialect.casts.get(type);
      if (cast === undefined) return undefined;
      const operand = this.#expressions.operand(at + 1, depth + 1);
      if (operand === undefined) return undefined;
      this.#scope.spend(sizeOf(operand.value) >> 3);
      const value = bounded(cast(operand.value));
      return value === undefined ? undefined : { value, next: operand.next, open: false };
    }
    // `[text.encoding]::utf8.getstring(…)` is one name.
    let name = type;
    let next = at + 1;
    while (
      this.#scope.tokens[next]?.text === "::" ||
      (this.#scope.tokens[next]?.text === "." && next > at + 1)
    ) {
      let member = this.#scope.tokens[next + 1];
      let after = next + 2;
      if (member?.text === "(") {
        const inner = this.#expressions.primary(next + 1, depth + 1);
        if (inner === undefined || typeof inner.value !== "string") return undefined;
        name += `::${inner.value.toLowerCase()}`;
        after = inner.next;
        member = undefined;
      } else if (member?.type === "name" || member?.type === "string")
        name += `::${(asText(member.value) ?? member.text).toLowerCase()}`;
      else return undefined;
      next = after;
    }
    const call = this.#scope.dialect.statics.get(name);
    if (call === undefined) return undefined;
    if (this.#scope.tokens[next]?.text !== "(") {
      const value = call([]);
      return value === undefined ? undefined : { value, next, open: false };
    }
    const args = this.#arguments(next, depth);
    if (args === undefined) return undefined;
    for (const arg of args.values) this.#scope.spend(sizeOf(arg));
    const value = bounded(call(args.values));
    return value === undefined ? undefined : { value, next: args.next, open: false };
  }

  name(token: Token, at: number, depth: number): Parsed | undefined {
    const dialect = this.#scope.dialect;
    if (this.#scope.tokens[at + 1]?.text === "(") {
      const known = this.#scope.variables.get(token.text);
      const args =
        dialect.functions.has(token.text) || isArray(known) ? this.#arguments(at + 1, depth) : undefined;
      if (args === undefined) return undefined;
      for (const arg of args.values) this.#scope.spend(sizeOf(arg));
      const value = isArray(known)
        ? itemsOf(known, args.values[0] ?? "")
        : bounded(dialect.functions.get(token.text)?.(args.values));
      return value === undefined ? undefined : { value, next: args.next, open: false };
    }
    const constant = dialect.constants.get(token.text);
    if (constant !== undefined) return { value: constant, next: at + 1, open: false };
    if (dialect.id === "js" && token.text === "String" && this.#scope.tokens[at + 1]?.text === ".") {
      const member = this.#scope.tokens[at + 2]?.text ?? "";
      const call = dialect.statics.get(`String::${member}`);
      const args = call === undefined ? undefined : this.#arguments(at + 3, depth);
      const value = args === undefined ? undefined : bounded(call?.(args.values));
      if (args === undefined || value === undefined) return undefined;
      return { value, next: args.next, open: false };
    }
    const value = dialect.isVariable(token) ? this.#scope.variables.get(token.text) : undefined;
    return value === undefined ? undefined : { value, next: at + 1, open: false };
  }
}
