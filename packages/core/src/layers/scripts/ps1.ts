/** PowerShell for the folder: its literals, and what its operators and usual .NET calls make of constants. */
import { hex, latin1, latin1Bytes, utf8, utf8Bytes, utf16le, utf16leBytes } from "../../bytes/index.ts";
import { DOTNET, decodeBase64 } from "../../codecs/index.ts";
import type { Call, Dialect, Method, Operator } from "./dialect.ts";
import { MAX_VALUE } from "./limits.ts";
import {
  isDigit,
  isNamePart,
  isNameStart,
  isSpace,
  operatorAt,
  readList,
  type Token,
  TokenList,
  type Tokens,
  wholeNumber,
} from "./token.ts";
import {
  asArray,
  asNumber,
  asText,
  fromCodes,
  isArray,
  joinAll,
  literalOfRegex,
  replaceAll,
  type Value,
} from "./value.ts";

const OPERATORS = ["::", "..", "+=", "-=", "*=", "++", "--", "@(", "&&", "||"];
/** What a backtick makes of the next character. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};
const QUOTES = "'\u2018\u2019\u201a\u201b";
const DOUBLE = '"\u201c\u201d\u201e';
/** Longest `[type]`. */
const MAX_TYPE = 128;

function tokenize(text: string): Tokens {
  const out = new TokenList();
  let at = 0;
  while (at < text.length) {
    const start = at;
    const code = text.charCodeAt(at);
    const char = text.charAt(at);
    let room = true;
    if (code === 10) {
      room = out.add("newline", "\n", at, at + 1);
      at++;
    } else if (isSpace(code)) at++;
    else if (code === 0x60) {
      // A backtick before a line break continues the line.
      if (isNamePart(text.charCodeAt(at + 1))) {
        const name = readName(text, at);
        room = out.add("name", name.text.toLowerCase(), at, name.end, undefined, true);
        at = name.end;
      } else at += text.startsWith("\r\n", at + 1) ? 3 : 2;
    } else if (text.startsWith("<#", at)) {
      const end = text.indexOf("#>", at + 2);
      at = end < 0 ? text.length : end + 2;
    } else if (char === "#") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (char === "@" && (text.charAt(at + 1) === "'" || text.charAt(at + 1) === '"')) {
      const quote = text.charAt(at + 1);
      const line = text.indexOf("\n", at);
      const end = line < 0 ? -1 : text.indexOf(`\n${quote}@`, line - 1);
      if (end < 0) at += 2;
      else {
        const body = text.slice(line + 1, Math.max(line + 1, end)).replace(/\r$/, "");
        const plain = quote === "'" || !body.includes("$");
        room = out.add(
          plain ? "string" : "template",
          plain ? "" : body,
          at,
          end + 3,
          plain ? body : undefined,
        );
        at = end + 3;
      }
    } else if (QUOTES.includes(char) || DOUBLE.includes(char)) {
      const string = readString(text, at, DOUBLE.includes(char));
      room = string.template
        ? out.add("template", string.text, at, string.end, undefined, string.coated)
        : out.add("string", "", at, string.end, string.text, string.coated);
      at = string.end;
    } else if (char === "$") {
      const braced = text.charAt(at + 1) === "{";
      const end = braced ? text.indexOf("}", at) : nameStop(text, at + 1);
      if ((braced && end > at && end - at < 256) || (!braced && end > at + 1)) {
        const name = text
          .slice(at + (braced ? 2 : 1), end)
          .toLowerCase()
          .replaceAll("`", "");
        at = braced ? end + 1 : end;
        room = out.add("name", `$${name}`, start, at);
      } else {
        room = out.add("op", "$", at, at + 1);
        at++;
      }
    } else if (isDigit(code)) {
      const list = readList(text, at, wholeNumber);
      if (list !== undefined) {
        room = out.add("list", "", at, list.end, list.values);
        at = list.end;
      } else {
        const match = /^(?:0x[0-9a-f]{1,8}|\d{1,15})/i.exec(text.slice(at, at + 20)) as RegExpExecArray;
        at += match[0].length;
        room = isNameStart(text.charCodeAt(at))
          ? out.add("name", text.slice(start, (at = nameStop(text, at))).toLowerCase(), start, at)
          : out.add("number", "", start, at, Number(match[0]));
      }
    } else if (char === "[" && isNameStart(text.charCodeAt(at + 1)) && !isValueEnd(out.last, at)) {
      const type = readType(text, at);
      if (type === undefined) {
        room = out.add("op", "[", at, at + 1);
        at++;
      } else {
        room = out.add("type", type.text, at, type.end);
        at = type.end;
      }
    } else if (isNameStart(code)) {
      const name = readName(text, at);
      room = out.add("name", name.text.toLowerCase(), at, name.end, undefined, name.coated);
      at = name.end;
    } else if (char === "-" && isNameStart(text.charCodeAt(at + 1)) && !isNamePart(text.charCodeAt(at - 1))) {
      const end = nameStop(text, at + 1);
      room = out.add("op", text.slice(at, end).toLowerCase().replaceAll("`", ""), at, end);
      at = end;
    } else {
      const op = operatorAt(text, at, OPERATORS);
      room = out.add("op", op, at, at + op.length);
      at += op.length;
    }
    if (!room) return { tokens: out.tokens, cut: true };
  }
  return { tokens: out.tokens, cut: false };
}

