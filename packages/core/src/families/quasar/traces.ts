/**
 * Quasar in memory: its client decrypts all settings once, in Settings.Initialize, and keeps them as strings on the
 * heap of the CLR, where nothing names them. The host list, `host:port;host:port;` in one string, leads to them; that
 * it is Quasar's is told by what else the same process has on its heap (evidence.ts).
 *
 * Initialize decrypts in one order at all tags, the heap keeps the order of allocation even when it is compacted, and
 * decryption makes no other strings. So a run of strings that reads as that order names its fields; without it only
 * those are named whose form says what they are.
 *
 * Source: Settings.cs, AES.cs and Aes256.cs at all tags of github.com/quasar/Quasar.
 */
import { found, type Span, utf16leBytes } from "../../bytes/index.ts";
import { type Finding, FindingBuilder } from "../../model/index.ts";
import { type ClrString, clrStringAround, clrStrings, clrText } from "../engines/clr-strings.ts";
import { hostKind } from "../engines/trace-hosts.ts";
import type { TraceInput, Traces } from "../family.ts";
import type { TextName } from "./fields.ts";
import { type Evidence, OWN_TEXTS, VERSIONS, weigh } from "./heap-evidence.ts";
import { fieldsByForm, fieldsByLooseOrder, fieldsByOrder } from "./heap-fields.ts";
import { type HostEntry, locator, parseHosts } from "./hosts.ts";
import { IDENTITY } from "./identity.ts";
import { type Located, reportSettings } from "./report.ts";

/** Decrypting ten settings leaves some 100 KB between the first and the last; a compacted heap none. */
const CLUSTER = 0x40000;
/** Host lists looked at in one window; a client has one. */
const MAX_LISTS = 16;

const SEMICOLON = 0x3b;

/** A certificate's base64 begins `MII` and says its length next: from 512 bytes to 2 KB. */
const CERTIFICATES = ["MIIC", "MIID", "MIIE", "MIIF", "MIIG", "MIIH"];

function read(input: TraceInput): readonly Finding[] {
  const lists = hostLists(input);
  return lists.flatMap((list) => {
    const { offset, type } = list.string;
    const cluster = [...clrStrings(input.view, offset - CLUSTER, offset + CLUSTER, offset & 3)];
    return (
      report(
        input,
        list,
        cluster.filter((string) => string.type === type),
      ) ?? []
    );
  });
}

interface FoundList {
  readonly string: ClrString;
  readonly hosts: readonly HostEntry[];
}

/** Strings of nothing but `host:port;`, within reach of an anchor; each text once. */
function hostLists({ view, hits }: TraceInput): readonly FoundList[] {
  const lists = new Map<string, FoundList>();
  const { bytes } = view;
  for (const [start, end] of around(hits, CLUSTER, bytes.length)) {
    for (
      let at = bytes.indexOf(SEMICOLON, start);
      at >= 0 && at < end;
      at = bytes.indexOf(SEMICOLON, at + 1)
    ) {
      // `;` as a last character, behind a digit.
      if (bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) continue;
      const digit = bytes[at - 2] as number;
      if (bytes[at - 1] !== 0 || digit < 0x30 || digit > 0x39) continue;
      const string = clrStringAround(view, at);
      if (string === undefined || lists.has(`${string.type} ${string.value}`)) continue;
      const place = view.clip(string.offset, 2 * string.value.length);
      const { hosts, rejected } = parseHosts(string.value, locator(string.value, place, "utf16le"));
      if (hosts.length === 0 || rejected.length > 0) continue;
      lists.set(`${string.type} ${string.value}`, { string, hosts });
      if (lists.size === MAX_LISTS) return [...lists.values()];
    }
  }
  return [...lists.values()];
}

/** What lies within `reach` of a hit, ascending and disjoint. */
function around(hits: TraceInput["hits"], reach: number, length: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (const hit of hits.flat().sort((a, b) => a - b)) {
    const end = Math.min(length, hit + reach);
    const last = ranges.at(-1);
    if (last !== undefined && hit - reach <= last[1]) last[1] = end;
    else ranges.push([Math.max(0, hit - reach), end]);
  }
  return ranges;
}

/** Undefined when the list holds no public host, or too little else is Quasar's. */
function report(
  { view, ledger }: TraceInput,
  { string, hosts }: FoundList,
  cluster: readonly ClrString[],
): Finding | undefined {
  const taken = hosts.filter(({ host }) => hostKind(host) === "public");
  if (taken.length === 0) return undefined;
  const ordered = fieldsByOrder(cluster, string);
  const fields = ordered ?? fieldsByLooseOrder(cluster, string) ?? fieldsByForm(cluster);
  const before = cluster[cluster.findIndex(({ offset }) => offset === string.offset) - 1];
  const evidence = weigh(cluster, fields.get("VERSION") ?? before, fields.has("VERSION"));
  if (evidence === undefined) return undefined;

  const builder = new FindingBuilder(IDENTITY, "memory", view.artifact);
  for (const { host, port, at } of taken)
    builder.endpoint({ scheme: "tcp", host, port, usage: "c2" }, [at], { as: "utf16le" });
  for (const { host, at } of hosts)
    if (hostKind(host) !== "public")
      builder.reason("host-not-taken", `${host} is no C2 that memory alone can tell: ${hostKind(host)}`, [
        at,
      ]);
  const texts = new Map<TextName, Located>();
  for (const [name, text] of fields)
    texts.set(name, {
      ...found(text.value, ...text.at),
      as: "utf16le",
      view: view.clip(text.offset, 2 * text.value.length),
    });
  reportSettings(builder, { texts, bools: new Map(), ints: new Map(), folder: undefined }, ledger);
  const key = texts.get("ENCRYPTIONKEY");
  if (key !== undefined) builder.other("ENCRYPTIONKEY", key, { as: "utf16le" });
  sayWhy(builder, string, evidence, ordered !== undefined);
  return builder.build("heuristic", ledger);
}

function sayWhy(builder: FindingBuilder, list: ClrString, { facts }: Evidence, inOrder: boolean): void {
  const at: Span[] = [...list.at, ...facts.flatMap((fact) => [...fact.at])];
  builder.reason(
    "memory-strings",
    `A host list on the heap of the CLR and, among the strings of the same type beside it, ${facts
      .map((fact) => fact.what)
      .join(", ")}. No key proves them`,
    at,
  );
  builder.reason(
    inOrder ? "told-by-order" : "told-by-form",
    inOrder
      ? "the order in which the client decrypts its settings tells which string is which"
      : "other strings stand between the settings, or they are in another order: only those are named whose form tells them",
  );
}

export const traces: Traces = {
  anchors: [
    ...[...VERSIONS, ...OWN_TEXTS].map(clrText),
    utf16leBytes("QSR_MUTEX_"),
    ...CERTIFICATES.map((text) => utf16leBytes(text)),
  ],
  reach: 2 * CLUSTER,
  read,
};
