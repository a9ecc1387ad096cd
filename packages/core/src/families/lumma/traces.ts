/**
 * Lumma in memory: a host is decrypted to the stack and gone again; what stays are WinHTTP's copies of it in UTF-16LE
 * and the requests in ASCII, whose bodies name the build (requests.ts). The process also holds what it steals, the
 * hosts of all its victim's accounts among it. So a host counts only near such a body, and there in both encodings or
 * as the Host of a form that is sent; a lone host is nothing.
 */
import type { Found, View } from "../../bytes/index.ts";
import { type Finding, FindingBuilder, type Ledger } from "../../model/index.ts";
import { hostKind } from "../engines/trace-hosts.ts";
import type { TraceInput, Traces } from "../family.ts";
import { type Address, endpointOf, readAddress } from "./address.ts";
import { DROP } from "./dead-drop.ts";
import { IDENTITY } from "./findings.ts";
import { type ClearText, FILE_SUFFIX, TARGETS, texts } from "./l0.ts";
import { BODY_ANCHORS, type Body, bodyAt, idElsewhere, requestsIn } from "./requests.ts";

/** Bytes between a body and the hosts that it is sent to: blocks of one connection lie close together. */
const REACH = 0x2000;
/** Bodies of one window that are looked at. */
const MAX_BODIES = 512;
/** Known builds have nine. */
const MAX_HOSTS = 16;

/** Builds of one window. */
const MAX_BUILDS = 4;

interface Host {
  readonly address: Address;
  readonly wide: Found<string>[];
  readonly narrow: Found<string>[];
  readonly requests: Found<string>[];
}

function read({ view, hits, ledger }: TraceInput): readonly Finding[] {
  const builds = new Map<string, Body[]>();
  let left = MAX_BODIES;
  for (const hit of hits.flat().sort((a, b) => a - b)) {
    if (left-- === 0) break;
    const body = bodyAt(view, hit);
    const known = body && builds.get(body.identifier.value);
    if (body === undefined || known?.at(-1)?.offset === body.offset) continue;
    if (known !== undefined) known.push(body);
    else if (builds.size < MAX_BUILDS) builds.set(body.identifier.value, [body]);
  }
  return [...builds.values()].flatMap((bodies) => report(view, bodies, ledger) ?? []);
}

/** Undefined when no host is told, or the bodies may be another program's. */
function report(view: View, bodies: readonly Body[], ledger: Ledger): Finding | undefined {
  const body = bodies.find(({ own }) => own) ?? bodies[0];
  if (body === undefined) return undefined;
  const elsewhere = body.own ? undefined : idElsewhere(view, body);
  if (!body.own && elsewhere === undefined) return undefined;
  const around = bodies.flatMap(({ offset, whole }) => near(view, offset, whole.value.length));
  const { hosts, drops } = hostsIn(view, joined(around));
  const told = hosts.filter(
    ({ wide, narrow, requests }) => requests.length > 0 || (wide.length > 0 && narrow.length > 0),
  );
  if (told.length === 0 || told.length > MAX_HOSTS) return undefined;

  const builder = new FindingBuilder(IDENTITY, "memory", view.artifact);
  for (const host of told) {
    for (const [places, as] of [
      [[...host.requests, ...host.narrow], "latin1"],
      [host.wide, "utf16le"],
    ] as const)
      if (places.length > 0)
        builder.endpoint(
          endpointOf(host.address, "https"),
          places.flatMap((place) => [...place.at]),
          { as },
        );
  }
  for (const drop of drops) {
    const address = readAddress(drop.value);
    if (address !== undefined)
      builder.endpoint(endpointOf(address, "https"), drop.found.at, { as: drop.wide ? "utf16le" : "latin1" });
  }
  builder.text("identifier", body.identifier, { as: "latin1" });
  if (body.tag !== undefined) builder.text("campaign_id", body.tag, { as: "latin1" });
  const request = told.some(({ requests }) => requests.length > 0);
  builder.reason(
    "memory-request",
    `A request's body of Lumma's form${elsewhere === undefined ? "" : ", its id as a string of its own elsewhere"}, and within ` +
      `0x${REACH.toString(16)} bytes ${request ? "a form posted to the host" : "the host in ASCII and in UTF-16LE"}`,
    [...body.whole.at, ...(elsewhere?.at ?? [])],
  );
  return builder.build("heuristic", ledger);
}

type Range = readonly [start: number, end: number];

function near(view: View, offset: number, length: number): Range[] {
  return [[Math.max(0, offset - REACH), Math.min(view.length, offset + length + REACH)]];
}

/** Ascending ranges made disjoint. */
function joined(ranges: readonly Range[]): readonly Range[] {
  const out: [number, number][] = [];
  for (const [start, end] of ranges) {
    const last = out.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}

/** Hosts that may be a C2, by name, with each place; and dead drops. */
function hostsIn(
  view: View,
  ranges: readonly Range[],
): { readonly hosts: readonly Host[]; readonly drops: readonly ClearText[] } {
  const hosts = new Map<string, Host>();
  const drops = new Map<string, ClearText>();
  const hostOf = (text: string): Host | undefined => {
    const address = readAddress(text);
    if (address === undefined || hostKind(address.host) !== "public") return undefined;
    if (TARGETS.test(address.host) || endpointOf(address, "https").usage !== "c2") return undefined;
    const name = address.host.toLowerCase();
    const known = hosts.get(name);
    // The text with a path says more than the host that WinHTTP was given.
    if (known !== undefined && (known.address.path !== undefined || address.path === undefined)) return known;
    const host = { ...(known ?? { wide: [], narrow: [], requests: [] }), address };
    hosts.set(name, host);
    return host;
  };
  for (const [start, end] of ranges) {
    for (const text of texts(view, [{ start, end, data: true }])) {
      if (DROP.test(text.value)) drops.set(text.value, text);
      else if (!FILE_SUFFIX.test(text.value))
        hostOf(text.value)?.[text.wide ? "wide" : "narrow"].push(text.found);
    }
    for (const { host } of requestsIn(view, start, end)) hostOf(host.value)?.requests.push(host);
  }
  return { hosts: [...hosts.values()], drops: [...drops.values()] };
}

export const traces: Traces = {
  anchors: BODY_ANCHORS,
  reach: 4 * REACH,
  read,
};
