/** JScript and JavaScript for the folder. */
import { latin1, latin1Bytes } from "../../bytes/index.ts";
import { decodeBase64, UNPADDED } from "../../codecs/index.ts";
import type { Call, Dialect, Method, Operator } from "./dialect.ts";
import { MAX_VALUE } from "./limits.ts";
import {
  isDigit,
  isNameStart,
  isSpace,
  nameEnd,
  operatorAt,
  readList,
  type Token,
  TokenList,
  type Tokens,
  wholeNumber,
} from "./token.ts";
import { unescapeText } from "./unescape.ts";
import {
  asNumber,
  asText,
  fromCodes,
  isArray,
  joinAll,
  literalOfRegex,
  REGEX_MARK,
  replaceAll,
  type Value,
} from "./value.ts";

const OPERATORS = [
  "===",
  "!==",
  ">>>",
  "...",
  "=>",
  "==",
  "!=",
  "<=",
  ">=",
  "+=",
  "-=",
  "*=",
  "++",
  "--",
  "&&",
  "||",
  "<<",
  ">>",
];
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
  "\n": "",
  "\r": "",
};

function tokenize(text: string): Tokens {
  const out = new TokenList();
  let at = 0;
  while (at < text.length) {
    const start = at;
    const code = text.charCodeAt(at);
    const char = text.charAt(at);
    let room = true;
    if (code === 10) {
      at++;
      if (out.last?.type !== "newline") room = out.add("newline", "\n", start, at);
    } else if (isSpace(code)) at++;
    else if (text.startsWith("//", at)) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      at = end < 0 ? text.length : end + 2;
    } else if (char === '"' || char === "'" || char === "`") {
      const string = readString(text, at);
      at = string.end;
      room = string.template
        ? out.add("op", "`", start, at)
        : out.add("string", "", start, at, string.text, string.coated);
    } else if (isDigit(code)) {
      const list = readList(text, at, wholeNumber);
      if (list !== undefined) {
        at = list.end;
        room = out.add("list", "", start, at, list.values);
      } else {
        const match = /^(?:0x[0-9a-f]{1,12}|\d{1,15}(?:\.\d{1,9})?)/i.exec(
          text.slice(at, at + 26),
        ) as RegExpExecArray;
        at += match[0].length;
        room = out.add("number", "", start, at, Number(match[0]));
      }
    } else if (isNameStart(code) || char === "$") {
      at = nameEnd(text, at, 0x24);
      room = out.add("name", text.slice(start, at), start, at);
    } else if (char === "/" && !endsValue(out.last)) {
      const end = regexEnd(text, at);
      if (end === undefined) {
        at++;
        room = out.add("op", "/", start, at);
      } else {
        at = nameEnd(text, end);
        room = out.add("regex", "", start, at, REGEX_MARK + text.slice(start + 1, end - 1));
      }
    } else {
      const op = operatorAt(text, at, OPERATORS);
      at += op.length;
      room = out.add("op", op, start, at);
    }
    if (!room) return { tokens: out.tokens, cut: true };
  }
  return { tokens: out.tokens, cut: false };
}

function endsValue(last: Token | undefined): boolean {
  if (last === undefined || last.type === "newline") return false;
  return last.type !== "op"
    ? last.text !== "return"
    : last.text === ")" || last.text === "]" || last.text === "}";
}

/** Longest regular expression that is told from a division. */
const MAX_REGEX = 512;

function regexEnd(text: string, at: number): number | undefined {
  let inClass = false;
  for (let i = at + 1; i < text.length && i - at < MAX_REGEX; i++) {
    const char = text.charAt(i);
    if (char === "\n") return undefined;
    if (char === "\\") i++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return i + 1;
  }
  return undefined;
}

