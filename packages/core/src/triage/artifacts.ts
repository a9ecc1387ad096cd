/** From the ledger's working list to the report's: only what a finding stands on, numbered anew. */
import type { ArtifactId, Span } from "../bytes/index.ts";
import type { Layout } from "../formats/address-space.ts";
import type { MemoryRegion } from "../formats/memory/index.ts";
import type { Artifact, Evidence, Finding, Ledger, LedgerEntry, Reason, Step } from "../model/index.ts";

/** Bytes shown on either side of a span in embedded evidence. */
const EVIDENCE_MARGIN = 64;
/** Longest span whose bytes are embedded; a longer one shows its head. */
const EVIDENCE_LIMIT = 4096;

/** The sample and every artifact that findings refer to, with all their ancestors, ascending. */
function reachable(ledger: Ledger, findings: readonly Finding[], reasons: readonly Reason[]): LedgerEntry[] {
  const wanted = new Set<ArtifactId>([0]);
  const visit = (id: ArtifactId): void => {
    const entry = ledger.entries[id];
    if (entry === undefined || wanted.has(id)) return;
    wanted.add(id);
    for (const span of spansOfEntry(entry)) visit(span.artifact);
  };
  for (const finding of findings) {
    visit(finding.artifact);
    visit(finding.subject);
    for (const span of spansOfFinding(finding)) visit(span.artifact);
  }
  for (const reason of reasons) for (const span of reason.at ?? []) visit(span.artifact);
  return ledger.entries.filter((entry) => wanted.has(entry.id));
}

function spansOfEntry(entry: LedgerEntry): readonly Span[] {
  return [...entry.from, ...entry.steps.flatMap((step) => step.at ?? [])];
}

function spansOfFinding(finding: Finding): Span[] {
  return [
    ...finding.evidence.flatMap((evidence) => evidence.at),
    ...finding.reasons.flatMap((reason) => reason.at ?? []),
    ...(finding.also ?? []),
  ];
}

/** Findings, reasons and artifacts of a sample with one common numbering. */
export interface Numbered {
  readonly artifacts: Artifact[];
  readonly findings: Finding[];
  readonly reasons: Reason[];
}

/** What was learnt of an artifact by looking at it. */
export interface Seen {
  readonly format: string;
  readonly layout: Layout;
  readonly base: number;
  readonly name: string | undefined;
}

/** Where an artifact of a memory image lay. */
export interface Place {
  /** Of its first byte. */
  readonly address: bigint;
  /** The regions that it runs through, with the offset in it at which each begins; negative when it begins before. */
  readonly parts: readonly { readonly start: number; readonly region: MemoryRegion }[];
}

/** Regions named of one artifact. */
const MAX_REGIONS = 16;

/** Keeps the artifacts that matter (or all) and rewrites every span to their new numbers. */
export function number(
  ledger: Ledger,
  {
    seen,
    places,
  }: { readonly seen: ReadonlyMap<ArtifactId, Seen>; readonly places: ReadonlyMap<ArtifactId, Place> },
  findings: readonly Finding[],
  reasons: readonly Reason[],
  sha256: (id: ArtifactId, bytes: Uint8Array) => string,
  all: boolean,
): Numbered {
  const kept = all ? ledger.entries : reachable(ledger, findings, reasons);
  const numbers = new Map(kept.map((entry, index) => [entry.id, index]));
  const move = (spans: readonly Span[]): Span[] =>
    spans.map((span) => ({ ...span, artifact: numbers.get(span.artifact) ?? 0 }));
  const moveReason = (reason: Reason): Reason =>
    reason.at === undefined ? reason : { ...reason, at: move(reason.at) };
  const moveStep = (step: Step): Step => (step.at === undefined ? step : { ...step, at: move(step.at) });
  const describe = (entry: LedgerEntry, id: number): Artifact => {
    const last = entry.steps.at(-1);
    const known = seen.get(entry.id);
    const place = places.get(entry.id);
    return {
      id,
      kind: entry.kind,
      ...(entry.source === undefined ? {} : { label: entry.source }),
      ...(entry.id === 0 || known?.name === undefined ? {} : { name: known.name }),
      ...(last === undefined ? {} : { by: last.op }),
      ...(entry.id === 0 ? {} : { from: move(entry.from), steps: entry.steps.map(moveStep) }),
      sha256: sha256(entry.id, entry.view.bytes),
      size: entry.size,
      format: known?.format ?? "data",
      ...(known === undefined ? {} : { layout: known.layout, base: known.base }),
      ...(place === undefined ? {} : { memory: memoryOf(place, entry.id, findings) }),
    };
  };
  return {
    artifacts: kept.map(describe),
    findings: findings.map((finding) => ({
      ...finding,
      artifact: numbers.get(finding.artifact) ?? 0,
      subject: numbers.get(finding.subject) ?? 0,
      evidence: finding.evidence.map((evidence) => ({ ...evidence, at: move(evidence.at) })),
      reasons: finding.reasons.map(moveReason),
      ...(finding.also === undefined ? {} : { also: move(finding.also) }),
    })),
    reasons: reasons.map(moveReason),
  };
}

/** The regions that hold evidence in the artifact; where there is none, its first. */
function memoryOf(
  { address, parts }: Place,
  id: ArtifactId,
  findings: readonly Finding[],
): Artifact["memory"] {
  const spans = findings.flatMap(spansOfFinding).filter((span) => span.artifact === id);
  const holds = ({ start, region }: Place["parts"][number]): boolean =>
    spans.some((span) => span.offset < start + region.size && span.offset + span.length > start);
  const holding = parts.filter(holds);
  return {
    address: hexAddress(address),
    regions: (holding.length > 0 ? holding : parts).slice(0, MAX_REGIONS).map(({ region }) => ({
      address: hexAddress(region.address),
      size: region.size,
      ...(region.protection === undefined ? {} : { protection: region.protection }),
      ...(region.type === undefined ? {} : { type: region.type }),
      ...(region.module === undefined ? {} : { module: region.module }),
    })),
  };
}

export function hexAddress(address: bigint): string {
  return `0x${address.toString(16)}`;
}

/** Adds to each evidence the bytes of its spans, so that it can be checked without the sample. */
export function embedEvidence(ledger: Ledger, findings: readonly Finding[]): Finding[] {
  const toHex = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const embed = (evidence: Evidence): Evidence => ({
    ...evidence,
    bytes: evidence.at.map((span) => {
      const view = ledger.entries[span.artifact]?.view;
      const from = Math.max(0, span.offset - EVIDENCE_MARGIN);
      const part = (start: number, end: number): string =>
        view === undefined || end <= start ? "" : toHex(view.clip(start, end - start).bytes);
      const end = span.offset + Math.min(span.length, EVIDENCE_LIMIT);
      return {
        before: part(from, span.offset),
        bytes: part(span.offset, end),
        after: part(end, end + EVIDENCE_MARGIN),
      };
    }),
  });
  return findings.map((finding) => ({ ...finding, evidence: finding.evidence.map(embed) }));
}
