/**
 * RedLine in memory: the client's address `net.tcp://host:port/`, the bare `host:port` it was put together from, and
 * the actions of its contract, `http://tempuri.org/Entity/Id1` and on, are strings on the heap of the CLR, as are the
 * literals of its code, among them the encrypted list beside its key. An address is taken when two of these say the
 * same, one of which only RedLine has. ID and Message are told only by the key.
 */
import { found, latin1, latin1Bytes, type Span, utf16leBytes, type View } from "../../bytes/index.ts";
import { type Finding, FindingBuilder, type Ledger } from "../../model/index.ts";
import { type ClrString, clrStringAt } from "../engines/clr-strings.ts";
import { hostKind } from "../engines/trace-hosts.ts";
import type { TraceInput, Traces } from "../family.ts";
import { type C2, parseC2List } from "./c2-list.ts";
import { decrypt, decryptSteps, isKey } from "./decrypt.ts";
import { type Address, type Heap, isTelling, type Listed, surveyHeaps } from "./heap.ts";
import { IDENTITY } from "./identity.ts";

/** What the address and the actions begin with; the actions in UTF-8 too, as WCF's binary encoding sends them. */
const ANCHORS = [
  utf16leBytes("net.tcp://"),
  utf16leBytes("http://tempuri.org/Entity/Id"),
  latin1Bytes("http://tempuri.org/Entity/Id"),
] as const;
const SENT = 2;

/** Different actions that make a fact: a program may have met one of somebody else's. */
const MIN_ACTIONS = 2;
/** Places in requests that are looked at. */
const MAX_SENT = 256;
/** Hits that are looked at to learn where strings lie modulo 4. */
const MAX_PROBES = 4096;
/** Facts about the same process may lie so far apart and more; its strings need not be near one another. */
const REACH = 0x40000;

function read({ view, hits, ledger }: TraceInput): readonly Finding[] {
  const phases = new Set<number>();
  for (const hit of hits.slice(0, SENT).flat().slice(0, MAX_PROBES)) {
    const string = clrStringAt(view, hit);
    if (string !== undefined && isTelling(string)) phases.add(hit & 3);
  }
  if (phases.size === 0) return [];
  const sent = sentActions(view, hits[SENT] ?? []);
  return surveyHeaps(view, phases).flatMap((heap) => report(view, heap, sent, ledger) ?? []);
}