function readString(
  text: string,
  at: number,
): { text: string; end: number; template: boolean; coated: boolean } {
  const quote = text.charAt(at);
  const parts: string[] = [];
  let from = at + 1;
  let coated = false;
  let template = false;
  let i = from;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) {
      parts.push(text.slice(from, i));
      const next = text.charAt(i + 1);
      const digits = next === "x" ? text.slice(i + 2, i + 4) : next === "u" ? text.slice(i + 2, i + 6) : "";
      if (digits.length === (next === "x" ? 2 : 4) && /^[0-9a-fA-F]+$/.test(digits)) {
        parts.push(String.fromCharCode(Number.parseInt(digits, 16)));
        coated = true;
        i += 2 + digits.length;
      } else {
        const octal = /^[0-3]?[0-7]?[0-7]/.exec(text.slice(i + 1, i + 4));
        if (octal !== null && octal[0] !== "0") {
          parts.push(String.fromCharCode(Number.parseInt(octal[0], 8)));
          i += 1 + octal[0].length;
          coated = true;
        } else {
          parts.push(ESCAPES[next] ?? next);
          i += next === "\r" && text.charAt(i + 2) === "\n" ? 3 : 2;
        }
      }
      from = i;
    } else if (text.charAt(i) === quote) {
      parts.push(text.slice(from, i));
      return { text: parts.join(""), end: i + 1, template, coated };
    } else if (code === 10 && quote !== "`") break;
    else {
      if (quote === "`" && code === 0x24 && text.charAt(i + 1) === "{") template = true;
      i++;
    }
  }
  parts.push(text.slice(from, i));
  return { text: parts.join(""), end: i, template: true, coated: false };
}

const numeric =
  (fold: (a: number, b: number) => number) =>
  (left: Value, right: Value): Value | undefined =>
    typeof left === "number" && typeof right === "number" ? fold(left, right) : undefined;
const add = (left: Value, right: Value): Value | undefined => {
  if (typeof left === "number" && typeof right === "number") return left + right;
  const [a, b] = [asText(left), asText(right)];
  return a === undefined || b === undefined ? undefined : a + b;
};

const BINARY: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["|", { precedence: 1, fold: numeric((a, b) => a | b) }],
  ["^", { precedence: 2, fold: numeric((a, b) => a ^ b) }],
  ["&", { precedence: 3, fold: numeric((a, b) => a & b) }],
  ["<<", { precedence: 4, fold: numeric((a, b) => a << b) }],
  [">>", { precedence: 4, fold: numeric((a, b) => a >> b) }],
  [">>>", { precedence: 4, fold: numeric((a, b) => a >>> b) }],
  ["+", { precedence: 5, fold: add }],
  ["-", { precedence: 5, fold: numeric((a, b) => a - b) }],
  ["*", { precedence: 6, fold: numeric((a, b) => a * b) }],
  ["/", { precedence: 6, fold: numeric((a, b) => a / b) }],
  ["%", { precedence: 6, fold: numeric((a, b) => a % b) }],
]);

const parseNumber: Call = ([value, base]) => {
  const text = asText(value);
  const radix = asNumber(base) ?? 10;
  if (text === undefined || text.length > 32 || radix < 2 || radix > 36) return undefined;
  const number = Number.parseInt(text, base === undefined && /^0x/i.test(text) ? 16 : radix);
  return Number.isNaN(number) ? undefined : number;
};
const decodeUri: Call = ([text]) =>
  typeof text === "string" && !/%u/i.test(text) ? unescapeText(text) : undefined;

