/** Constants of a script, as the folder knows them. */
import { MAX_VALUE } from "./limits.ts";

export type Value = string | number | readonly Value[];

/** A regular expression of a script: only its source; nothing runs it. */
export const REGEX_MARK = "\u0000regex:";

export function isArray(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** As the languages print it; undefined for what has no one form. */
export function asText(value: Value | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : undefined;
  return undefined;
}

/** A whole number, also out of a text of digits or hex; undefined otherwise. */
export function asNumber(value: Value | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.length > 24) return undefined;
  const text = value.trim();
  if (/^-?\d+$/.test(text)) return Number(text);
  const hex = /^(?:0x|&h)([0-9a-f]{1,8})&?$/i.exec(text);
  return hex === null ? undefined : Number.parseInt(hex[1] as string, 16);
}

export function asArray(value: Value | undefined): readonly Value[] | undefined {
  if (value === undefined) return undefined;
  return isArray(value) ? value : [value];
}

/** Texts of all elements, put together; undefined when one has no text or it grows too long. */
export function joinAll(value: Value | undefined, separator: string): string | undefined {
  const items = asArray(value);
  if (items === undefined) return undefined;
  const parts: string[] = [];
  let size = 0;
  for (const item of items) {
    const part = asText(item);
    if (part === undefined) return undefined;
    size += part.length + separator.length;
    if (size > MAX_VALUE) return undefined;
    parts.push(part);
  }
  return parts.join(separator);
}

/** `find` is literal text; undefined when the result is too long. */
export function replaceAll(text: string, find: string, put: string, caseless = false): string | undefined {
  if (find === "") return text;
  const pieces = caseless ? splitCaseless(text, find) : text.split(find);
  if (text.length + pieces.length * put.length > MAX_VALUE) return undefined;
  return pieces.join(put);
}

function splitCaseless(text: string, find: string): string[] {
  const lower = text.toLowerCase();
  const needle = find.toLowerCase();
  if (lower.length !== text.length) return text.split(find);
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    pieces.push(text.slice(from, at));
    from = at + needle.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

const SPECIAL = /[\\^$.|?*+()[\]{}]/;

/** The text that a regular expression without operators stands for; undefined when it has some. */
export function literalOfRegex(source: string): string | undefined {
  let out = "";
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i);
    if (char === "\\") {
      const next = source.charAt(++i);
      if (next === "" || /[a-zA-Z0-9]/.test(next)) return undefined;
      out += next;
    } else if (SPECIAL.test(char)) return undefined;
    else out += char;
  }
  return out;
}

/** Characters of the codes; undefined when one is none. */
export function fromCodes(codes: readonly Value[]): string | undefined {
  const parts: string[] = [];
  for (const item of codes) {
    const code = asNumber(item);
    if (code === undefined || code < 0 || code > 0xffff || !Number.isInteger(code)) return undefined;
    parts.push(String.fromCharCode(code));
  }
  return parts.join("");
}

export function reversed(text: string): string {
  return text.split("").reverse().join("");
}
