/** PowerShell for the folder: what it calls what. */
import { hex, latin1, latin1Bytes, utf8, utf8Bytes, utf16le, utf16leBytes } from "../../bytes/index.ts";
import type { Call, Dialect, Method, Operator } from "./dialect.ts";
import { MAX_VALUE } from "./limits.ts";
import { tokenizePs1 } from "./ps1-tokens.ts";
import {
  add,
  bytesOf,
  decoder,
  encoder,
  format,
  fromBase64,
  join,
  MAX_BYTES,
  MAX_RANGE,
  numeric,
  range,
  replace,
  split,
  toChar,
  toChars,
  toNumber,
} from "./ps1-values.ts";
import { asArray, asNumber, asText, isArray, joinAll, replaceAll, type Value } from "./value.ts";

const BINARY: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["-bxor", { precedence: 1, fold: numeric((a, b) => a ^ b) }],
  ["-band", { precedence: 1, fold: numeric((a, b) => a & b) }],
  ["-bor", { precedence: 1, fold: numeric((a, b) => a | b) }],
  ["-join", { precedence: 2, fold: join }],
  ["-split", { precedence: 2, fold: split }],
  ["-csplit", { precedence: 2, fold: split }],
  ["-isplit", { precedence: 2, fold: split }],
  ["-replace", { precedence: 2, fold: replace(true) }],
  ["-ireplace", { precedence: 2, fold: replace(true) }],
  ["-creplace", { precedence: 2, fold: replace(false) }],
  ["-as", { precedence: 2, fold: () => undefined }],
  ["+", { precedence: 3, fold: add }],
  ["-", { precedence: 3, fold: numeric((a, b) => a - b) }],
  [
    "*",
    {
      precedence: 4,
      fold: (left, right) => {
        const times = asNumber(right);
        if (typeof left !== "string") return numeric((a, b) => a * b)(left, right);
        return times === undefined || times < 0 || left.length * times > MAX_VALUE
          ? undefined
          : left.repeat(times);
      },
    },
  ],
  ["/", { precedence: 4, fold: numeric((a, b) => a / b) }],
  ["%", { precedence: 4, fold: numeric((a, b) => a % b) }],
  ["-f", { precedence: 5, fold: format }],
  [
    "..",
    {
      precedence: 6,
      fold: (left, right) => {
        const length = range(left, right);
        if (length === undefined || Math.abs(length) > MAX_RANGE) return undefined;
        const from = asNumber(left) as number;
        return Array.from({ length: Math.abs(length) + 1 }, (_, i) => from + (length < 0 ? -i : i));
      },
    },
  ],
]);

