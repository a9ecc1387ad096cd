/**
 * Constant folding of a script: expressions of constants become the constants, nothing runs. One pass over the tokens
 * with the variables that hold a constant at that place; what is assigned in a loop or is a parameter holds none.
 */
import { changingNames } from "./changing.ts";
import type { Dialect } from "./dialect.ts";
import { MAX_BLOCKS, MAX_DEPTH, MAX_GROWTH, MAX_VALUE, MAX_WORK } from "./limits.ts";
import type { Token } from "./token.ts";
import { asArray, asNumber, asText, isArray, REGEX_MARK, type Value } from "./value.ts";

export interface Folded {
  readonly text: string;
  /** Number of expressions that became texts. */
  readonly edits: number;
  /** Constant texts that the script runs: eval, Execute, Invoke-Expression. */
  readonly runs: readonly string[];
  /** Variables that came to hold a longer text than any literal shows, put together in pieces. */
  readonly assembled: readonly (readonly [name: string, text: string])[];
  /** Number lists and byte arrays. */
  readonly lists: readonly Uint8Array[];
  /** Which limit stopped it. */
  readonly cut: string | undefined;
}

interface Parsed {
  readonly value: Value;
  readonly next: number;
  /** An operator follows that could not be folded. */
  readonly open: boolean;
}

/** Assembled texts shorter than this are of no interest. */
const MIN_ASSEMBLED = 24;
/** A run text is a script only from here on. */
const MIN_RUN = 8;
/** A folded expression may be this much longer than its source; more only where it is run. */
const GROWTH = 4096;
/** Number lists from here on are looked at as bytes. */
const MIN_LIST = 32;
/** Elements that one array may get; strings have MAX_VALUE. */
const MAX_ELEMENTS = 2_000_000;

/** Where to go on, and what to write instead of what was passed. */
interface Step {
  readonly next: number;
  readonly edit?: {
    readonly start: number;
    readonly end: number;
    readonly text: string;
    /** It says more than before: a text, not only a number worked out. */
    readonly said: boolean;
  };
}

class OutOfWork extends Error {}

