/**
 * One config met twice on the way inside is one finding: an overlay's program is seen in the whole file's bytes and
 * again by itself, a payload in its loader and in a dump of it.
 */
import type { ArtifactId } from "../bytes/index.ts";
import type { Finding, Ledger } from "../model/index.ts";

const RANK: Readonly<Record<Finding["confidence"], number>> = { proved: 2, structural: 1, heuristic: 0 };

/** Of findings of one subject, family and C2 list the best stays: the surer one, then the fuller, then the deeper. */
export function foldFindings(findings: readonly Finding[], ledger: Ledger): Finding[] {
  const best = new Map<string, Finding>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.subject, finding.family, [...finding.c2].sort()]);
    const known = best.get(key);
    if (known === undefined || better(finding, known, ledger)) best.set(key, finding);
  }
  return [...best.values()];
}

function better(a: Finding, b: Finding, ledger: Ledger): boolean {
  const gain =
    RANK[a.confidence] - RANK[b.confidence] ||
    a.evidence.length - b.evidence.length ||
    depth(a.artifact, ledger) - depth(b.artifact, ledger);
  return gain > 0;
}

/** Steps from the sample to an artifact. Parents have smaller numbers, so this ends. */
function depth(id: ArtifactId, ledger: Ledger): number {
  const parent = ledger.entries[id]?.from[0]?.artifact;
  return id === 0 || parent === undefined ? 0 : 1 + depth(parent, ledger);
}
