/** What the #US heap tells: texts that may be the C2 list, marks of the family, the authorization token. */
import {
  concatBytes,
  type Found,
  findNeedles,
  indexOf,
  latin1Bytes,
  needleSet,
  utf16le,
  utf16leBytes,
  type View,
} from "../../bytes/index.ts";
import type { UserString } from "../../formats/dotnet/model.ts";
import { parseC2List } from "./c2-list.ts";
import { isC2Ciphertext } from "./decrypt.ts";

/** Texts of each kind that are looked into. */
const MAX_CANDIDATES = 32;

/** Texts that RedLine's code holds beside its config; none of them is rare alone. */
const MARKS = ["Authorization", "ns1", "Yandex\\YaAddon", "net.tcp://", "http://", "|", "localhost"] as const;
export type Mark = (typeof MARKS)[number];
const MARK_SET: ReadonlySet<string> = new Set(MARKS);

/** Longest text that is a mark. */
const MAX_MARK = 16;

/** Entries read on either side of a mark where the heap's bounds are unknown. */
const MAX_LOOSE_ENTRIES = 64;

const TOKEN = /^[0-9a-fA-F]{32}$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export interface Survey {
  readonly strings: readonly UserString[];
  /** Indexes into `strings`, ascending. */
  readonly ciphertexts: readonly number[];
  readonly plainLists: readonly number[];
  /** First index of each mark that is there. */
  readonly marks: ReadonlyMap<Mark, number>;
}

/** One pass over the heap. */
export function surveyStrings(strings: readonly UserString[]): Survey {
  const ciphertexts: number[] = [];
  const plainLists: number[] = [];
  const marks = new Map<Mark, number>();
  for (let i = 0; i < strings.length; i++) {
    const text = (strings[i] as UserString).text.value;
    if (text.length <= MAX_MARK && MARK_SET.has(text) && !marks.has(text as Mark)) marks.set(text as Mark, i);
    else if (text.includes(":")) {
      if (plainLists.length < MAX_CANDIDATES && parseC2List(text, false) !== undefined) plainLists.push(i);
    } else if (ciphertexts.length < MAX_CANDIDATES && isC2Ciphertext(text)) ciphertexts.push(i);
  }
  return { strings, ciphertexts, plainLists, marks };
}

/** True when the SOAP header of RedLine's requests is there: `Authorization` in namespace `ns1`. */
export function hasSoapHeader({ marks }: Survey): boolean {
  return marks.has("Authorization") && marks.has("ns1");
}

/** The value of that header: 32 hex digits, loaded right before the header's name. */
export function authorizationToken(survey: Survey): Found<string> | undefined {
  const at = survey.marks.get("Authorization");
  if (at === undefined || !survey.marks.has("ns1")) return undefined;
  const before = survey.strings[at - 1]?.text;
  if (before !== undefined && TOKEN.test(before.value)) return before;
  // An equal text met earlier in the code is stored once, earlier; then only a lone candidate is sure.
  const others = survey.strings.filter(({ text }) => TOKEN.test(text.value));
  return others.length === 1 ? others[0]?.text : undefined;
}

/** #US entries, length and UTF-16LE text, of the marks that no other program has beside each other. */
const LOOSE_MARKS = needleSet(
  (["Authorization", "Yandex\\YaAddon"] as const).map((mark) => {
    const text = utf16leBytes(mark);
    return concatBytes(Uint8Array.of(text.length + 1), text);
  }),
);

/**
 * Entries around the family's marks in bytes without metadata: a heap in a region whose headers are gone. Offsets
 * are those in the view.
 */
export function looseUserStrings(view: View): readonly UserString[] {
  for (const hits of findNeedles(view.bytes, LOOSE_MARKS)) {
    for (const at of hits) {
      const entries = entriesFrom(view, tokenBefore(view, at) ?? at);
      if (entries.length > 2) return entries;
    }
  }
  return [];
}

/** Offset of the entry that ends at `at`, when it is a token. */
function tokenBefore(view: View, at: number): number | undefined {
  const length = 2 * 32 + 1;
  const start = at - 1 - length;
  const text = view.sub(start + 1, length - 1);
  if (text === undefined || view.u8(start) !== length) return undefined;
  return TOKEN.test(utf16le(text.bytes)) ? start : undefined;
}

function entriesFrom(view: View, start: number): readonly UserString[] {
  const entries: UserString[] = [];
  let at = start;
  while (entries.length < MAX_LOOSE_ENTRIES) {
    const first = view.u8(at);
    if (first === undefined || first >= 0xc0) break;
    const size = first < 0x80 ? 1 : 2;
    const length = size === 1 ? first : (view.u16be(at) ?? 0) & 0x3fff;
    const text = length % 2 === 1 ? view.sub(at + size, length - 1) : undefined;
    if (text === undefined || (view.u8(at + size + length - 1) ?? 2) > 1) break;
    entries.push({ offset: at, text: { value: utf16le(text.bytes), at: [text.span()] } });
    at += size + length;
  }
  return entries;
}

/** Names that the contracts of MetaStealer, which grew out of RedLine's code, have where RedLine has Entity and Id. */
const META_STEALER = ["MSValue1", "MSObject1"].map(latin1Bytes);
/** `Name = "Id1"` and `Name = "Entity1"` of its contracts, as a custom attribute's blob has them. */
const CONTRACT = ["T\x0e\x04Name\x03Id1", "T\x0e\x04Name\x07Entity1"].map(latin1Bytes);
/** Data contract namespace of the builds before names were cut to Entity and Id. */
const OLD_CONTRACT = latin1Bytes("BrowserExtension");
const WCF = latin1Bytes("ChannelFactory");

export interface Contracts {
  /** The program talks WCF (System.ServiceModel). */
  readonly wcf: boolean;
  readonly redline: boolean;
  readonly metaStealer: boolean;
}

export const NO_CONTRACTS: Contracts = { wcf: false, redline: false, metaStealer: false };

/** What the names in a module's metadata say of its SOAP contracts. */
export function contractsOf(streams: readonly { readonly name: string; readonly view: View }[]): Contracts {
  const holds = (needle: Uint8Array) => streams.some(({ view }) => indexOf(view.bytes, needle) >= 0);
  if (!holds(WCF)) return NO_CONTRACTS;
  return {
    wcf: true,
    redline: CONTRACT.every(holds) || holds(OLD_CONTRACT),
    metaStealer: META_STEALER.some(holds),
  };
}