const STATICS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["convert::frombase64string", fromBase64],
  ["convert::toint32", toNumber],
  ["convert::toint16", toNumber],
  ["convert::tobyte", toNumber],
  ["convert::tochar", ([value]) => (value === undefined ? undefined : toChar(value))],
  ["char::convertfromutf32", ([value]) => (value === undefined ? undefined : toChar(value))],
  [
    "string::join",
    ([separator, ...rest]) => joinAll(rest.length === 1 ? rest[0] : rest, asText(separator) ?? ""),
  ],
  ["string::concat", (args) => joinAll(args.length === 1 ? args[0] : args, "")],
  ["string::format", ([pattern, ...args]) => (pattern === undefined ? undefined : format(pattern, args))],
  [
    "regex::replace",
    ([text, find, put]) =>
      text === undefined || find === undefined ? undefined : replace(false)(text, [find, put ?? ""]),
  ],
  [
    "text.regularexpressions.regex::replace",
    ([text, find, put]) =>
      text === undefined || find === undefined ? undefined : replace(false)(text, [find, put ?? ""]),
  ],
  ["text.encoding::utf8::getstring", decoder((bytes) => utf8(bytes) ?? latin1(bytes))],
  ["text.encoding::ascii::getstring", decoder(latin1)],
  ["text.encoding::default::getstring", decoder(latin1)],
  ["text.encoding::unicode::getstring", decoder(utf16le)],
  ["text.encoding::utf8::getbytes", encoder(utf8Bytes)],
  ["text.encoding::ascii::getbytes", encoder(latin1Bytes)],
  ["text.encoding::default::getbytes", encoder(latin1Bytes)],
  ["text.encoding::unicode::getbytes", encoder(utf16leBytes)],
  ["environment::newline", () => "\r\n"],
  ["string::empty", () => ""],
  [
    "bitconverter::tostring",
    ([value]) => {
      const bytes = bytesOf(value);
      return bytes === undefined || bytes.length > MAX_BYTES
        ? undefined
        : hex(bytes)
            .toUpperCase()
            .replace(/..(?=.)/g, "$&-");
    },
  ],
]);

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  [
    "replace",
    (self, [find, put]) => {
      const [a, b] = [asText(find), asText(put)];
      return typeof self === "string" && a !== undefined && b !== undefined
        ? replaceAll(self, a, b)
        : undefined;
    },
  ],
  ["tostring", (self, args) => (args.length === 0 ? asText(self) : undefined)],
  ["tolower", (self) => (typeof self === "string" ? self.toLowerCase() : undefined)],
  ["toupper", (self) => (typeof self === "string" ? self.toUpperCase() : undefined)],
  ["trim", (self, args) => (typeof self === "string" && args.length === 0 ? self.trim() : undefined)],
  [
    "tochararray",
    (self) => (typeof self === "string" && self.length <= MAX_BYTES ? self.split("") : undefined),
  ],
  [
    "insert",
    (self, [at, put]) => {
      const [place, text] = [asNumber(at), asText(put)];
      return typeof self === "string" && place !== undefined && text !== undefined && place <= self.length
        ? self.slice(0, place) + text + self.slice(place)
        : undefined;
    },
  ],
  [
    "remove",
    (self, [at, count]) => {
      const place = asNumber(at);
      if (typeof self !== "string" || place === undefined || place > self.length) return undefined;
      const length = count === undefined ? self.length : asNumber(count);
      return length === undefined ? undefined : self.slice(0, place) + self.slice(place + length);
    },
  ],
  [
    "substring",
    (self, [at, count]) => {
      const place = asNumber(at);
      if (typeof self !== "string" || place === undefined || place < 0) return undefined;
      const length = count === undefined ? self.length : asNumber(count);
      return length === undefined ? undefined : self.slice(place, place + length);
    },
  ],
  [
    "split",
    (self, [by]) => {
      const separator = asText(by);
      return typeof self === "string" && separator !== undefined && separator.length === 1
        ? self.split(separator)
        : undefined;
    },
  ],
  ["chars", (self, [at]) => (typeof self === "string" ? self[asNumber(at) ?? -1] : undefined)],
  ["invoke", () => undefined],
]);

export const PS1: Dialect = {
  id: "ps1",
  tokenize: tokenizePs1,
  binary: BINARY,
  unary: new Map<string, (value: Value) => Value | undefined>([
    ["-join", (value) => joinAll(value, "")],
    ["-split", (value) => (typeof value === "string" ? value.trim().split(/\s+/) : undefined)],
    ["-", (value) => (typeof value === "number" ? -value : undefined)],
    ["+", (value) => (typeof value === "number" ? value : undefined)],
  ]),
  functions: new Map(),
  methods: METHODS,
  statics: STATICS,
  properties: new Map<string, (self: Value) => Value | undefined>([
    ["length", (self) => (typeof self === "number" ? undefined : self.length)],
    ["count", (self) => (isArray(self) ? self.length : undefined)],
  ]),
  constants: new Map<string, Value>([
    ["$pshome", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0"],
    ["$shellid", "Microsoft.PowerShell"],
    ["$env:comspec", "C:\\Windows\\system32\\cmd.exe"],
    ["$env:public", "C:\\Users\\Public"],
    ["$verbosepreference", "SilentlyContinue"],
    ["$ofs", " "],
  ]),
  casts: new Map<string, (value: Value) => Value | undefined>([
    ["char", toChar],
    ["char[]", toChars],
    ["string", (value) => (isArray(value) ? joinAll(value, " ") : asText(value))],
    ["string[]", (value) => asArray(value)],
    ["byte", (value) => asNumber(value)],
    ["int", (value) => asNumber(value)],
    ["int32", (value) => asNumber(value)],
    ["convert", () => undefined],
    ["byte[]", (value) => (isArray(value) ? value.map((item) => asNumber(item) ?? "") : undefined)],
    ["int[]", (value) => (isArray(value) ? value.map((item) => asNumber(item) ?? "") : undefined)],
  ]),
  assigns: new Set(["=", "+="]),
  statementAssign: false,
  loops: new Set(["for", "foreach", "while", "do", "foreach-object"]),
  loopEnds: new Set(),
  definitions: new Set(["function", "param", "filter"]),
  sinks: new Set(["iex", "invoke-expression"]),
  indexes: "[]",
  commaArrays: true,
  isVariable: (token) =>
    token.type === "name" && token.text.startsWith("$") && !token.text.startsWith("$env:"),
  quote: (text) => `'${text.replaceAll("'", "''")}'`,
};
