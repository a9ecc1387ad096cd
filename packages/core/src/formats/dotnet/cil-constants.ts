/** Text and bytes that a value is known to be: library calls on constants, done by their documented meaning. */
import { type Found, latin1, type Span, utf8, utf8Bytes, utf16le, utf16leBytes } from "../../bytes/index.ts";
import type { CilArray, CilValue } from "./cil-values.ts";

/** Values looked at for one answer; a dup before each concat doubles the work with every instruction. */
const MAX_VALUES = 4096;

/** Longest text or array that is put together. */
const MAX_LENGTH = 1 << 20;

/** Longest array without initial data that is taken for constant; a longer one is a buffer. */
const MAX_FILLED = 1 << 16;

/** Calls within calls. */
const MAX_DEPTH = 64;

class Budget {
  values = MAX_VALUES;
  depth = 0;
}

/**
 * The text of a string value: a literal, or String.Concat, Replace, Remove, `new string(char[])` and
 * Encoding.GetString over constants. `at` holds the spans of every part. Undefined when any part is not known.
 */
export function constantText(value: CilValue): Found<string> | undefined {
  return text(value, new Budget());
}

/**
 * The bytes of a byte array: initial data, elements, Encoding.GetBytes over constants. What needs a codec
 * (Convert.FromBase64String) stays a call, so that the family decodes it as a step of its own.
 */
export function constantBytes(value: CilValue): Found<Uint8Array> | undefined {
  return bytes(value, new Budget());
}

function within<T>(budget: Budget, read: () => T | undefined): T | undefined {
  if (budget.values-- <= 0 || budget.depth >= MAX_DEPTH) return undefined;
  budget.depth++;
  const result = read();
  budget.depth--;
  return result;
}

function text(value: CilValue, budget: Budget): Found<string> | undefined {
  return within(budget, () => {
    switch (value.kind) {
      case "string":
        return value.text;
      case "field":
        if (value.name === "System.String::Empty") return EMPTY;
        return value.known && text(value.known, budget);
      case "new":
        return value.method === "System.String::.ctor" && value.args.length === 1
          ? chars(value.args[0] as CilValue, budget)
          : undefined;
      case "call":
        return callText(value.method, value.args, budget);
      default:
        return undefined;
    }
  });
}

function callText(method: string, args: readonly CilValue[], budget: Budget): Found<string> | undefined {
  switch (method) {
    case "System.String::Concat": {
      const only = args.length === 1 ? args[0] : undefined;
      const parts = only?.kind === "array" ? itemsOf(only) : args;
      return parts && join(parts.map((part) => (part.kind === "null" ? EMPTY : text(part, budget))));
    }
    case "System.String::Replace": {
      const [subject, from, to] = args.map((arg) => text(arg, budget));
      if (subject === undefined || from === undefined || to === undefined || from.value === "")
        return undefined;
      return bounded(subject.value.split(from.value).join(to.value), subject, from, to);
    }
    case "System.String::Remove": {
      const [subject, start, count] = args;
      const known = subject && text(subject, budget);
      if (known === undefined || start?.kind !== "int" || (count !== undefined && count.kind !== "int"))
        return undefined;
      const end = count === undefined ? known.value.length : start.value + count.value;
      if (start.value < 0 || end < start.value || end > known.value.length) return undefined;
      return { value: known.value.slice(0, start.value) + known.value.slice(end), at: known.at };
    }
    case "System.Text.Encoding::GetString": {
      const [encoding, data] = args;
      const decode = encoding && ENCODINGS[encodingName(encoding)]?.decode;
      const known = data && args.length === 2 ? bytes(data, budget) : undefined;
      const value = known && decode?.(known.value);
      return known === undefined || value === undefined ? undefined : { value, at: known.at };
    }
    default:
      return undefined;
  }
}