function isValueEnd(last: Token | undefined, at: number): boolean {
  return (
    last !== undefined && last.end === at && (last.type !== "op" || last.text === ")" || last.text === "]")
  );
}

function nameStop(text: string, at: number): number {
  let end = at;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    const colon = code === 0x3a && isNameStart(text.charCodeAt(end + 1)) && text.charCodeAt(end - 1) !== 0x3a;
    if (!isNamePart(code) && !colon && !(code === 0x60 && isNamePart(text.charCodeAt(end + 1)))) break;
    end++;
  }
  // `$_` and `$?` are names too.
  return end;
}

/** A command or member name: `Invoke-Expression`, backticks taken out. */
function readName(text: string, at: number): { text: string; end: number; coated: boolean } {
  let end = at;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    const dash = code === 0x2d && isNameStart(text.charCodeAt(end + 1));
    if (!isNamePart(code) && !dash && !(code === 0x60 && isNamePart(text.charCodeAt(end + 1)))) break;
    end++;
  }
  const raw = text.slice(at, Math.max(end, at + 1));
  return { text: raw.replaceAll("`", ""), end: Math.max(end, at + 1), coated: raw.includes("`") };
}

/** `[System.Text.Encoding]` as `text.encoding`, `[char[]]` as `char[]`. */
function readType(text: string, at: number): { text: string; end: number } | undefined {
  let end = at + 1;
  while (end < text.length && end - at < MAX_TYPE) {
    const code = text.charCodeAt(end);
    if (!isNamePart(code) && code !== 0x2e && code !== 0x60) break;
    end++;
  }
  const array = text.startsWith("[]]", end);
  if (!array && text.charAt(end) !== "]") return undefined;
  const name = text
    .slice(at + 1, end)
    .toLowerCase()
    .replaceAll("`", "")
    .replace(/^system\./, "");
  return { text: array ? `${name}[]` : name, end: end + (array ? 3 : 1) };
}

