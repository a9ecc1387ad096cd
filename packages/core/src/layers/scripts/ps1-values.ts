/** What PowerShell's operators and the .NET calls of its scripts make of constants. */
import { latin1Bytes } from "../../bytes/index.ts";
import { DOTNET, decodeBase64 } from "../../codecs/index.ts";
import type { Call } from "./dialect.ts";
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

export const bytesOf = (value: Value | undefined): Uint8Array | undefined => {
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
export const MAX_BYTES = 1024 * 1024;

export const fromBase64: Call = ([text]) => {
  if (typeof text !== "string" || text.length > MAX_BYTES) return undefined;
  const bytes = decodeBase64(latin1Bytes(text), DOTNET);
  return bytes === undefined ? undefined : Array.from(bytes);
};
export const decoder =
  (decode: (bytes: Uint8Array) => string): Call =>
  ([value]) => {
    const bytes = isArray(value) ? bytesOf(value) : undefined;
    return bytes === undefined ? undefined : decode(bytes);
  };
export const encoder =
  (encode: (text: string) => Uint8Array): Call =>
  ([text]) =>
    typeof text === "string" && text.length <= MAX_BYTES ? Array.from(encode(text)) : undefined;
export const toNumber: Call = ([value, base]) => {
  const radix = asNumber(base);
  if (radix === undefined) return asNumber(value);
  const text = asText(value);
  if (text === undefined || ![2, 8, 10, 16].includes(radix) || !/^[0-9a-fx]{1,16}$/i.test(text))
    return undefined;
  const number = Number.parseInt(text, radix);
  return Number.isNaN(number) ? undefined : number;
};
export const toChar = (value: Value): Value | undefined =>
  typeof value === "string"
    ? value.length === 1
      ? value
      : undefined
    : typeof value === "number"
      ? fromCodes([value])
      : undefined;
export const toChars = (value: Value): Value | undefined => {
  if (typeof value === "string") return value.length <= MAX_BYTES ? value.split("") : undefined;
  return fromCodes(asArray(value) as readonly Value[])?.split("");
};

export const add = (left: Value, right: Value): Value | undefined => {
  if (isArray(left)) return [...left, ...(asArray(right) as readonly Value[])];
  if (typeof left === "string") {
    const text = isArray(right) ? joinAll(right, " ") : asText(right);
    return text === undefined ? undefined : left + text;
  }
  const number = asNumber(right);
  return number === undefined ? undefined : left + number;
};
export const numeric =
  (fold: (a: number, b: number) => number) =>
  (left: Value, right: Value): Value | undefined => {
    const [a, b] = [asNumber(left), asNumber(right)];
    return a === undefined || b === undefined ? undefined : fold(a, b);
  };
export const format = (left: Value, right: Value): Value | undefined => {
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
export const replace =
  (caseless: boolean) =>
  (left: Value, right: Value): Value | undefined => {
    const [find, put = ""] = asArray(right) as readonly Value[];
    const [findText, putText] = [asText(find), asText(put)];
    const literal = findText === undefined ? undefined : literalOfRegex(findText);
    if (literal === undefined || putText === undefined || putText.includes("$") || typeof left !== "string")
      return undefined;
    return replaceAll(left, literal, putText, caseless);
  };
export const split = (left: Value, right: Value): Value | undefined => {
  const separator = asText((asArray(right) as readonly Value[])[0]);
  const literal = separator === undefined ? undefined : literalOfRegex(separator);
  return typeof left === "string" && literal !== undefined && literal !== ""
    ? left.split(literal)
    : undefined;
};
export const join = (left: Value, right: Value): Value | undefined => {
  const separator = asText(right);
  return separator === undefined ? undefined : joinAll(left, separator);
};
export const range = numeric((a, b) => b - a) as (left: Value, right: Value) => number | undefined;
export const MAX_RANGE = 1_000_000;
