/** What was found stays with its bytes; of a window or an image without findings only words remain. */
import type { ArtifactId, Span } from "../../bytes/index.ts";
import type { Finding, Ledger } from "../../model/index.ts";
import type { State } from "../state.ts";

const RANK: Readonly<Record<Finding["confidence"], number>> = { proved: 2, structural: 1, heuristic: 0 };
/** Further places named of one config. */
const MAX_ALSO = 256;

/** What makes two findings of one dump the same config. */
function keyOf(finding: Finding): string {
  return JSON.stringify([finding.family, finding.version ?? "", [...finding.c2].sort()]);
}

export class Places {
  readonly #state: State;
  /** Known configs: index among the state's findings, and where else each stands. */
  readonly #configs = new Map<string, { index: number; readonly also: Span[] }>();

  constructor(state: State) {
    this.#state = state;
  }

  /**
   * Settles what came of the artifacts from number `mark` on, whose findings are those from `before` on. A config that
   * is known already is one more place of it. True when the artifacts stay.
   */
  settle(mark: ArtifactId, before: number): boolean {
    const { findings, ledger, seen, hashes, places } = this.#state;
    let stays = false;
    for (const finding of findings.splice(before)) {
      const key = keyOf(finding);
      const known = this.#configs.get(key);
      const kept = known === undefined ? undefined : (findings[known.index] as Finding);
      if (known !== undefined && kept !== undefined && !isBetter(finding, kept)) {
        this.#note(known.also, finding);
        continue;
      }
      stays = true;
      if (known === undefined || kept === undefined) {
        this.#configs.set(key, { index: findings.push(finding) - 1, also: [] });
        continue;
      }
      this.#note(known.also, kept);
      findings[known.index] = finding;
    }
    for (const { index, also } of this.#configs.values()) {
      if (also.length === 0) continue;
      const finding = findings[index] as Finding;
      // The window and the image that was taken out of it show the same bytes: that is one place.
      const own = this.#placeOf(finding);
      const others = also.filter(({ offset }) => offset !== own?.offset);
      if (others.length > 0) findings[index] = { ...finding, also: others };
    }
    if (stays) return true;
    this.#pointAtSample(mark);
    for (let id = mark; id < ledger.entries.length; id++)
      for (const map of [seen, hashes, places]) map.delete(id);
    ledger.forget(mark);
    return false;
  }

  #note(also: Span[], finding: Finding): void {
    if (also.length >= MAX_ALSO) return;
    const place = this.#placeOf(finding);
    const isKnown = also.some((one) => one.offset === place?.offset);
    if (place !== undefined && !isKnown) also.push(place);
  }

  /** Where in the sample the finding's first piece of evidence comes from. */
  #placeOf(finding: Finding): Span | undefined {
    const first = finding.evidence[0]?.at[0];
    return first === undefined ? undefined : inSample(first, this.#state.ledger)[0];
  }

  /** Reasons that speak of artifacts about to go speak of the sample's own bytes instead. */
  #pointAtSample(mark: ArtifactId): void {
    const { reasons, ledger } = this.#state;
    reasons.forEach((reason, index) => {
      if (reason.at?.some((span) => span.artifact >= mark))
        reasons[index] = { ...reason, at: reason.at.flatMap((span) => inSample(span, ledger)) };
    });
  }
}

function isBetter(a: Finding, b: Finding): boolean {
  const gain = RANK[a.confidence] - RANK[b.confidence] || a.evidence.length - b.evidence.length;
  return gain > 0;
}

/** The bytes of the sample that a span was made of: the very ones where nothing was decoded in between. */
function inSample(span: Span, ledger: Ledger): Span[] {
  const entry = ledger.entries[span.artifact];
  if (span.artifact === 0 || entry === undefined) return [span];
  if (entry.steps.length > 0) return entry.from.flatMap((from) => inSample(from, ledger));
  const found: Span[] = [];
  let start = 0;
  for (const from of entry.from) {
    const low = Math.max(span.offset, start);
    const high = Math.min(span.offset + span.length, start + from.length);
    if (low < high)
      found.push(...inSample({ ...from, offset: from.offset + low - start, length: high - low }, ledger));
    start += from.length;
  }
  return found;
}

/** The surest first. */
export function byWorth(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => RANK[b.confidence] - RANK[a.confidence]);
}