function bytes(value: CilValue, budget: Budget): Found<Uint8Array> | undefined {
  return within(budget, () => {
    if (value.kind === "array") return arrayBytes(value, value.at);
    if (value.kind === "field") return value.known && bytes(value.known, budget);
    if (value.kind !== "call") return undefined;
    const known = value.args.at(-1) && text(value.args.at(-1) as CilValue, budget);
    if (known === undefined) return undefined;
    if (value.method === "System.Text.Encoding::GetBytes" && value.args.length === 2) {
      const encode = ENCODINGS[encodingName(value.args[0] as CilValue)]?.encode;
      return encode && { value: encode(known.value), at: known.at };
    }
    return undefined;
  });
}

function arrayBytes(array: CilArray, at: readonly Span[]): Found<Uint8Array> | undefined {
  const { length, data, items } = array;
  if (!array.isExact || length === undefined || length < 0) return undefined;
  if (length > (data === undefined ? MAX_FILLED : MAX_LENGTH)) return undefined;
  if (array.elementType !== "System.Byte" && array.elementType !== "System.SByte") return undefined;
  const out = new Uint8Array(length);
  if (data !== undefined) out.set(data.bytes.subarray(0, length));
  const spans = data === undefined && items.size > 0 ? [] : [...at];
  for (const [index, item] of items) {
    if (item.kind !== "int" || index >= length) return undefined;
    out[index] = item.value & 0xff;
    for (const span of item.at) spans.push(span);
  }
  return { value: out, at: spans };
}

/** The text of a char array. */
function chars(value: CilValue, budget: Budget): Found<string> | undefined {
  if (value.kind === "field")
    return value.known && within(budget, () => chars(value.known as CilValue, budget));
  if (value.kind !== "array" || value.elementType !== "System.Char" || !value.isExact) return undefined;
  if (value.data !== undefined && value.items.size === 0)
    return { value: utf16le(value.data.bytes), at: [value.data.span()] };
  const items = value.data === undefined ? itemsOf(value) : undefined;
  return (
    items &&
    join(
      items.map((item) =>
        item.kind === "int" ? { value: String.fromCharCode(item.value & 0xffff), at: item.at } : undefined,
      ),
    )
  );
}

/** Every element of a wholly known array. */
function itemsOf(array: CilArray): readonly CilValue[] | undefined {
  const { length, items, isExact } = array;
  if (!isExact || length === undefined || length !== items.size) return undefined;
  const list = Array.from({ length }, (_, i) => items.get(i));
  return list.every((item): item is CilValue => item !== undefined) ? list : undefined;
}

const EMPTY: Found<string> = { value: "", at: [] };

function join(parts: readonly (Found<string> | undefined)[]): Found<string> | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  return bounded(known.map((part) => part.value).join(""), ...known);
}

function bounded(value: string, ...parts: readonly Found<string>[]): Found<string> | undefined {
  return value.length > MAX_LENGTH ? undefined : { value, at: parts.flatMap((part) => part.at) };
}

interface Encoding {
  readonly encode: (text: string) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => string | undefined;
}

const ASCII: Encoding = {
  encode: (value) =>
    Uint8Array.from(value, (char) => (char.charCodeAt(0) < 0x80 ? char.charCodeAt(0) : 0x3f)),
  decode: (raw) => (raw.every((byte) => byte < 0x80) ? latin1(raw) : undefined),
};
const UTF8: Encoding = { encode: utf8Bytes, decode: utf8 };
const UTF16: Encoding = { encode: utf16leBytes, decode: utf16le };

/** By the property of System.Text.Encoding, or the class made. `Default` differs by machine: ASCII only. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  "System.Text.Encoding::get_UTF8": UTF8,
  "System.Text.Encoding::get_ASCII": ASCII,
  "System.Text.Encoding::get_Unicode": UTF16,
  "System.Text.Encoding::get_Default": { encode: utf8Bytes, decode: ASCII.decode },
  "System.Text.UTF8Encoding::.ctor": UTF8,
  "System.Text.ASCIIEncoding::.ctor": ASCII,
  "System.Text.UnicodeEncoding::.ctor": UTF16,
};

function encodingName(value: CilValue): string {
  return value.kind === "call" || value.kind === "new" ? value.method : "";
}
