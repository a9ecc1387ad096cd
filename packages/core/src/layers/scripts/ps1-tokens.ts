/** PowerShell's text as tokens: strings with their escapes undone, names without backticks, types, number lists. */
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

export function tokenizePs1(text: string): Tokens {
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
