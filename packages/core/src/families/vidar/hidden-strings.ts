/**
 * Va, Vb and Vc: the string tables of the Arkei lineage, filled by an init function at start-up.
 *
 * - Va (2018-2021): decode(data, key, length), all strings under one text key: data[i] ^ key[i mod strlen(key)].
 * - Vb: decode(base64), RC4 under the key that the init function names first (M4lcode 2023).
 * - Vc (with Arkei, Mars and Stealc): decode(data, key, length), a key of the data's length for every string.
 */
import { hex, isPrintableAscii, latin1, latin1Bytes, type Span, type View } from "../../bytes/index.ts";
import { decodeBase64, rc4, xor } from "../../codecs/index.ts";
import type { AddressSpace } from "../../formats/address-space.ts";
import type { Image } from "../../formats/image.ts";
import { LOAD_STEP, possibleLoads } from "../../formats/loads.ts";
import type { Step } from "../../model/index.ts";
import { type Call, type CallGroup, type Constant, callGroups, MAX_SMALL } from "./calls.ts";
import { textAt } from "./texts.ts";

export interface HiddenString {
  readonly text: string;
  /** Ciphertext (or, for a string in clear among the others, the text itself). */
  readonly from: Span;
  /** None for a string in clear. */
  readonly steps: readonly Step[];
}

export interface HiddenStrings {
  readonly layout: "Va" | "Vb" | "Vc";
  /** In the order of the code; those in clear that the same code stores stand among them. */
  readonly strings: readonly HiddenString[];
  /** Va and Vb: the key that all share. */
  readonly key: { readonly text: string; readonly at: Span } | undefined;
  /** Code of the init function, first call to last. */
  readonly code: Span;
}

/** Longest string of a table; wallet lists and SQL statements reach 300. */
const MAX_LENGTH = MAX_SMALL;
/** Share of a group's calls that must decode to text. */
const SHARE = 0.9;
/** Fewest strings that prove a table. */
const MIN_STRINGS = 8;
/** The same for base64, among which strings in clear may stand. */
const BASE64_SHARE = 0.75;
/** Longest string in clear: an address, a key. */
const MAX_CLEAR = 0x100;
/** Keys tried for one table. */
const MAX_KEYS = 24;
/** Calls or strings that are tried before all are. */
const PROBES = 12;

const TEXT_CONTROL = new Set([0x09, 0x0a, 0x0d]);

function isText(bytes: Uint8Array): boolean {
  return bytes.every((b) => (b >= 0x20 && b <= 0x7e) || TEXT_CONTROL.has(b));
}

/** What the readers of a table need of an image. */
type Places = Pick<AddressSpace, "view" | "offsetOfVa" | "readVa">;

interface XorCall {
  /** Offset of the call. */
  readonly code: number;
  readonly length: number;
  readonly a: View;
  readonly b: View;
}

/** Every table of the image, newest form first. */
export function findHiddenStrings(image: Image): HiddenStrings[] {
  const found: HiddenStrings[] = [];
  const isPlaced = image.layout !== "raw" || image.base > 0;
  let unplaced = mayStandElsewhere(image) ? MAX_UNPLACED : 0;
  for (const group of callGroups(image)) {
    let table = isPlaced ? readTable(image, group) : undefined;
    if (table === undefined && unplaced-- > 0) table = readUnplaced(image.view, group);
    if (table !== undefined) found.push(table);
  }
  return found;
}

function readTable(places: Places, group: CallGroup): HiddenStrings | undefined {
  return readXorTable(places, group) ?? readRc4Table(places, group);
}

/** Only a file says for sure what stands where; one without a section table does not. */
function mayStandElsewhere(image: Image): boolean {
  return image.layout !== "file" || image.regions.every((region) => !region.executable);
}

/** Functions for which a load is searched. */
const MAX_UNPLACED = 16;
/** Calls that a load is tried on, and of these how many get a look first. */
const LOAD_PROBES = 12;
const LOAD_LOOKS = 3;

/** A table in bytes whose address is not known (no headers, no base): the one load at which it decodes. */
function readUnplaced(view: View, group: CallGroup): HiddenStrings | undefined {
  const calls = group.calls.slice(0, LOAD_PROBES);
  const vas = calls.map((c) =>
    c.constants.filter((k) => k.size === 4 && k.value > MAX_LENGTH).map((k) => k.value),
  );
  const shape = vas[0]?.length ?? 0;
  if ((shape !== 1 && shape !== 2) || vas.some((v) => v.length !== shape)) return undefined;
  if (new Set(vas.map((v) => v.join())).size < MIN_STRINGS) return undefined;
  const { first, last } = possibleLoads(view.length, vas.flat());
  const probes = vas.slice(0, LOAD_LOOKS);
  for (let load = first; load >= last; load -= LOAD_STEP) {
    if (!mayHoldTexts(view.bytes, load, probes)) continue;
    const places: Places = {
      view,
      offsetOfVa: (va) => (va >= load && va - load < view.length ? va - load : undefined),
      readVa: (va, length) => view.sub(va - load, length),
    };
    if (readTable(places, { ...group, calls }) === undefined) continue;
    const table = readTable(places, group);
    if (table !== undefined) return table;
  }
  return undefined;
}

