/** All families' traces over one window of memory: one search for every anchor, then whoever has a hit is asked. */
import { type AnchorSet, anchorSet, findAnchors, type View } from "../bytes/index.ts";
import type { Finding, Ledger } from "../model/index.ts";
import type { Family, Traces } from "./family.ts";

interface Member {
  readonly family: string;
  readonly traces: Traces;
  /** Of its first anchor in the set. */
  readonly first: number;
}

/** Compiled once of all families. */
export interface TraceSet {
  readonly anchors: AnchorSet;
  readonly members: readonly Member[];
  /** Windows must overlap by so many bytes for a config to lie wholly in one. */
  readonly reach: number;
}

export function traceSet(families: readonly Family[]): TraceSet {
  const members: Member[] = [];
  let first = 0;
  for (const { id, traces } of families) {
    if (traces === undefined) continue;
    members.push({ family: id, traces, first });
    first += traces.anchors.length;
  }
  return {
    anchors: anchorSet(members.flatMap(({ traces }) => traces.anchors)),
    members,
    reach: Math.max(0, ...members.map(({ traces }) => traces.reach)),
  };
}

/** A window of memory that is no image, or whose image nobody could read. */
export interface TraceWindow {
  readonly view: View;
  /** Virtual address of byte 0; undefined when nobody knows. */
  readonly address?: number;
  /** True when memory begins at byte 0. */
  readonly opens?: boolean;
  readonly ledger: Ledger;
}

export interface TraceReading {
  readonly findings: readonly Finding[];
  /** Families an anchor of which stands there more often than is kept: configs behind those places were not looked for. */
  readonly cut: readonly string[];
}

/** Plain configs in a window, all `heuristic`. */
export function readTraces(set: TraceSet, { view, address, opens, ledger }: TraceWindow): TraceReading {
  const { offsets, cut } = findAnchors(view.bytes, set.anchors);
  const findings: Finding[] = [];
  const cutFamilies: string[] = [];
  for (const { family, traces, first } of set.members) {
    const end = first + traces.anchors.length;
    const hits = offsets.slice(first, end);
    if (cut.some((anchor) => anchor >= first && anchor < end)) cutFamilies.push(family);
    if (hits.every((places) => places.length === 0)) continue;
    findings.push(...traces.read({ view, address, opens: opens ?? false, hits, ledger }));
  }
  return { findings, cut: cutFamilies };
}
