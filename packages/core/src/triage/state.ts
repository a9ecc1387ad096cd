/** Everything known of a sample while it is being taken apart, and the report that it makes at any moment. */
import type { ArtifactId } from "../bytes/index.ts";
import type { Family } from "../families/family.ts";
import type { ImageHint } from "../formats/index.ts";
import { indicatorsOf } from "../indicators/index.ts";
import { Budget, DEFAULT_LIMITS, type Limits } from "../layers/budget.ts";
import type { Layer } from "../layers/layer.ts";
import type { Finding, Ledger, Reason, Sample } from "../model/index.ts";
import { embedEvidence, number, type Place, type Seen } from "./artifacts.ts";
import { foldFindings } from "./fold.ts";
import { mergeTraces } from "./merge-traces.ts";
import { budgetReasons, outcomeOf, tidyReasons } from "./outcome.ts";
import type { Ports } from "./ports.ts";

export interface Kit {
  readonly families: readonly Family[];
  readonly layers: readonly Layer[];
}

export interface AnalyseOptions {
  /** Embed the bytes of each span. */
  readonly evidence?: boolean;
  /** Report every artifact, also those that no finding stands on. */
  readonly allArtifacts?: boolean;
  readonly limits?: Limits;
  /** How the sample lies in its bytes, and where it lay, when it was cut out of memory. */
  readonly hint?: ImageHint;
  /** The user's own, tried before the field's usual ones. */
  readonly passwords?: readonly string[];
  /** Told before each artifact is looked at and before it is peeled, so that a watchdog knows what was under way. */
  readonly onStage?: (stage: string) => void;
  /** With `allArtifacts`: given the bytes of each, at the end, under its number in the report. */
  readonly onArtifact?: (id: ArtifactId, bytes: Uint8Array) => void;
  /** Given what is known so far whenever a finding is added: what remains if the rest never ends. */
  readonly onPartial?: (sample: Sample) => void;
}

/** What is known of a sample before it is opened. */
export type Head = Pick<Sample, "sha256" | "sha1" | "md5" | "size" | "names" | "memory">;

export interface Item {
  readonly id: ArtifactId;
  readonly depth: number;
  readonly kind: string;
  readonly name: string | undefined;
  readonly hint: ImageHint | undefined;
  /** Text that came with it: the mail it was attached to, a note beside it. */
  readonly nearby: string;
  /** The file this belongs to: itself, when it is the sample or an archive's member. */
  readonly subject: ArtifactId;
}

export interface State {
  readonly ledger: Ledger;
  readonly budget: Budget;
  readonly seen: Map<ArtifactId, Seen>;
  /** SHA-256 of each artifact, once it was asked for. */
  readonly hashes: Map<ArtifactId, string>;
  readonly findings: Finding[];
  readonly identified: Set<string>;
  readonly rules: Set<string>;
  readonly reasons: Reason[];
  /** Where artifacts of a memory image lay. */
  readonly places: Map<ArtifactId, Place>;
  /** Something inside was reached and looked at. */
  opened: boolean;
}

export function newState(ledger: Ledger, sha256: string, options: AnalyseOptions): State {
  return {
    ledger,
    budget: new Budget(options.limits ?? DEFAULT_LIMITS),
    seen: new Map(),
    hashes: new Map([[0, sha256]]),
    findings: [],
    identified: new Set(),
    rules: new Set(),
    reasons: [],
    places: new Map(),
    opened: false,
  };
}

export function sha256Of(id: ArtifactId, bytes: Uint8Array, state: State, ports: Ports): string {
  const known = state.hashes.get(id) ?? ports.digest("sha256", bytes);
  state.hashes.set(id, known);
  return known;
}

/** What is known so far, as a report's sample. */
export function finish(
  head: Head,
  state: State,
  families: readonly Family[],
  ports: Ports,
  options: AnalyseOptions,
  elapsedMs: number,
): Sample {
  const folded = mergeTraces(foldFindings(state.findings, state.ledger));
  const found = new Set(folded.map((finding) => finding.family));
  const identified = [...state.identified].filter((family) => !found.has(family));
  const reasons = tidyReasons([...state.reasons, ...budgetReasons(state.budget)], state, folded);
  const sha256 = (id: ArtifactId, bytes: Uint8Array): string => sha256Of(id, bytes, state, ports);
  const evident = options.evidence ? embedEvidence(state.ledger, folded) : folded;
  const numbered = number(state.ledger, state, evident, reasons, sha256, options.allArtifacts ?? false);
  return {
    ...head,
    format: state.seen.get(0)?.format ?? "unknown",
    outcome: outcomeOf(folded, identified, reasons, head.size ?? 0),
    families: [...found, ...identified],
    findings: numbered.findings,
    indicators: numbered.findings.flatMap((finding) =>
      indicatorsOf(finding, families.find((family) => family.id === finding.family)?.defaults ?? {}),
    ),
    artifacts: numbered.artifacts,
    reasons: numbered.reasons,
    rules: [...state.rules],
    elapsedMs: Math.round(elapsedMs * 100) / 100,
  };
}
