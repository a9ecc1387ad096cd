/** The plain traces of all families in a stretch of memory: their anchors in one pass, each family where its own stand. */
import { type AnchorSet, anchorSet, findAnchors, type View } from "../../bytes/index.ts";
import type { Family, Traces } from "../../families/family.ts";
import type { Finding, Ledger, Reason } from "../../model/index.ts";

interface Compiled {
  readonly set: AnchorSet;
  /** Each family's traces, with the number of its first anchor in the set. */
  readonly parts: readonly { readonly family: Family; readonly traces: Traces; readonly first: number }[];
}

const compiled = new WeakMap<readonly Family[], Compiled>();

function compile(families: readonly Family[]): Compiled {
  let known = compiled.get(families);
  if (known === undefined) {
    const anchors: Uint8Array[] = [];
    const parts = families.flatMap((family) => {
      if (family.traces === undefined) return [];
      const first = anchors.length;
      anchors.push(...family.traces.anchors);
      return [{ family, traces: family.traces, first }];
    });
    known = { set: anchorSet(anchors), parts };
    compiled.set(families, known);
  }
  return known;
}

/** `opens`: memory begins at the view's first byte. */
export function tracesOf(
  families: readonly Family[],
  view: View,
  address: number | undefined,
  opens: boolean,
  ledger: Ledger,
): { readonly findings: readonly Finding[]; readonly reasons: readonly Reason[] } {
  const { set, parts } = compile(families);
  const { offsets, cut } = findAnchors(view.bytes, set);
  const findings: Finding[] = [];
  const reasons: Reason[] = [];
  for (const { family, traces, first } of parts) {
    const last = first + traces.anchors.length;
    const hits = offsets.slice(first, last);
    if (hits.every((places) => places.length === 0)) continue;
    findings.push(...traces.read({ view, address, opens, hits, ledger }));
    if (cut.some((anchor) => anchor >= first && anchor < last))
      reasons.push({
        stage: `${family.id}/traces`,
        code: "budget",
        text: "more places of one of its texts than are looked at in one stretch of memory",
      });
  }
  return { findings, reasons };
}