const onText =
  (change: (text: string, a: number | undefined, b: number | undefined) => Value | undefined): Method =>
  (self, [a, b]) =>
    typeof self === "string" ? change(self, asNumber(a), asNumber(b)) : undefined;

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["charat", onText((text, at) => text.charAt(at ?? 0))],
  [
    "charcodeat",
    onText((text, at) => ((at ?? 0) >= 0 && (at ?? 0) < text.length ? text.charCodeAt(at ?? 0) : undefined)),
  ],
  [
    "substr",
    onText((text, at, count) => {
      const from = at === undefined ? 0 : at < 0 ? Math.max(0, text.length + at) : at;
      return text.slice(from, count === undefined ? undefined : from + Math.max(0, count));
    }),
  ],
  ["substring", onText((text, a, b) => text.substring(a ?? 0, b))],
  ["slice", (self, [a, b]) => (typeof self === "number" ? undefined : self.slice(asNumber(a), asNumber(b)))],
  ["tolowercase", onText((text) => text.toLowerCase())],
  ["touppercase", onText((text) => text.toUpperCase())],
  ["trim", onText((text) => text.trim())],
  [
    "tostring",
    (self, [radix]) =>
      typeof self === "number" && radix !== undefined
        ? (asNumber(radix) ?? 0) >= 2 && (asNumber(radix) ?? 0) <= 36
          ? self.toString(asNumber(radix))
          : undefined
        : asText(self),
  ],
  ["concat", (self, args) => (isArray(self) ? self.concat(...args) : joinAll([self, ...args], ""))],
  [
    "split",
    (self, [by]) => {
      if (typeof self !== "string") return undefined;
      const literal = literalOf(by);
      return literal === undefined || self.length > MAX_SPLIT ? undefined : self.split(literal.text);
    },
  ],
  ["reverse", (self) => (isArray(self) ? [...self].reverse() : undefined)],
  [
    "join",
    (self, [by]) => (isArray(self) ? joinAll(self, by === undefined ? "," : (asText(by) ?? "")) : undefined),
  ],
  [
    "replace",
    (self, [find, put]) => {
      const literal = literalOf(find);
      const text = asText(put);
      if (typeof self !== "string" || literal === undefined || text === undefined || text.includes("$"))
        return undefined;
      if (literal.all) return replaceAll(self, literal.text, text, literal.caseless);
      const at = self.indexOf(literal.text);
      return at < 0 ? self : self.slice(0, at) + text + self.slice(at + literal.text.length);
    },
  ],
  [
    "replaceall",
    (self, [find, put]) => {
      const literal = literalOf(find);
      const text = asText(put);
      return typeof self === "string" && literal !== undefined && text !== undefined
        ? replaceAll(self, literal.text, text)
        : undefined;
    },
  ],
]);

/** Longer texts are not taken apart into characters. */
const MAX_SPLIT = Math.min(MAX_VALUE, 2_000_000);

/** What a search argument stands for: a text, or a regular expression without operators. */
function literalOf(value: Value | undefined): { text: string; all: boolean; caseless: boolean } | undefined {
  const text = asText(value);
  if (text === undefined) return undefined;
  if (!text.startsWith(REGEX_MARK)) return { text, all: false, caseless: false };
  // The mark is followed by the source; flags stand behind the literal in the script and are taken as `g`.
  const literal = literalOfRegex(text.slice(REGEX_MARK.length));
  return literal === undefined || literal === "" ? undefined : { text: literal, all: true, caseless: false };
}

export const JS: Dialect = {
  id: "js",
  tokenize,
  binary: BINARY,
  unary: new Map([
    ["-", (value: Value) => (typeof value === "number" ? -value : undefined)],
    ["+", (value: Value) => asNumber(value)],
    ["~", (value: Value) => (typeof value === "number" ? ~value : undefined)],
  ]),
  functions: new Map<string, Call>([
    ["unescape", ([text]) => (typeof text === "string" ? unescapeText(text) : undefined)],
    ["decodeURIComponent", decodeUri],
    ["decodeURI", decodeUri],
    ["parseInt", parseNumber],
    ["Number", ([value]) => asNumber(value)],
    ["String", ([value]) => asText(value)],
    ["Array", (args) => (args.length > 1 ? args : undefined)],
    [
      "atob",
      ([text]) => {
        const bytes = typeof text === "string" ? decodeBase64(latin1Bytes(text), UNPADDED) : undefined;
        return bytes === undefined ? undefined : latin1(bytes);
      },
    ],
  ]),
  methods: METHODS,
  statics: new Map<string, Call>([["String::fromCharCode", (args) => fromCodes(args)]]),
  properties: new Map<string, (self: Value) => Value | undefined>([
    ["length", (self) => (typeof self === "number" ? undefined : self.length)],
  ]),
  constants: new Map(),
  casts: new Map(),
  assigns: new Set(["=", "+="]),
  statementAssign: false,
  loops: new Set(["for", "while", "do"]),
  loopEnds: new Set(),
  definitions: new Set(["function"]),
  sinks: new Set(["eval", "Function", "execScript"]),
  indexes: "[]",
  commaArrays: false,
  isVariable: (token) => token.type === "name",
  quote: (text) => JSON.stringify(text),
};
