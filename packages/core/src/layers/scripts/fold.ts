/**
 * Constant folding of a script: expressions of constants become the constants, nothing runs. One pass over the tokens
 * with the variables that hold a constant at that place; what is assigned in a loop or is a parameter holds none.
 */
import { changingNames } from "./changing.ts";
import type { Dialect } from "./dialect.ts";
import { Expressions } from "./expressions.ts";
import { MAX_BLOCKS, MAX_GROWTH } from "./limits.ts";
import { bounded, isRegex, OutOfWork, type Parsed, Scope } from "./scope.ts";
import type { Token } from "./token.ts";
import { asText, isArray, type Value } from "./value.ts";

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

/** Assembled texts shorter than this are of no interest. */
const MIN_ASSEMBLED = 24;
/** A run text is a script only from here on. */
const MIN_RUN = 8;
/** A folded expression may be this much longer than its source; more only where it is run. */
const GROWTH = 4096;
/** Number lists from here on are looked at as bytes. */
const MIN_LIST = 32;
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

class Folder {
  readonly #text: string;
  readonly #dialect: Dialect;
  readonly #tokens: readonly Token[];
  readonly #pieces = new Map<string, number>();
  readonly #changing: ReadonlySet<string>;
  readonly #scope: Scope;
  readonly #expressions: Expressions;
  readonly #runs: string[] = [];
  readonly #lists: Uint8Array[] = [];
  #cut: string | undefined;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
    const { tokens, cut } = dialect.tokenize(text);
    this.#tokens = tokens;
    if (cut) this.#cut = "tokens";
    this.#changing = changingNames(tokens, dialect);
    this.#scope = new Scope(tokens, dialect);
    this.#expressions = new Expressions(this.#scope);
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
      const value = this.#scope.variables.get(name);
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

  /** One step from token `at`: an assignment, an expression, or just this token. */
  #statement(at: number): Step {
    this.#scope.spend(1);
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
    const parsed =
      bound && !concat ? this.#expressions.operand(at, 0) : this.#expressions.expression(at, 0, 0, false);
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
    const parsed = this.#expressions.expression(at, 0, 0, false);
    if (parsed === undefined) {
      this.#scope.variables.delete(name);
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
    const old = this.#scope.variables.get(name);
    const value =
      !whole || this.#changing.has(name)
        ? undefined
        : sign === "="
          ? parsed.value
          : old === undefined
            ? undefined
            : this.#binary(sign.charAt(0), old, parsed.value);
    if (value === undefined) {
      this.#scope.variables.delete(name);
      return step;
    }
    this.#pieces.set(name, sign !== "=" || !single ? (this.#pieces.get(name) ?? 1) + 1 : 1);
    this.#scope.variables.set(name, value);
    if (end?.text === "|" && this.#dialect.sinks.has(this.#tokens[parsed.next + 1]?.text ?? ""))
      this.#run(parsed.value);
    return step;
  }

  #sink(at: number): void {
    const parsed = this.#expressions.expression(at, 0, 0, false);
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
    this.#scope.spend(value.length);
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
    return bounded(value);
  }
}

/** Folds `text` once. */
export function foldOnce(text: string, dialect: Dialect): Folded {
  return new Folder(text, dialect).fold();
}