/** A look at four bytes of each: two places that XOR to text, or a string of base64 characters. */
function mayHoldTexts(bytes: Uint8Array, load: number, probes: readonly (readonly number[])[]): boolean {
  for (let n = 0; n < probes.length; n++) {
    const vas = probes[n] as readonly number[];
    const a = (vas[0] as number) - load;
    const b = vas.length > 1 ? (vas[1] as number) - load : -1;
    if (!(b < 0 ? isBase64Start(bytes, a) : isTextStart(bytes, a, b))) return false;
  }
  return true;
}

const IS_BASE64 = new Uint8Array(256);
for (const char of latin1Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
  IS_BASE64[char] = 1;

/** Not in the middle of other text, as nearly any place in a page of text would be. */
function isBase64Start(bytes: Uint8Array, at: number): boolean {
  if (at > 0 && IS_BASE64[bytes[at - 1] as number] === 1) return false;
  for (let i = 0; i < 4; i++) if (IS_BASE64[bytes[at + i] as number] !== 1) return false;
  return true;
}

/** The second of two bytes may be a string's end. */
function isTextStart(bytes: Uint8Array, a: number, b: number): boolean {
  for (let i = 0; i < 2; i++) {
    const plain = (bytes[a + i] as number) ^ (bytes[b + i] as number);
    if ((plain < 0x20 || plain > 0x7e) && !TEXT_CONTROL.has(plain)) return false;
  }
  return true;
}

function codeSpan(view: View, group: CallGroup): Span {
  const first = group.calls[0]?.offset ?? 0;
  const last = group.calls.at(-1)?.offset ?? first;
  return view.span(first, last + 5 - first);
}

function isZero(view: View): boolean {
  return view.bytes.every((byte) => byte === 0);
}

/** A length and two places of that many bytes. */
function xorCall(image: Places, call: Call): XorCall | undefined {
  const length = call.constants.find((c) => c.value > 0 && c.value <= MAX_LENGTH)?.value;
  if (length === undefined) return undefined;
  const places = call.constants.filter((c) => c.size === 4 && c.value > MAX_LENGTH).slice(-2);
  if (places.length < 2) return undefined;
  const [a, b] = places.map((c) => image.readVa(c.value, length));
  // A pointer to zeroed memory is an object to fill, not a key: the other side would come out as its own plaintext.
  if (a === undefined || b === undefined || isZero(a) || isZero(b)) return undefined;
  return { code: call.offset, length, a, b };
}

/** True when half of the first calls pass: most functions fail here. */
function probe(group: CallGroup, test: (call: Call) => boolean): boolean {
  const first = group.calls.slice(0, PROBES);
  return first.filter(test).length * 2 >= first.length;
}

function readXorTable(image: Places, group: CallGroup): HiddenStrings | undefined {
  if (!probe(group, (call) => xorCall(image, call) !== undefined)) return undefined;
  const calls = group.calls.map((call) => xorCall(image, call));
  const usable = calls.filter((c) => c !== undefined);
  if (usable.length < MIN_STRINGS || usable.length < group.calls.length * SHARE) return undefined;
  const shared = sharedKey(image, group);
  if (shared !== undefined) return readSharedKeyTable(image, group, usable, shared);
  const strings: Ordered[] = [];
  const distinct = new Set<string>();
  for (const { a, b, code } of usable) {
    const plain = xor(b.bytes, a.bytes);
    if (!isText(plain)) continue;
    const text = latin1(plain);
    distinct.add(text);
    strings.push({
      code,
      text,
      from: b.span(),
      steps: [{ op: "xor", params: { key: hex(a.bytes) }, at: [a.span()] }],
    });
  }
  if (strings.length < usable.length * SHARE || distinct.size < MIN_STRINGS) return undefined;
  return {
    layout: "Vc",
    strings: ordered(image, group, strings),
    key: undefined,
    code: codeSpan(image.view, group),
  };
}

/** The one address that (nearly) every call of the group names, when it holds a text. */
function sharedKey(image: Places, group: CallGroup): { text: string; at: Span; va: number } | undefined {
  const counts = new Map<number, number>();
  for (const call of group.calls)
    for (const c of new Set(
      call.constants.filter((c) => c.size === 4 && c.value > MAX_LENGTH).map((c) => c.value),
    ))
      counts.set(c, (counts.get(c) ?? 0) + 1);
  for (const [va, count] of counts) {
    if (count < group.calls.length * SHARE) continue;
    const key = stringAt(image, va, MAX_CLEAR);
    if (key !== undefined && key.text.length >= 4) return { ...key, va };
  }
  return undefined;
}

function readSharedKeyTable(
  image: Places,
  group: CallGroup,
  usable: readonly XorCall[],
  key: { text: string; at: Span },
): HiddenStrings | undefined {
  const keyBytes = latin1Bytes(key.text);
  const step: Step = { op: "xor", params: { key: hex(keyBytes) }, at: [key.at] };
  const strings: Ordered[] = [];
  for (const { a, b, code } of usable) {
    const data = a.base === key.at.offset ? b : a;
    const plain = xor(data.bytes, keyBytes);
    if (isText(plain)) strings.push({ code, text: latin1(plain), from: data.span(), steps: [step] });
  }
  const distinct = new Set(strings.map((s) => s.text)).size;
  if (distinct < MIN_STRINGS || strings.length < usable.length * SHARE) return undefined;
  const all = ordered(image, group, strings);
  return {
    layout: "Va",
    strings: all,
    key: { text: key.text, at: key.at },
    code: codeSpan(image.view, group),
  };
}

interface Placed {
  readonly text: string;
  readonly at: Span;
}

function stringAt(image: Places, va: number, limit: number): Placed | undefined {
  const offset = image.offsetOfVa(va);
  if (offset === undefined) return undefined;
  const text = textAt(image.view.bytes, offset, limit);
  return text === undefined ? undefined : { text, at: image.view.span(offset, text.length) };
}

const BASE64 = /^[A-Za-z0-9+/]{4,}={0,2}$/;

/** A call's one string argument. */
function soleString(image: Places, call: Call): Placed | undefined {
  const places = call.constants.filter((c) => c.size === 4 && c.value > MAX_LENGTH);
  return places.length === 1 ? stringAt(image, (places[0] as Constant).value, MAX_LENGTH) : undefined;
}

function readRc4Table(image: Places, group: CallGroup): HiddenStrings | undefined {
  const isCoded = (text: string) => BASE64.test(text) && text.length % 4 === 0;
  if (!probe(group, (call) => isCoded(soleString(image, call)?.text ?? ""))) return undefined;
  const named = group.calls.flatMap((call) => {
    const text = soleString(image, call);
    return text === undefined ? [] : [{ ...text, code: call.offset }];
  });
  const coded = named.filter((s) => isCoded(s.text));
  const distinct = new Set(coded.map((s) => s.at.offset)).size;
  if (distinct < MIN_STRINGS || coded.length < group.calls.length * BASE64_SHARE) return undefined;
  const key = rc4Key(image, coded, [...storedTexts(image, group), ...named]);
  if (key === undefined) return undefined;
  const keyBytes = latin1Bytes(key.text);
  const steps: Step[] = [{ op: "base64" }, { op: "rc4", params: { key: hex(keyBytes) }, at: [key.at] }];
  const strings: Ordered[] = [];
  for (const { text, at, code } of named) {
    if (at.offset === key.at.offset) continue;
    const data = decodeBase64(latin1Bytes(text));
    const plain = data === undefined ? undefined : rc4(keyBytes, data);
    if (plain !== undefined && plain.length > 0 && isText(plain))
      strings.push({ code, text: latin1(plain), from: at, steps });
    else strings.push({ code, text, from: at, steps: [] });
  }
  return { layout: "Vb", strings: ordered(image, group, strings), key, code: codeSpan(image.view, group) };
}

interface Ordered extends HiddenString {
  readonly code: number;
}

/** Texts whose address the code of the table stores as it is. */
function storedTexts(image: Places, group: CallGroup): (Placed & { code: number })[] {
  return group.stored.flatMap((c) => {
    const text = stringAt(image, c.value, MAX_CLEAR);
    return text === undefined ? [] : [{ ...text, code: c.offset }];
  });
}

function ordered(image: Places, group: CallGroup, strings: readonly Ordered[]): HiddenString[] {
  const clear = storedTexts(image, group).map(({ text, at, code }) => ({ text, from: at, steps: [], code }));
  return [...strings, ...clear]
    .sort((a, b) => a.code - b.code)
    .map(({ text, from, steps }) => ({ text, from, steps }));
}

/** The first candidate that turns every probe to text. */
function rc4Key(image: Places, coded: readonly Placed[], near: readonly Placed[]): Placed | undefined {
  const probes = coded
    .slice(0, PROBES)
    .map((s) => decodeBase64(latin1Bytes(s.text)))
    .filter((b) => b !== undefined && b.length > 0) as Uint8Array[];
  const bits = probes.reduce((sum, p) => sum + p.length, 0);
  // 95 of 256 bytes are printable: 24 bytes leave one chance in 10^10 for a wrong key.
  if (bits < 24) return undefined;
  const lowest = coded.reduce((low, s) => (s.at.offset < low.at.offset ? s : low));
  const before = textBefore(image.view, lowest.at.offset);
  const candidates = [...near.slice(0, MAX_KEYS), ...(before === undefined ? [] : [before])];
  return candidates.find((candidate) => {
    const key = latin1Bytes(candidate.text);
    return key.length <= 256 && probes.every((p) => isText(rc4(key, p)));
  });
}

/** The string that ends right before `offset`, padding apart. */
function textBefore(view: View, offset: number): Placed | undefined {
  let end = offset;
  while (end > 0 && offset - end < 16 && view.u8(end - 1) === 0) end--;
  let start = end;
  while (start > 0 && end - start < 256 && isPrintableAscii(view.bytes.subarray(start - 1, start))) start--;
  return end === start
    ? undefined
    : { text: latin1(view.bytes.subarray(start, end)), at: view.span(start, end - start) };
}