function readString(
  text: string,
  at: number,
  double: boolean,
): { text: string; end: number; template: boolean; coated: boolean } {
  const parts: string[] = [];
  const quotes = double ? DOUBLE : QUOTES;
  let from = at + 1;
  let template = false;
  let coated = false;
  let end = from;
  while (end < text.length) {
    const char = text.charAt(end);
    if (quotes.includes(char)) {
      parts.push(text.slice(from, end));
      if (!quotes.includes(text.charAt(end + 1)) || end + 1 >= text.length)
        return { text: parts.join(""), end: end + 1, template, coated };
      parts.push(char);
      end += 2;
      from = end;
    } else if (double && char === "`") {
      const next = text.charAt(end + 1);
      // An escaped dollar must not count as a variable: such strings stay as they are.
      if (next === "$") template = true;
      parts.push(text.slice(from, end), ESCAPES[next] ?? next);
      coated = coated || ESCAPES[next] === undefined;
      end += 2;
      from = end;
    } else {
      if (double && char === "$" && /[\w{(:]/.test(text.charAt(end + 1))) template = true;
      end++;
    }
  }
  return { text: parts.join("") + text.slice(from), end: text.length, template: true, coated: false };
}

const bytesOf = (value: Value | undefined): Uint8Array | undefined => {
  if (typeof value === "string") return latin1Bytes(value);
  if (!isArray(value)) return undefined;
  const out = new Uint8Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    if (typeof item !== "number" || item < 0 || item > 255) return undefined;
    out[i] = item;
  }
  return out;
};
/** Longer byte strings stay in their literal, where the search for payloads finds them. */
const MAX_BYTES = 1024 * 1024;

const fromBase64: Call = ([text]) => {
  if (typeof text !== "string" || text.length > MAX_BYTES) return undefined;
  const bytes = decodeBase64(latin1Bytes(text), DOTNET);
  return bytes === undefined ? undefined : Array.from(bytes);
};
const decoder =
  (decode: (bytes: Uint8Array) => string): Call =>
  ([value]) => {
    const bytes = isArray(value) ? bytesOf(value) : undefined;
    return bytes === undefined ? undefined : decode(bytes);
  };
const encoder =
  (encode: (text: string) => Uint8Array): Call =>
  ([text]) =>
    typeof text === "string" && text.length <= MAX_BYTES ? Array.from(encode(text)) : undefined;
const toNumber: Call = ([value, base]) => {
  const radix = asNumber(base);
  if (radix === undefined) return asNumber(value);
  const text = asText(value);
  if (text === undefined || ![2, 8, 10, 16].includes(radix) || !/^[0-9a-fx]{1,16}$/i.test(text))
    return undefined;
  const number = Number.parseInt(text, radix);
  return Number.isNaN(number) ? undefined : number;
};
const toChar = (value: Value): Value | undefined =>
  typeof value === "string"
    ? value.length === 1
      ? value
      : undefined
    : typeof value === "number"
      ? fromCodes([value])
      : undefined;
const toChars = (value: Value): Value | undefined => {
  if (typeof value === "string") return value.length <= MAX_BYTES ? value.split("") : undefined;
  return fromCodes(asArray(value) as readonly Value[])?.split("");
};

const add = (left: Value, right: Value): Value | undefined => {
  if (isArray(left)) return [...left, ...(asArray(right) as readonly Value[])];
  if (typeof left === "string") {
    const text = isArray(right) ? joinAll(right, " ") : asText(right);
    return text === undefined ? undefined : left + text;
  }
  const number = asNumber(right);
  return number === undefined ? undefined : left + number;
};
const numeric =
  (fold: (a: number, b: number) => number) =>
  (left: Value, right: Value): Value | undefined => {
    const [a, b] = [asNumber(left), asNumber(right)];
    return a === undefined || b === undefined ? undefined : fold(a, b);
  };
const format = (left: Value, right: Value): Value | undefined => {
  const args = asArray(right);
  if (typeof left !== "string" || args === undefined) return undefined;
  const parts: string[] = [];
  let at = 0;
  while (at < left.length) {
    const open = left.indexOf("{", at);
    if (open < 0) break;
    const match = /^\{(\d{1,4})\}/.exec(left.slice(open, open + 6));
    const arg = match === null ? undefined : asText(args[Number(match[1])]);
    if (match === null || arg === undefined) return undefined;
    parts.push(left.slice(at, open), arg);
    at = open + match[0].length;
  }
  parts.push(left.slice(at));
  return parts.join("");
};
const replace =
  (caseless: boolean) =>
  (left: Value, right: Value): Value | undefined => {
    const [find, put = ""] = asArray(right) as readonly Value[];
    const [findText, putText] = [asText(find), asText(put)];
    const literal = findText === undefined ? undefined : literalOfRegex(findText);
    if (literal === undefined || putText === undefined || putText.includes("$") || typeof left !== "string")
      return undefined;
    return replaceAll(left, literal, putText, caseless);
  };
const split = (left: Value, right: Value): Value | undefined => {
  const separator = asText((asArray(right) as readonly Value[])[0]);
  const literal = separator === undefined ? undefined : literalOfRegex(separator);
  return typeof left === "string" && literal !== undefined && literal !== ""
    ? left.split(literal)
    : undefined;
};
const join = (left: Value, right: Value): Value | undefined => {
  const separator = asText(right);
  return separator === undefined ? undefined : joinAll(left, separator);
};
const range = numeric((a, b) => b - a) as (left: Value, right: Value) => number | undefined;
const MAX_RANGE = 1_000_000;

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
  tokenize,
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