/** Places of different actions in the requests themselves, or nothing when there are too few. */
function sentActions(view: View, hits: readonly number[]): readonly Span[] {
  const places = new Map<string, Span>();
  const length = (ANCHORS[SENT] as Uint8Array).length;
  for (const hit of hits.slice(0, MAX_SENT)) {
    const number = /^\d{1,2}(?:Response)?(?![\w"'])/.exec(
      latin1(view.bytes.subarray(hit + length, hit + length + 12)),
    )?.[0];
    if (number !== undefined) places.set(number, view.span(hit, length + number.length));
  }
  return places.size < MIN_ACTIONS ? [] : [...places.values()];
}

/** An encrypted list of the heap, opened by a string beside it. */
interface Opened {
  readonly list: ClrString;
  readonly key: ClrString;
  readonly entries: readonly C2[];
  readonly id: { readonly text: ClrString; readonly plain: string } | undefined;
}

function opened({ sealed }: Heap): Opened | undefined {
  for (const { text, around, at } of sealed)
    for (const key of around) {
      if (key === text || !isKey(key.value)) continue;
      const plain = decrypt(text.value, key.value);
      const entries = plain === undefined ? undefined : parseC2List(plain, true);
      if (entries === undefined) continue;
      const next = around[at + 1];
      const id = next === undefined || next === key ? undefined : decrypt(next.value, key.value);
      return {
        list: text,
        key,
        entries,
        id: next === undefined || id === undefined || id === "" ? undefined : { text: next, plain: id },
      };
    }
  return undefined;
}

const placeOf = ({ host, port }: C2): string => `${host.toLowerCase()}:${port}`;
const placesOf = (lists: readonly Listed[]): ReadonlySet<string> =>
  new Set(lists.flatMap(({ entries }) => entries.map(placeOf)));

/** Undefined when nothing else says what an address says, or nothing of RedLine's own does. */
function report(view: View, heap: Heap, sent: readonly Span[], ledger: Ledger): Finding | undefined {
  if (heap.isMetaStealer || heap.addresses.length === 0) return undefined;
  const open = opened(heap);
  const encrypted = new Set(open?.entries.map(placeOf));
  const listed = placesOf(heap.lists);
  const actions =
    heap.actions.size < MIN_ACTIONS ? sent : [...heap.actions.values()].flatMap(({ at }) => [...at]);
  const isLone = placesOf(heap.addresses).size === 1;
  const factsOf = (address: Address): readonly string[] => {
    const place = address.entries.map(placeOf)[0] ?? "";
    return [
      ...(listed.has(place) ? ["its host and port as a string of their own"] : []),
      ...(encrypted.has(place) ? ["an encrypted list of it that opens with a string beside it"] : []),
      ...(actions.length > 0 ? ["actions of RedLine's contract"] : []),
      ...(heap.token !== undefined ? ["the token of RedLine's header"] : []),
    ];
  };
  const addresses = heap.addresses.filter((address) => {
    const c2 = address.entries[0];
    if (c2 === undefined || hostKind(c2.host) !== "public") return false;
    const sealed = encrypted.has(placeOf(c2));
    const named = sealed || listed.has(placeOf(c2));
    // Of several addresses, or of those that any program may have, only what stands there twice.
    if (!named && (!isLone || address.scheme === "http")) return false;
    return (sealed || actions.length > 0) && factsOf(address).length >= 2;
  });
  const first = addresses[0];
  if (first === undefined) return undefined;

  const builder = new FindingBuilder(IDENTITY, "memory", view.artifact);
  const places = placesOf(addresses);
  const agrees = ({ entries }: { readonly entries: readonly C2[] }) =>
    entries.some((c2) => places.has(placeOf(c2)));
  for (const { text, entries } of [...addresses, ...heap.lists.filter(agrees)])
    for (const c2 of entries) addC2(builder, view, first.scheme, text, c2);
  if (open !== undefined && agrees(open)) addOpened(builder, open, ledger);
  if (heap.token !== undefined) builder.other("authorization_token", heap.token, UTF16);
  builder.reason(
    "memory-strings",
    `An address that a channel is opened with, on the heap of the CLR, and ${factsOf(first).join(", ")}`,
    [...addresses.flatMap(({ text }) => [...text.at]), ...actions],
  );
  return builder.build("heuristic", ledger);
}

const UTF16 = { as: "utf16le" } as const;

function addC2(builder: FindingBuilder, view: View, scheme: "tcp" | "http", text: ClrString, c2: C2): void {
  const at = [view.span(text.offset + 2 * c2.offset, 2 * c2.length)];
  const kind = hostKind(c2.host);
  if (kind === "public") builder.endpoint({ scheme, host: c2.host, port: c2.port, usage: "c2" }, at, UTF16);
  else builder.reason("host-not-taken", `${c2.host} is no C2 that memory alone can tell: ${kind}`, at);
}

function addOpened(builder: FindingBuilder, { key, id }: Opened, ledger: Ledger): void {
  builder.encryption({ algorithm: "xor", key: key.value, usage: "config" }, key.at, UTF16);
  const plain = id && ledger.derive(id.text.at, decryptSteps(key.value, key.at, 2), "string ID");
  if (id !== undefined && plain !== undefined)
    builder.text("campaign_id", found(id.plain, plain.span()), { as: "utf8" });
}

export const traces: Traces = { anchors: ANCHORS, reach: 2 * REACH, read };
