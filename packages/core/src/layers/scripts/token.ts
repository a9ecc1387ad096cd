/** Tokens of a script, as its dialect's tokenizer makes them. White space and comments are passed over. */
import { MAX_TOKENS } from "./limits.ts";
import type { Value } from "./value.ts";

export type TokenType =
  | "string"
  /** A string with `$name` in it. */
  | "template"
  | "number"
  /** Numbers parted by commas, LIST_LENGTH or more of them: one token, since payloads are written so. */
  | "list"
  | "name"
  /** `[char]` of PowerShell. */
  | "type"
  | "regex"
  | "op"
  | "newline";

export interface Token {
  readonly type: TokenType;
  /** Names as the dialect compares them, operators and types in lower case; for templates the raw inside. */
  readonly text: string;
  readonly value?: Value;
  readonly start: number;
  readonly end: number;
  /** Written in a way that hides what it is: escapes in a string, backticks in a name. */
  readonly coated?: boolean;
}

export interface Tokens {
  readonly tokens: readonly Token[];
  /** True when there were more. */
  readonly cut: boolean;
}

export class TokenList {
  readonly tokens: Token[] = [];

  /** False when there is no more room. */
  add(type: TokenType, text: string, start: number, end: number, value?: Value, coated?: boolean): boolean {
    this.tokens.push({
      type,
      text,
      start,
      end,
      ...(value === undefined ? {} : { value }),
      ...(coated === true ? { coated } : {}),
    });
    return this.tokens.length < MAX_TOKENS;
  }

  get last(): Token | undefined {
    return this.tokens[this.tokens.length - 1];
  }
}

/** Shorter lists are made of number tokens. */
export const LIST_LENGTH = 16;
/** Longest number with its white space. */
const MAX_ITEM = 64;

/** A list of numbers at `at`, which is a digit. White space and line continuations (`_`, backtick) may stand around the commas. */
export function readList(
  text: string,
  at: number,
  parse: (item: string) => number | undefined,
): { values: number[]; end: number } | undefined {
  const values: number[] = [];
  let from = at;
  let end = at;
  for (;;) {
    let stop = from;
    while (stop - from < MAX_ITEM && isDigitChar(text.charCodeAt(stop))) stop++;
    const value = stop === from ? undefined : parse(text.slice(from, stop));
    if (value === undefined) break;
    values.push(value);
    end = stop;
    stop = pastGap(text, stop);
    if (text.charCodeAt(stop) !== 0x2c) break;
    from = pastGap(text, stop + 1);
  }
  return values.length >= LIST_LENGTH ? { values, end } : undefined;
}

/** Past at most MAX_ITEM characters of white space and line continuations. */
function pastGap(text: string, at: number): number {
  let end = at;
  while (end - at < MAX_ITEM) {
    const code = text.charCodeAt(end);
    if (!isSpace(code) && code !== 0x5f && code !== 0x60) break;
    end++;
  }
  return end;
}

export function isSpace(code: number): boolean {
  return (
    code === 32 || code === 9 || code === 10 || code === 13 || code === 11 || code === 12 || code === 0xa0
  );
}

/** Digits, hex digits, `x`, `h`, `&`, `-`. */
function isDigitChar(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 72) ||
    (code >= 97 && code <= 104) ||
    code === 0x78 ||
    code === 0x58 ||
    code === 0x26 ||
    code === 0x2d
  );
}

export function isNameStart(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 0x5f || code >= 0xaa;
}

export function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code);
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** End of a run of name characters from `at`. */
export function nameEnd(text: string, at: number, extra = -1): number {
  let end = at;
  while (end < text.length && (isNamePart(text.charCodeAt(end)) || text.charCodeAt(end) === extra)) end++;
  return end;
}

/** `0x41`, `&H41`, `65`, `-65`; undefined for what is no whole number. */
export function wholeNumber(item: string): number | undefined {
  if (item.length > 20) return undefined;
  if (/^-?\d+$/.test(item)) return Number(item);
  const hex = /^(-?)(?:0x|&h)([0-9a-f]{1,8})&?$/i.exec(item);
  if (hex === null) return undefined;
  const value = Number.parseInt(hex[2] as string, 16);
  return hex[1] === "-" ? -value : value;
}

/** The longest operator of `operators` (longest first) at `at`. */
export function operatorAt(text: string, at: number, operators: readonly string[]): string {
  for (const op of operators) if (text.startsWith(op, at)) return op;
  return text.charAt(at);
}
