/** JScript and JavaScript for the folder. */
import { latin1, latin1Bytes } from "../../bytes/index.ts";
import { decodeBase64, UNPADDED } from "../../codecs/index.ts";
import type { Call, Dialect, Method, Operator } from "./dialect.ts";
import { tokenizeJs } from "./js-tokens.ts";
import { MAX_VALUE } from "./limits.ts";
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
  tokenize: tokenizeJs,
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
