/**
 * Texts that the malware's obfuscator takes apart: built of a char array, or with junk words that Replace or Remove
 * takes out again. Each char keeps its place, so that the text can be put together again from the file's bytes.
 */
import type { Found, Span } from "../../bytes/index.ts";
import { type CilValue, type Dotnet, type FieldStore, methodEffects } from "../../formats/dotnet/index.ts";
import type { Store } from "./stores.ts";

const MAX_CHARS = 8192;
const MAX_DEPTH = 8;

/** Constructors and type initialisers that are followed; RedLine has some dozens. */
const MAX_METHODS = 512;
/** Longest code that is followed: the config's constructor is short even when its texts are arrays. */
const MAX_CODE = 0x8000;
const MAX_CODE_TOTAL = 1 << 19;

const LDC_I4_S_SIZE = 2;
const LDC_I4_SIZE = 5;

/** A text and the place of each of its chars: two bytes of UTF-16LE, or one of an instruction. */
interface Folded {
  readonly text: string;
  readonly places: readonly Span[];
}

/** The constant text of a value; undefined when it is none, or when its chars are of both widths. */
export function constantText(value: CilValue): Found<string> | undefined {
  const folded = fold(value, 0);
  if (folded === undefined) return undefined;
  const width = folded.places[0]?.length;
  if (folded.places.some(({ length }) => length !== width)) return undefined;
  return { value: folded.text, at: joined(folded.places) };
}

/**
 * Stores of constants by the constructors of a module, type initialisers first, with texts put together; a list for
 * each method.
 */
export function foldedStores(dotnet: Dotnet): readonly (readonly Store[])[] {
  const named = (wanted: string) => dotnet.methods.filter(({ name }) => name === wanted);
  const lists: (readonly Store[])[] = [];
  let total = 0;
  for (const { rid } of [...named(".cctor"), ...named(".ctor")]) {
    const size = dotnet.body(rid)?.code.length ?? 0;
    if (size === 0 || size > MAX_CODE) continue;
    total += size;
    if (total > MAX_CODE_TOTAL || lists.length === MAX_METHODS) break;
    lists.push(followedStores(dotnet, rid));
  }
  return lists;
}

/** Stores of constants by one method, as they follow from its code, whatever stands between load and store. */
export function followedStores(dotnet: Dotnet, rid: number): readonly Store[] {
  return methodEffects(dotnet, rid).stores.flatMap(foldStore);
}

function foldStore(store: FieldStore, index: number): Store[] {
  const text = constantText(store.value);
  const number = store.value.kind === "int" ? { value: store.value.value, at: store.value.at } : undefined;
  const value = text ?? number;
  const kind = store.isStatic ? "static" : "instance";
  return value === undefined ? [] : [{ kind, target: store.token, value, index }];
}

function fold(value: CilValue, depth: number): Folded | undefined {
  if (depth > MAX_DEPTH) return undefined;
  switch (value.kind) {
    case "string":
      return foldString(value.text);
    case "new":
      return value.type === "System.String" ? foldChars(value.args[0]) : undefined;
    case "field":
      if (value.name === "System.String::Empty") return { text: "", places: [] };
      return value.known && fold(value.known, depth + 1);
    case "call":
      return foldCall(value.method, value.args, depth + 1);
    default:
      return undefined;
  }
}

function foldString({ value, at }: Found<string>): Folded | undefined {
  const [span] = at;
  if (value.length > MAX_CHARS || (value !== "" && span?.length !== 2 * value.length)) return undefined;
  const places = Array.from({ length: value.length }, (_, i) => ({
    artifact: span?.artifact ?? 0,
    offset: (span?.offset ?? 0) + 2 * i,
    length: 2,
  }));
  return { text: value, places };
}

