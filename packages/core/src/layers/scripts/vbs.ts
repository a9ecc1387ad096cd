/** VBScript and VBA for the folder. */
import type { Call, Dialect, Operator } from "./dialect.ts";
import { MAX_VALUE } from "./limits.ts";
import {
  isDigit,
  isNameStart,
  isSpace,
  nameEnd,
  operatorAt,
  readList,
  TokenList,
  type Tokens,
  wholeNumber,
} from "./token.ts";
import { unescapeText } from "./unescape.ts";
import { asNumber, asText, fromCodes, isArray, joinAll, replaceAll, reversed, type Value } from "./value.ts";

const OPERATORS = ["<>", "<=", ">=", ":="];

function tokenize(text: string): Tokens {
  const out = new TokenList();
  let at = 0;
  while (at < text.length) {
    const start = at;
    const code = text.charCodeAt(at);
    const char = text.charAt(at);
    let room = true;
    if (code === 10 || code === 13) {
      at++;
      if (out.last?.type !== "newline") room = out.add("newline", "\n", start, at);
    } else if (isSpace(code)) at++;
    else if (char === '"') {
      const string = readString(text, at);
      at = string.end;
      room = out.add("string", "", start, at, string.text);
    } else if (char === "'") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (char === "_" && /^[ \t]*\r?\n/.test(text.slice(at + 1, at + 32))) {
      at = text.indexOf("\n", at) + 1;
    } else if (isDigit(code) || /^&[hHoO][0-9a-fA-F]/.test(text.slice(at, at + 3))) {
      const list = readList(text, at, wholeNumber);
      if (list !== undefined) {
        at = list.end;
        room = out.add("list", "", start, at, list.values);
      } else {
        const match = /^(?:&h[0-9a-f]{1,8}&?|&o[0-7]{1,11}&?|\d{1,15}(?:\.\d{1,9})?)/i.exec(
          text.slice(at, at + 26),
        );
        const digits = match?.[0] ?? char;
        at += digits.length;
        const octal = /^&o([0-7]+)/i.exec(digits);
        const value =
          octal === null ? (wholeNumber(digits) ?? Number(digits)) : Number.parseInt(octal[1] as string, 8);
        room = out.add("number", "", start, at, value);
      }
    } else if (isNameStart(code)) {
      at = nameEnd(text, at);
      const name = text.slice(start, at).toLowerCase();
      if (
        name === "rem" &&
        (out.last === undefined || out.last.type === "newline" || out.last.text === ":")
      ) {
        const end = text.indexOf("\n", at);
        at = end < 0 ? text.length : end;
      } else {
        // `Chr$` is `Chr`.
        const suffix = text.charAt(at) === "$" && text.charAt(at + 1) === "(" ? 1 : 0;
        room = out.add("name", name, start, at + suffix);
        at += suffix;
      }
    } else {
      const op = operatorAt(text, at, OPERATORS);
      at += op.length;
      room = out.add("op", op, start, at);
    }
    if (!room) return { tokens: out.tokens, cut: true };
  }
  return { tokens: markWords(out), cut: false };
}

/** Operators that are words. */
const WORD_OPERATORS = new Set(["mod", "xor", "and", "or"]);

function markWords(out: TokenList): Tokens["tokens"] {
  return out.tokens.map((token) =>
    token.type === "name" && WORD_OPERATORS.has(token.text) ? { ...token, type: "op" } : token,
  );
}

/** `""` is a quote; a line break ends the string, closed or not. */
function readString(text: string, at: number): { text: string; end: number } {
  const parts: string[] = [];
  let from = at + 1;
  for (;;) {
    let end = text.indexOf('"', from);
    if (end < 0) end = text.length;
    const part = text.slice(from, end);
    const line = part.indexOf("\n");
    if (line >= 0) {
      parts.push(part.slice(0, line));
      return { text: parts.join(""), end: from + line };
    }
    parts.push(part);
    if (text.charAt(end + 1) !== '"' || end >= text.length)
      return { text: parts.join(""), end: Math.min(end + 1, text.length) };
    parts.push('"');
    from = end + 2;
  }
}

const numeric =
  (fold: (a: number, b: number) => number) =>
  (left: Value, right: Value): Value | undefined => {
    const [a, b] = [asNumber(left), asNumber(right)];
    return a === undefined || b === undefined ? undefined : fold(a, b);
  };
const concat = (left: Value, right: Value): Value | undefined => {
  const [a, b] = [asText(left), asText(right)];
  return a === undefined || b === undefined ? undefined : a + b;
};
const plus = (left: Value, right: Value): Value | undefined =>
  typeof left === "number" || typeof right === "number"
    ? numeric((a, b) => a + b)(left, right)
    : concat(left, right);

