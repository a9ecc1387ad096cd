/** One sample, through all its layers: identify → match → extract → peel, until nothing is left inside. */
import type { ArtifactId } from "../bytes/index.ts";
import type { Family } from "../families/family.ts";
import type { ImageHint } from "../formats/index.ts";
import { indicatorsOf } from "../indicators/index.ts";
import { Budget, DEFAULT_LIMITS, type Limits } from "../layers/budget.ts";
import type { Layer } from "../layers/layer.ts";
import { type Finding, Ledger, type Reason, type Sample } from "../model/index.ts";
import { embedEvidence, number, type Seen } from "./artifacts.ts";
import { foldFindings } from "./fold.ts";
import { type Identified, identify, look } from "./look.ts";
import { budgetReasons, imageReasons, outcomeOf, tidyReasons } from "./outcome.ts";
import { nearbyText, open, peel } from "./peel.ts";
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
  /** The user's own, tried before the field's usual ones. */
  readonly passwords?: readonly string[];
  /** Told before each artifact is looked at and before it is peeled, so that a watchdog knows what was under way. */
  readonly onStage?: (stage: string) => void;
  /** With `allArtifacts`: given the bytes of each, at the end, under its number in the report. */
  readonly onArtifact?: (id: ArtifactId, bytes: Uint8Array) => void;
  /** Given what is known so far whenever a finding is added: what remains if the rest never ends. */
  readonly onPartial?: (sample: Sample) => void;
}

interface Item {
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

const HOLDS_ITSELF: Reason = {
  stage: "peel",
  code: "holds-itself",
  text: "unpacks to its own bytes again, and is not followed",
};

/** Everything known of a sample while it is being taken apart. */
interface State {
  readonly ledger: Ledger;
  readonly budget: Budget;
  readonly seen: Map<ArtifactId, Seen>;
  /** SHA-256 of each artifact, once it was asked for. */
  readonly hashes: Map<ArtifactId, string>;
  readonly findings: Finding[];
  readonly identified: Set<string>;
  readonly rules: Set<string>;
  readonly reasons: Reason[];
  /** Something inside was reached and looked at. */
  opened: boolean;
}

/** Analyses the bytes of one sample. `names`: every path that holds them. Throws only on a bug of ours. */
export async function analyse(
  bytes: Uint8Array,
  names: readonly string[],
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions = {},
): Promise<Sample> {
  const started = ports.now();
  const head = {
    sha256: ports.digest("sha256", bytes),
    sha1: ports.digest("sha1", bytes),
    md5: ports.digest("md5", bytes),
    size: bytes.length,
    names: [...names],
  };
  const state: State = {
    ledger: new Ledger(bytes),
    budget: new Budget(options.limits ?? DEFAULT_LIMITS),
    seen: new Map(),
    hashes: new Map([[0, head.sha256]]),
    findings: [],
    identified: new Set(),
    rules: new Set(),
    reasons: [],
    opened: false,
  };
  const sample = (): Sample => finish(head, state, kit.families, ports, options, ports.now() - started);
  const hashes = new Set<string>([head.sha256]);
  const queue: Item[] = [
    { id: 0, depth: 0, kind: "sample", name: names[0], hint: undefined, nearby: "", subject: 0 },
  ];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
    const before = state.findings.length;
    for (const inner of await takeApart(item, state, kit, ports, options)) {
      const view = state.ledger.entries[inner.id]?.view;
      const hash = view === undefined ? "" : sha256Of(inner.id, view.bytes, state, ports);
      if (hash === state.hashes.get(item.id)) state.reasons.push(HOLDS_ITSELF);
      // The same bytes again: nothing new can come of them.
      if (hashes.has(hash)) continue;
      hashes.add(hash);
      queue.push(inner);
    }
    if (state.findings.length > before) options.onPartial?.(sample());
  }
  const whole = sample();
  if (options.onArtifact !== undefined) {
    for (const entry of state.ledger.entries) options.onArtifact(entry.id, entry.view.bytes);
  }
  return whole;
}

/**
 * Looks at one artifact, keeps what it shows, and gives what is inside it. An archive is its members: once they are
 * out, its bytes are not searched for what they hold anyway.
 */
async function takeApart(
  item: Item,
  state: State,
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions,
): Promise<Item[]> {
  const { ledger, budget } = state;
  const entry = ledger.entries[item.id];
  if (entry === undefined) throw new Error(`no artifact ${item.id}`);
  const what = [...ledger.chain(item.id), item.name ?? item.kind].join(" → ");
  options.onStage?.(`identifying ${what}`);
  const identified = identify(entry.view, item.hint);
  const { image, format } = identified;
  state.seen.set(item.id, { format, layout: image.layout, base: image.base, name: item.name });
  const input = { image, format, name: item.name, ledger, budget };
  const words = { given: options.passwords ?? [], nearby: item.nearby };
  options.onStage?.(`opening ${what}`);
  let peeled = await open(identified, input, ports, words);
  state.reasons.push(...peeled.reasons);
  if (peeled.inner.length === 0) {
    options.onStage?.(`looking at ${what}`);
    search(item, identified, state, kit, ports);
    options.onStage?.(`peeling ${what}`);
    peeled = peel(input, kit.layers);
    state.reasons.push(...peeled.reasons);
  }
  if (peeled.inner.length === 0) return [];
  if (item.depth >= budget.limits.depth) {
    budget.cut("depth");
    return [];
  }
  state.opened = true;
  const hasFiles = peeled.inner.some((inner) => inner.kind === "member");
  const nearby = hasFiles ? nearbyText(identified, peeled.inner) : item.nearby;
  return peeled.inner.map((inner) => ({
    id: inner.view.artifact,
    depth: item.depth + 1,
    kind: inner.kind,
    name: inner.name,
    hint: inner.hint,
    nearby,
    subject: inner.kind === "member" ? inner.view.artifact : item.subject,
  }));
}

/** Rules and families on one artifact. */
function search(item: Item, identified: Identified, state: State, kit: Kit, ports: Ports): void {
  const looked = look(identified, kit.families, state.ledger, ports);
  for (const hit of looked.hits) state.rules.add(hit.rule);
  for (const family of looked.identified) state.identified.add(family);
  state.findings.push(...looked.findings.map((finding) => ({ ...finding, subject: item.subject })));
  state.reasons.push(...looked.reasons);
  if (item.depth === 0)
    state.reasons.push(
      ...imageReasons(identified.image, identified.format, identified.container !== undefined),
    );
}

function sha256Of(id: ArtifactId, bytes: Uint8Array, state: State, ports: Ports): string {
  const known = state.hashes.get(id) ?? ports.digest("sha256", bytes);
  state.hashes.set(id, known);
  return known;
}

/** What is known so far, as a report's sample. */
function finish(
  head: Pick<Sample, "sha256" | "sha1" | "md5" | "size" | "names">,
  state: State,
  families: readonly Family[],
  ports: Ports,
  options: AnalyseOptions,
  elapsedMs: number,
): Sample {
  const folded = foldFindings(state.findings, state.ledger);
  const found = new Set(folded.map((finding) => finding.family));
  const identified = [...state.identified].filter((family) => !found.has(family));
  const reasons = tidyReasons([...state.reasons, ...budgetReasons(state.budget)], state, folded);
  const sha256 = (id: ArtifactId, bytes: Uint8Array): string => sha256Of(id, bytes, state, ports);
  const evident = options.evidence ? embedEvidence(state.ledger, folded) : folded;
  const numbered = number(state.ledger, state.seen, evident, reasons, sha256, options.allArtifacts ?? false);
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