function foldChars(array: CilValue | undefined): Folded | undefined {
  if (array?.kind !== "array" || array.elementType !== "System.Char" || !array.isExact) return undefined;
  const { length = 0, data, items } = array;
  if (length > MAX_CHARS) return undefined;
  let text = "";
  const places: Span[] = [];
  for (let i = 0; i < length; i++) {
    const item = items.get(i);
    const unit = item === undefined ? data?.u16(2 * i) : item.kind === "int" ? item.value : undefined;
    const place = item === undefined ? data?.span(2 * i, 2) : operandPlace(item.at[0]);
    if (unit === undefined || place === undefined) return undefined;
    text += String.fromCharCode(unit);
    places.push(place);
  }
  return { text, places };
}

/** Where the char stands in `ldc.i4.s char` or `ldc.i4 char`. */
function operandPlace(span: Span | undefined): Span | undefined {
  if (span?.length === LDC_I4_S_SIZE) return { ...span, offset: span.offset + 1, length: 1 };
  return span?.length === LDC_I4_SIZE ? { ...span, offset: span.offset + 1, length: 2 } : undefined;
}

function foldCall(method: string, args: readonly CilValue[], depth: number): Folded | undefined {
  const [first, second, third] = args;
  const texts = () => args.map((arg) => fold(arg, depth));
  const number = (value: CilValue | undefined) => (value?.kind === "int" ? value.value : undefined);
  switch (method) {
    case "System.String::Concat": {
      const parts = args.length === 1 ? elementsOf(first, depth) : texts();
      return parts?.every((part) => part !== undefined) ? limited(concat(parts)) : undefined;
    }
    case "System.String::Replace": {
      const [text, from, to] = texts();
      return text && from && to && limited(replaceAll(text, from.text, to));
    }
    case "System.String::Remove":
    case "System.String::Substring": {
      const text = first && fold(first, depth);
      const start = number(second);
      if (text === undefined || start === undefined || start < 0 || start > text.text.length)
        return undefined;
      const size = third === undefined ? text.text.length - start : number(third);
      if (size === undefined || size < 0 || start + size > text.text.length) return undefined;
      if (method === "System.String::Substring") return slice(text, start, start + size);
      return concat([slice(text, 0, start), slice(text, start + size, text.text.length)]);
    }
    default:
      return undefined;
  }
}

/** What Concat(string[]) joins: compilers take it for more than four parts. */
function elementsOf(array: CilValue | undefined, depth: number): (Folded | undefined)[] | undefined {
  if (array?.kind !== "array" || array.elementType !== "System.String" || !array.isExact) return undefined;
  const { length = 0, items } = array;
  if (length > MAX_CHARS || items.size !== length) return undefined;
  return Array.from({ length }, (_, i) => {
    const item = items.get(i);
    return item && fold(item, depth);
  });
}

function replaceAll(text: Folded, from: string, to: Folded): Folded | undefined {
  if (from === "") return undefined;
  const parts: Folded[] = [];
  let at = 0;
  for (let next = text.text.indexOf(from); next >= 0; next = text.text.indexOf(from, at)) {
    parts.push(slice(text, at, next), to);
    at = next + from.length;
  }
  return concat([...parts, slice(text, at, text.text.length)]);
}

function slice({ text, places }: Folded, start: number, end: number): Folded {
  return { text: text.slice(start, end), places: places.slice(start, end) };
}

function concat(parts: readonly Folded[]): Folded {
  return { text: parts.map(({ text }) => text).join(""), places: parts.flatMap(({ places }) => places) };
}

function limited(folded: Folded | undefined): Folded | undefined {
  return folded === undefined || folded.text.length > MAX_CHARS ? undefined : folded;
}

/** Neighbouring places as one span. */
function joined(places: readonly Span[]): readonly Span[] {
  const spans: Span[] = [];
  for (const place of places) {
    const last = spans[spans.length - 1];
    if (last !== undefined && last.artifact === place.artifact && last.offset + last.length === place.offset)
      spans[spans.length - 1] = { ...last, length: last.length + place.length };
    else spans.push(place);
  }
  return spans;
}