const BINARY: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["xor", { precedence: 1, fold: numeric((a, b) => a ^ b) }],
  ["or", { precedence: 1, fold: numeric((a, b) => a | b) }],
  ["and", { precedence: 1, fold: numeric((a, b) => a & b) }],
  ["&", { precedence: 2, fold: concat }],
  ["+", { precedence: 3, fold: plus }],
  ["-", { precedence: 3, fold: numeric((a, b) => a - b) }],
  ["mod", { precedence: 4, fold: numeric((a, b) => Math.round(a) % Math.round(b)) }],
  ["\\", { precedence: 5, fold: numeric((a, b) => Math.trunc(Math.round(a) / Math.round(b))) }],
  ["*", { precedence: 6, fold: numeric((a, b) => a * b) }],
  ["/", { precedence: 6, fold: numeric((a, b) => a / b) }],
  ["^", { precedence: 7, fold: numeric((a, b) => a ** b) }],
]);

const chr: Call = ([code]) => {
  const number = asNumber(code);
  return number === undefined ? undefined : fromCodes([Math.round(number)]);
};
const whole: Call = ([value]) => {
  const number = asNumber(value);
  return number === undefined ? undefined : Math.round(number);
};
const textOf =
  (
    change: (text: string, a: number | undefined, b: number | undefined) => string | number | undefined,
  ): Call =>
  ([text, a, b]) => {
    const value = asText(text);
    return value === undefined ? undefined : change(value, asNumber(a), asNumber(b));
  };

const FUNCTIONS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["chr", chr],
  ["chrw", chr],
  ["chrb", chr],
  ["asc", textOf((text) => (text === "" ? undefined : text.charCodeAt(0)))],
  ["ascw", textOf((text) => (text === "" ? undefined : text.charCodeAt(0)))],
  ["strreverse", textOf(reversed)],
  ["lcase", textOf((text) => text.toLowerCase())],
  ["ucase", textOf((text) => text.toUpperCase())],
  ["trim", textOf((text) => text.trim())],
  ["len", textOf((text) => text.length)],
  ["left", textOf((text, count) => (count === undefined || count < 0 ? undefined : text.slice(0, count)))],
  [
    "right",
    textOf((text, count) =>
      count === undefined || count < 0 ? undefined : text.slice(Math.max(0, text.length - count)),
    ),
  ],
  [
    "mid",
    textOf((text, from, count) =>
      from === undefined || from < 1
        ? undefined
        : text.slice(from - 1, count === undefined ? undefined : from - 1 + count),
    ),
  ],
  [
    "string",
    ([count, char]) => {
      const [times, text] = [asNumber(count), typeof char === "number" ? fromCodes([char]) : asText(char)];
      return times === undefined || times < 0 || times > MAX_VALUE || text === undefined
        ? undefined
        : text.charAt(0).repeat(times);
    },
  ],
  [
    "space",
    ([count]) => {
      const times = asNumber(count);
      return times === undefined || times < 0 || times > MAX_VALUE ? undefined : " ".repeat(times);
    },
  ],
  [
    "replace",
    ([text, find, put, start, , compare]) => {
      const [a, b, c] = [asText(text), asText(find), asText(put)];
      if (a === undefined || b === undefined || c === undefined || (asNumber(start) ?? 1) !== 1)
        return undefined;
      return replaceAll(a, b, c, compare === 1);
    },
  ],
  [
    "split",
    ([text, by]) => {
      const [a, b] = [asText(text), by === undefined ? " " : asText(by)];
      return a === undefined || b === undefined || b === "" ? undefined : a.split(b);
    },
  ],
  [
    "join",
    ([items, by]) =>
      isArray(items) ? joinAll(items, by === undefined ? " " : (asText(by) ?? "")) : undefined,
  ],
  ["array", (args) => args],
  [
    "hex",
    ([value]) => {
      const number = asNumber(value);
      return number === undefined || number < 0 ? undefined : Math.round(number).toString(16).toUpperCase();
    },
  ],
  ["cstr", ([value]) => asText(value)],
  ["cint", whole],
  ["clng", whole],
  ["cbyte", whole],
  [
    "abs",
    ([value]) => {
      const number = asNumber(value);
      return number === undefined ? undefined : Math.abs(number);
    },
  ],
  ["unescape", ([text]) => (typeof text === "string" ? unescapeText(text) : undefined)],
]);

const CRLF = "\r\n";

export const VBS: Dialect = {
  id: "vbs",
  tokenize,
  binary: BINARY,
  unary: new Map([["-", (value: Value) => (typeof value === "number" ? -value : undefined)]]),
  functions: FUNCTIONS,
  methods: new Map(),
  statics: new Map(),
  properties: new Map(),
  constants: new Map<string, Value>([
    ["vbcrlf", CRLF],
    ["vbnewline", CRLF],
    ["vblf", "\n"],
    ["vbcr", "\r"],
    ["vbtab", "\t"],
    ["vbnullstring", ""],
    ["empty", ""],
    ["vbtextcompare", 1],
    ["vbbinarycompare", 0],
  ]),
  casts: new Map(),
  assigns: new Set(["="]),
  statementAssign: true,
  loops: new Set(["for", "do", "while"]),
  loopEnds: new Set(["next", "loop", "wend"]),
  definitions: new Set(["function", "sub"]),
  sinks: new Set(["execute", "executeglobal", "eval"]),
  indexes: "()",
  commaArrays: false,
  isVariable: (token) => token.type === "name",
  quote: (text) => `"${text.replaceAll('"', '""')}"`,
};
