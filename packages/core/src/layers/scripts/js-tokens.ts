/** JScript's text as tokens: strings with their escapes undone, number lists, regular expressions told from divisions. */
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
import { REGEX_MARK } from "./value.ts";

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

export function tokenizeJs(text: string): Tokens {
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