class Folder {
  readonly #text: string;
  readonly #dialect: Dialect;
  readonly #tokens: readonly Token[];
  readonly #variables = new Map<string, Value>();
  readonly #pieces = new Map<string, number>();
  readonly #changing: ReadonlySet<string>;
  readonly #runs: string[] = [];
  readonly #lists: Uint8Array[] = [];
  /** Opening parentheses whose inside was tried in vain: not tried again from within, or depth would multiply. */
  readonly #failed = new Set<number>();
  #work = 0;
  #cut: string | undefined;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
    const { tokens, cut } = dialect.tokenize(text);
    this.#tokens = tokens;
    if (cut) this.#cut = "tokens";
    this.#changing = changingNames(tokens, dialect);
  }

  fold(): Folded {
    const edits: NonNullable<Step["edit"]>[] = [];
    let growth = 0;
    try {
      let at = 0;
      while (at < this.#tokens.length) {
        const step = this.#statement(at);
        if (step.edit !== undefined) {
          growth += step.edit.text.length - (step.edit.end - step.edit.start);
          if (growth > MAX_GROWTH) {
            this.#cut ??= "growth";
            break;
          }
          edits.push(step.edit);
        }
        at = step.next;
      }
    } catch (error) {
      if (!(error instanceof OutOfWork)) throw error;
      this.#cut ??= "work";
    }
    const parts: string[] = [];
    let from = 0;
    for (const edit of edits) {
      parts.push(this.#text.slice(from, edit.start), edit.text);
      from = edit.end;
    }
    parts.push(this.#text.slice(from));
    const assembled: [string, string][] = [];
    for (const [name, count] of this.#pieces) {
      const value = this.#variables.get(name);
      if (count > 1 && typeof value === "string" && value.length >= MIN_ASSEMBLED)
        assembled.push([name, value]);
    }
    return {
      text: parts.join(""),
      edits: edits.filter(({ said }) => said).length,
      runs: this.#runs,
      assembled,
      lists: this.#lists,
      cut: this.#cut,
    };
  }

  #spend(amount: number): void {
    this.#work += amount;
    if (this.#work > MAX_WORK) throw new OutOfWork();
  }

  /** One step from token `at`: an assignment, an expression, or just this token. */
  #statement(at: number): Step {
    this.#spend(1);
    const token = this.#tokens[at] as Token;
    const dialect = this.#dialect;
    const sign = this.#tokens[at + 1];
    if (
      dialect.isVariable(token) &&
      sign?.type === "op" &&
      dialect.assigns.has(sign.text) &&
      this.#assigns(at)
    ) {
      return this.#assign(token.text, sign.text, at + 2);
    }
    if (token.type === "name" && dialect.sinks.has(token.text)) this.#sink(at + 1);
    if (token.type === "list") this.#keep(token.value);
    if (!this.#starts(at)) return { next: at + 1, ...this.#uncoat(token) };
    const before = this.#tokens[at - 1];
    const bound = before?.type === "op" && dialect.binary.has(before.text);
    const concat = bound && (before?.text === "+" || before?.text === "&");
    const parsed = bound && !concat ? this.#operand(at, 0) : this.#expression(at, 0, 0, false);
    if (parsed === undefined) return { next: at + 1, ...this.#uncoat(token) };
    const piped = this.#tokens[parsed.next];
    if (piped?.text === "|" && dialect.sinks.has(this.#tokens[parsed.next + 1]?.text ?? ""))
      this.#run(parsed.value);
    const single = parsed.next === at + 1;
    if (single && !token.coated) return { next: parsed.next };
    return this.#rewrite(at, parsed, bound, concat);
  }

  /** The constant in the place of its expression, where it fits. */
  #rewrite(at: number, parsed: Parsed, bound: boolean, concat: boolean): Step {
    const token = this.#tokens[at] as Token;
    this.#keep(parsed.value);
    const last = this.#tokens[parsed.next - 1] as Token;
    const rendered =
      typeof parsed.value === "string" ? this.#dialect.quote(parsed.value) : asText(parsed.value);
    const mayReplace =
      rendered !== undefined &&
      !isRegex(parsed.value) &&
      (!bound || (concat && typeof parsed.value === "string")) &&
      rendered.length <= (last.end - token.start) * 2 + GROWTH;
    if (!mayReplace) return { next: isArray(parsed.value) ? parsed.next : at + 1 };
    return {
      next: parsed.next,
      edit: { start: token.start, end: last.end, text: rendered, said: typeof parsed.value === "string" },
    };
  }

  /** A name broken by escapes is written plainly. */
  #uncoat(token: Token): Pick<Step, "edit"> {
    if (token.coated !== true || (token.type !== "name" && token.type !== "template")) return {};
    const text = token.type === "name" ? token.text : undefined;
    return text === undefined ? {} : { edit: { start: token.start, end: token.end, text, said: true } };
  }

  /** True where an expression may begin and stand alone. */
  #starts(at: number): boolean {
    const token = this.#tokens[at] as Token;
    if (token.type === "newline" || token.type === "regex") return false;
    if (token.type !== "op") {
      const before = this.#tokens[at - 1]?.text;
      return token.type === "name" ? before !== "." && before !== "::" : true;
    }
    if (this.#dialect.unary.has(token.text)) return token.text.length > 1;
    if (token.text !== "(" && token.text !== "[" && token.text !== "@(") return false;
    const before = this.#tokens[at - 1];
    if (token.text === "[" && this.#dialect.id !== "js") return false;
    return (
      before === undefined ||
      before.type === "newline" ||
      (before.type === "op" && before.text !== ")" && before.text !== "]") ||
      (before.type === "name" && /^(?:return|typeof|in|case|iex|invoke-expression)$/.test(before.text))
    );
  }

  #assigns(at: number): boolean {
    const before = this.#tokens[at - 1];
    if (before?.text === "." || before?.text === "::") return false;
    if (!this.#dialect.statementAssign) return true;
    return (
      before === undefined ||
      before.type === "newline" ||
      before.text === ":" ||
      /^(?:then|else|set|let|const)$/i.test(before.text)
    );
  }

  #assign(name: string, sign: string, at: number): Step {
    const parsed = this.#expression(at, 0, 0, false);
    if (parsed === undefined) {
      this.#variables.delete(name);
      return { next: at };
    }
    const end = this.#tokens[parsed.next];
    const single = parsed.next === at + 1;
    const whole =
      !parsed.open && (end === undefined || end.type === "newline" || /^[;:})\],]$/.test(end.text));
    // Text that grows piece by piece is not written out at each step.
    const grows = this.#tokens.slice(at, Math.min(parsed.next, at + 16)).some(({ text }) => text === name);
    const step: Step =
      grows || (single && this.#tokens[at]?.coated !== true)
        ? { next: parsed.next }
        : this.#rewrite(at, parsed, false, false);
    if (single || grows) this.#keep(parsed.value);
    const old = this.#variables.get(name);
    const value =
      !whole || this.#changing.has(name)
        ? undefined
        : sign === "="
          ? parsed.value
          : old === undefined
            ? undefined
            : this.#binary(sign.charAt(0), old, parsed.value);
    if (value === undefined) {
      this.#variables.delete(name);
      return step;
    }
    this.#pieces.set(name, sign !== "=" || !single ? (this.#pieces.get(name) ?? 1) + 1 : 1);
    this.#variables.set(name, value);
    if (end?.text === "|" && this.#dialect.sinks.has(this.#tokens[parsed.next + 1]?.text ?? ""))
      this.#run(parsed.value);
    return step;
  }

  #sink(at: number): void {
    const parsed = this.#expression(at, 0, 0, false);
    if (parsed !== undefined) this.#run(parsed.value);
  }

  #run(value: Value): void {
    const text =
      typeof value === "string" ? value : isArray(value) ? asText(value[value.length - 1]) : undefined;
    if (text === undefined || text.length < MIN_RUN || this.#runs.length >= MAX_BLOCKS) return;
    if (!this.#runs.includes(text)) this.#runs.push(text);
  }

  #keep(value: Value | undefined): void {
    if (!isArray(value) || value.length < MIN_LIST || this.#lists.length >= MAX_BLOCKS) return;
    this.#spend(value.length);
    const bytes = new Uint8Array(value.length);
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item !== "number" || item < -128 || item > 255) return;
      bytes[i] = item;
    }
    this.#lists.push(bytes);
  }

  #binary(op: string, left: Value, right: Value): Value | undefined {
    const value = this.#dialect.binary.get(op)?.fold(left, right);
    return this.#bounded(value);
  }

  #bounded(value: Value | undefined): Value | undefined {
    if (typeof value === "number" && !Number.isFinite(value)) return undefined;
    if (typeof value === "string" && value.length > MAX_VALUE) return undefined;
    if (isArray(value) && value.length > MAX_ELEMENTS) return undefined;
    return value;
  }

  /** Precedence climbing. `argument`: a comma ends the expression. */
  #expression(at: number, lowest: number, depth: number, argument: boolean): Parsed | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const first = this.#operand(at, depth);
    if (first === undefined) return undefined;
    let { value, next } = first;
    for (;;) {
      this.#spend(1);
      const token = this.#tokens[next];
      if (token?.type !== "op" && token?.type !== "name") return { value, next, open: false };
      if (token.text === "," && this.#dialect.commaArrays && !argument) {
        if (lowest > COMMA) return { value, next, open: false };
        const listed = this.#commas(value, next, depth);
        if (listed === undefined) return { value, next, open: true };
        ({ value, next } = listed);
        continue;
      }
      if (token.text === "|" && this.#dialect.id === "ps1" && lowest === 0) {
        const piped = this.#pipe(value, next, depth);
        if (piped === undefined) return { value, next, open: true };
        ({ value, next } = piped);
        continue;
      }
      const operator = this.#dialect.binary.get(token.text);
      if (operator === undefined || operator.precedence < lowest) return { value, next, open: false };
      const right = this.#expression(next + 1, operator.precedence + 1, depth + 1, argument);
      if (right === undefined || right.open || isRegex(value) || isRegex(right.value))
        return { value, next, open: true };
      if (typeof value !== "number" && token.text !== "+" && token.text !== "&")
        this.#spend(sizeOf(value) >> 3);
      const folded = this.#bounded(operator.fold(value, right.value));
      if (folded === undefined) return { value, next, open: true };
      value = folded;
      next = right.next;
    }
  }

  #commas(first: Value, at: number, depth: number): { value: Value; next: number } | undefined {
    const items: Value[] = [];
    const push = (value: Value, from: number): void => {
      // A list token is many elements, any other operand is one.
      if (this.#tokens[from]?.type === "list" && isArray(value)) for (const item of value) items.push(item);
      else items.push(value);
    };
    push(first, at - 1);
    let next = at;
    while (this.#tokens[next]?.text === ",") {
      this.#spend(1);
      const item = this.#expression(next + 1, COMMA + 1, depth + 1, false);
      if (item === undefined || item.open || items.length > MAX_ELEMENTS) return undefined;
      push(item.value, next + 1);
      next = item.next;
    }
    return { value: items, next };
  }

  /** `| % { … $_ … }` over the elements; `| out-string` does nothing. */
  #pipe(value: Value, at: number, depth: number): { value: Value; next: number } | undefined {
    const command = this.#tokens[at + 1];
    if (command?.text === "out-string") return { value, next: at + 2 };
    if (command === undefined || !/^(?:%|foreach-object|foreach)$/.test(command.text)) return undefined;
    if (this.#tokens[at + 2]?.text !== "{") return undefined;
    const items = asArray(value) as readonly Value[];
    const results: Value[] = [];
    let next = -1;
    for (const item of items) {
      this.#variables.set("$_", item);
      const parsed = this.#expression(at + 3, 0, depth + 1, false);
      if (parsed === undefined || parsed.open || this.#tokens[parsed.next]?.text !== "}") {
        next = -1;
        break;
      }
      results.push(parsed.value);
      next = parsed.next + 1;
    }
    this.#variables.delete("$_");
    return next < 0 ? undefined : { value: results, next };
  }

  /** An operand with what is applied to it: members, calls, indexes. */
  #operand(at: number, depth: number): Parsed | undefined {
    this.#spend(1);
    if (depth > MAX_DEPTH) return undefined;
    const primary = this.#primary(at, depth);
    if (primary === undefined) return undefined;
    let { value, next } = primary;
    for (;;) {
      const token = this.#tokens[next];
      if (token?.type !== "op") break;
      let applied: Parsed | undefined;
      if (token.text === ".") applied = this.#member(value, next, depth);
      else if (token.text === "[" && this.#dialect.indexes === "[]" && this.#adjacent(next))
        applied = this.#index(value, next, depth);
      else break;
      if (applied === undefined) return undefined;
      ({ value, next } = applied);
    }
    return { value, next, open: false };
  }

  /** Nothing stands between this token and the one before. */
  #adjacent(at: number): boolean {
    return this.#dialect.id !== "ps1" || this.#tokens[at]?.start === this.#tokens[at - 1]?.end;
  }

  #member(self: Value, at: number, depth: number): Parsed | undefined {
    const nameToken = this.#tokens[at + 1];
    if (nameToken?.type !== "name" && nameToken?.type !== "string") return undefined;
    return this.#named(self, asText(nameToken.value) ?? nameToken.text, at + 2, depth);
  }

  #named(self: Value, name: string, at: number, depth: number): Parsed | undefined {
    const key = name.toLowerCase();
    if (this.#tokens[at]?.text !== "(") {
      const value = this.#bounded(this.#dialect.properties.get(key)?.(self));
      return value === undefined ? undefined : { value, next: at, open: false };
    }
    const method = this.#dialect.methods.get(key);
    if (method === undefined) return undefined;
    const args = this.#arguments(at, depth);
    if (args === undefined) return undefined;
    this.#spend(sizeOf(self));
    const value = this.#bounded(method(self, args.values));
    return value === undefined ? undefined : { value, next: args.next, open: false };
  }

  #index(self: Value, at: number, depth: number): Parsed | undefined {
    const key = this.#expression(at + 1, 0, depth + 1, false);
    if (key === undefined || key.open || this.#tokens[key.next]?.text !== "]") return undefined;
    if (typeof key.value === "string" && asNumber(key.value) === undefined)
      return this.#named(self, key.value, key.next + 1, depth);
    const value = this.#bounded(itemsOf(self, key.value));
    return value === undefined ? undefined : { value, next: key.next + 1, open: false };
  }

  /** `(a, b)` at `at`; undefined unless all are constants. */
  #arguments(at: number, depth: number): { values: Value[]; next: number } | undefined {
    const values: Value[] = [];
    let next = at + 1;
    if (this.#tokens[next]?.text === ")") return { values, next: next + 1 };
    if (this.#failed.has(at)) return undefined;
    this.#failed.add(at);
    for (;;) {
      next = this.#skipNewlines(next);
      const parsed = this.#expression(next, 0, depth + 1, true);
      if (parsed === undefined || parsed.open) return undefined;
      const isList = this.#tokens[next]?.type === "list" && parsed.next === next + 1;
      if (isList && isArray(parsed.value)) for (const item of parsed.value) values.push(item);
      else values.push(parsed.value);
      next = this.#skipNewlines(parsed.next);
      const token = this.#tokens[next];
      if (token?.text === ")") {
        this.#failed.delete(at);
        return { values, next: next + 1 };
      }
      if (token?.text !== ",") return undefined;
      next++;
    }
  }

  #skipNewlines(at: number): number {
    let next = at;
    while (this.#tokens[next]?.type === "newline") next++;
    return next;
  }

  #primary(at: number, depth: number): Parsed | undefined {
    const token = this.#tokens[at];
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
        return leaf(this.#template(token.text));
      case "type":
        return this.#typed(token.text, at, depth);
      case "name":
        return this.#name(token, at, depth);
      case "newline":
        return undefined;
      case "op":
        break;
    }
    if (token.text === "(" || token.text === "@(") {
      if (this.#failed.has(at)) return undefined;
      this.#failed.add(at);
      if (this.#tokens[at + 1]?.text === ")" && token.text === "@(") return leaf([], at + 2);
      const inner = this.#expression(this.#skipNewlines(at + 1), 0, depth + 1, false);
      if (inner === undefined || inner.open) return undefined;
      const close = this.#skipNewlines(inner.next);
      if (this.#tokens[close]?.text !== ")") return undefined;
      this.#failed.delete(at);
      return leaf(token.text === "@(" ? (asArray(inner.value) as Value) : inner.value, close + 1);
    }
    if (token.text === "[" && this.#dialect.id === "js") return this.#jsArray(at, depth);
    if (token.text === "," && this.#dialect.id === "ps1") return this.#operand(at + 1, depth + 1);
    const unary = this.#dialect.unary.get(token.text);
    if (unary === undefined) return undefined;
    const operand =
      token.text.length > 1
        ? this.#expression(at + 1, COMMA, depth + 1, false)
        : this.#operand(at + 1, depth + 1);
    if (operand === undefined) return undefined;
    this.#spend(sizeOf(operand.value) >> 3);
    return leaf(this.#bounded(unary(operand.value)), operand.next);
  }

  #jsArray(at: number, depth: number): Parsed | undefined {
    const items: Value[] = [];
    let next = at + 1;
    for (;;) {
      next = this.#skipNewlines(next);
      if (this.#tokens[next]?.text === "]") return { value: items, next: next + 1, open: false };
      const parsed = this.#expression(next, 0, depth + 1, true);
      if (parsed === undefined || parsed.open || items.length > MAX_ELEMENTS) return undefined;
      if (this.#tokens[next]?.type === "list" && parsed.next === next + 1 && isArray(parsed.value)) {
        for (const item of parsed.value) items.push(item);
      } else items.push(parsed.value);
      next = this.#skipNewlines(parsed.next);
      if (this.#tokens[next]?.text === ",") next++;
      else if (this.#tokens[next]?.text !== "]") return undefined;
    }
  }

  /** `[char]65`, `[convert]::FromBase64String(…)`. */
  #typed(type: string, at: number, depth: number): Parsed | undefined {
    if (this.#tokens[at + 1]?.text !== "::") {
      const cast = this.#dialect.casts.get(type);
      if (cast === undefined) return undefined;
      const operand = this.#operand(at + 1, depth + 1);
      if (operand === undefined) return undefined;
      this.#spend(sizeOf(operand.value) >> 3);
      const value = this.#bounded(cast(operand.value));
      return value === undefined ? undefined : { value, next: operand.next, open: false };
    }
    // `[text.encoding]::utf8.getstring(…)` is one name.
    let name = type;
    let next = at + 1;
    while (this.#tokens[next]?.text === "::" || (this.#tokens[next]?.text === "." && next > at + 1)) {
      let member = this.#tokens[next + 1];
      let after = next + 2;
      if (member?.text === "(") {
        const inner = this.#primary(next + 1, depth + 1);
        if (inner === undefined || typeof inner.value !== "string") return undefined;
        name += `::${inner.value.toLowerCase()}`;
        after = inner.next;
        member = undefined;
      } else if (member?.type === "name" || member?.type === "string")
        name += `::${(asText(member.value) ?? member.text).toLowerCase()}`;
      else return undefined;
      next = after;
    }
    const call = this.#dialect.statics.get(name);
    if (call === undefined) return undefined;
    if (this.#tokens[next]?.text !== "(") {
      const value = call([]);
      return value === undefined ? undefined : { value, next, open: false };
    }
    const args = this.#arguments(next, depth);
    if (args === undefined) return undefined;
    for (const arg of args.values) this.#spend(sizeOf(arg));
    const value = this.#bounded(call(args.values));
    return value === undefined ? undefined : { value, next: args.next, open: false };
  }

  #name(token: Token, at: number, depth: number): Parsed | undefined {
    const dialect = this.#dialect;
    if (this.#tokens[at + 1]?.text === "(") {
      const known = this.#variables.get(token.text);
      const args =
        dialect.functions.has(token.text) || isArray(known) ? this.#arguments(at + 1, depth) : undefined;
      if (args === undefined) return undefined;
      for (const arg of args.values) this.#spend(sizeOf(arg));
      const value = isArray(known)
        ? itemsOf(known, args.values[0] ?? "")
        : this.#bounded(dialect.functions.get(token.text)?.(args.values));
      return value === undefined ? undefined : { value, next: args.next, open: false };
    }
    const constant = dialect.constants.get(token.text);
    if (constant !== undefined) return { value: constant, next: at + 1, open: false };
    if (dialect.id === "js" && token.text === "String" && this.#tokens[at + 1]?.text === ".") {
      const member = this.#tokens[at + 2]?.text ?? "";
      const call = dialect.statics.get(`String::${member}`);
      const args = call === undefined ? undefined : this.#arguments(at + 3, depth);
      const value = args === undefined ? undefined : this.#bounded(call?.(args.values));
      if (args === undefined || value === undefined) return undefined;
      return { value, next: args.next, open: false };
    }
    const value = dialect.isVariable(token) ? this.#variables.get(token.text) : undefined;
    return value === undefined ? undefined : { value, next: at + 1, open: false };
  }

  /** `a$b` with every `$name` known; a backtick escapes. */
  #template(raw: string): string | undefined {
    const parts: string[] = [];
    let at = 0;
    while (at < raw.length) {
      const dollar = raw.indexOf("$", at);
      if (dollar < 0) break;
      parts.push(raw.slice(at, dollar));
      const braced = raw.charAt(dollar + 1) === "{";
      let end = dollar + (braced ? 2 : 1);
      while (end < raw.length && /[\w:]/.test(raw.charAt(end))) end++;
      const name = raw.slice(dollar + (braced ? 2 : 1), end).toLowerCase();
      if (name === "" || (braced && raw.charAt(end) !== "}")) return undefined;
      const value = asText(this.#variables.get(`$${name}`));
      if (value === undefined) return undefined;
      parts.push(value);
      at = end + (braced ? 1 : 0);
      this.#spend(1);
    }
    parts.push(raw.slice(at));
    const text = parts.join("");
    return text.length > MAX_VALUE ? undefined : text;
  }
}

/** Binding of the comma of PowerShell. */
const COMMA = 8;

/** Longest pattern that anybody writes. Looking into a longer text would copy it whole at each piece that is joined on. */
const MAX_REGEX = 4096;

function isRegex(value: Value): boolean {
  return typeof value === "string" && value.length <= MAX_REGEX && value.startsWith(REGEX_MARK);
}

function sizeOf(value: Value): number {
  return typeof value === "number" ? 1 : value.length;
}

/** `self[index]`; an array of indexes takes as many; negative ones count from the end. */
function itemsOf(self: Value, index: Value): Value | undefined {
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

/** Folds `text` once. */
export function foldOnce(text: string, dialect: Dialect): Folded {
  return new Folder(text, dialect).fold();
}
