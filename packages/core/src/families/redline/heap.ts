/** What a heap of the CLR holds of RedLine: one pass over its strings, apart for each process that they are of. */
import type { View } from "../../bytes/index.ts";
import { type ClrString, clrStrings } from "../engines/clr-strings.ts";
import { type C2, parseC2List } from "./c2-list.ts";
import { isC2Ciphertext } from "./decrypt.ts";
import { isToken } from "./user-strings.ts";

/** `net.tcp://host:port/`, which the client's channel is opened with; SOAP over HTTP in the first years. */
const ADDRESS = /^(net\.tcp|http):\/\/([^\s/|]{4,260})\/?$/;
/** Actions of the contract of builds since names were cut to Entity and Id. */
const ACTION = /^http:\/\/tempuri\.org\/Entity\/Id\d{1,2}(?:Response)?$/;
/** MetaStealer, which has the same client, names its contracts so. */
const META_STEALER = /^(?:http:\/\/tempuri\.org\/)?MS(?:Value|Object)\d/;

/** Strings on either side of one that are looked at with it: literals of one method are allocated together. */
const NEIGHBOURS = 4;
/** Kept of each kind and process. */
const MAX_KEPT = 64;
/** Processes' strings in one window: garbage that passes for a header may look like more. */
const MAX_PROCESSES = 64;

/** One `host:port` with its place in the string that it was read from. */
export interface Listed {
  readonly text: ClrString;
  readonly entries: readonly C2[];
}

export interface Address extends Listed {
  readonly scheme: "tcp" | "http";
}

export interface Heap {
  readonly addresses: Address[];
  /** Strings that are nothing but `host:port|host:port`. */
  readonly lists: Listed[];
  readonly actions: Map<string, ClrString>;
  /** What may be an encrypted list, with the strings around it, in their order; `at` is its index among them. */
  readonly sealed: { readonly text: ClrString; readonly around: ClrString[]; readonly at: number }[];
  /** 32 hex digits among the literals of the SOAP header. */
  token: ClrString | undefined;
  isMetaStealer: boolean;
}

/** True for a string that is a whole address or action: worth a look at the other strings of its process. */
export function isTelling({ value }: ClrString): boolean {
  return ADDRESS.test(value) || ACTION.test(value);
}

/** The heaps that lie in the view with their strings at these places modulo 4. */
export function surveyHeaps(view: View, phases: Iterable<number>): readonly Heap[] {
  const heaps = new Map<string, { readonly heap: Heap; readonly recent: ClrString[] }>();
  for (const phase of phases)
    for (const string of clrStrings(view, 0, view.length, phase)) {
      let known = heaps.get(string.type);
      if (known === undefined) {
        if (heaps.size === MAX_PROCESSES) continue;
        known = { heap: emptyHeap(), recent: [] };
        heaps.set(string.type, known);
      }
      take(known.heap, string, known.recent);
      known.recent.push(string);
      if (known.recent.length > NEIGHBOURS) known.recent.shift();
    }
  return [...heaps.values()].map(({ heap }) => heap);
}

function emptyHeap(): Heap {
  const actions = new Map<string, ClrString>();
  return { addresses: [], lists: [], actions, sealed: [], token: undefined, isMetaStealer: false };
}

function take(heap: Heap, string: ClrString, recent: readonly ClrString[]): void {
  const text = string.value;
  for (let i = heap.sealed.length - 1; i >= 0; i--) {
    const { around, at } = heap.sealed[i] as Heap["sealed"][number];
    if (around.length > at + NEIGHBOURS) break;
    around.push(string);
  }
  if (isHeaderText(text) && [...recent, string].some(({ value }) => value === "Authorization"))
    heap.token ??= [...recent, string].find(({ value }) => isToken(value));
  const address = ADDRESS.exec(text);
  if (address !== null) {
    const [, scheme, place = ""] = address;
    const entries = parseC2List(place, false);
    const shift = text.indexOf(place);
    if (entries?.length === 1 && heap.addresses.length < MAX_KEPT)
      heap.addresses.push({
        scheme: scheme === "http" ? "http" : "tcp",
        text: string,
        entries: entries.map((entry) => ({ ...entry, offset: entry.offset + shift })),
      });
  } else if (ACTION.test(text)) {
    if (heap.actions.size < MAX_KEPT) heap.actions.set(text, string);
  } else if (META_STEALER.test(text)) heap.isMetaStealer = true;
  else if (text.includes(":")) {
    const entries = heap.lists.length < MAX_KEPT ? parseC2List(text, false) : undefined;
    if (entries !== undefined) heap.lists.push({ text: string, entries });
  } else if (heap.sealed.length < MAX_KEPT && isC2Ciphertext(text))
    heap.sealed.push({ text: string, around: [...recent, string], at: recent.length });
}

/** One of the three literals that make the header: `Authorization`, its namespace `ns1`, the token. */
function isHeaderText(text: string): boolean {
  return text === "Authorization" || text === "ns1" || isToken(text);
}
