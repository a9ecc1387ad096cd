/** One artifact: what it is, which rules match, which family's config it holds. */
import type { ArtifactId, View } from "../bytes/index.ts";
import type { Extraction, Family } from "../families/family.ts";
import { classify, type Image, type ImageHint, openImage } from "../formats/index.ts";
import { findInflation } from "../layers/around-pe/inflation.ts";
import { containerKind } from "../layers/container-kind.ts";
import type { Finding, Ledger, Reason } from "../model/index.ts";
import type { Ports, RuleHit } from "./ports.ts";

/** What an artifact is, before anything is searched in it. */
export interface Identified {
  readonly image: Image;
  readonly format: string;
  /** What an archive reader would open it as. */
  readonly container: string | undefined;
}

export function identify(view: View, hint: ImageHint | undefined): Identified {
  const image = openImage(view, hint);
  const classified = image.pe === undefined ? classify(view) : image.format;
  const container = containerKind(view, classified);
  return { image, format: classified === "data" ? (container ?? classified) : classified, container };
}

export interface Looked {
  readonly hits: readonly RuleHit[];
  readonly findings: readonly Finding[];
  /** Families named by a rule, whose config did not come out. */
  readonly identified: readonly string[];
  readonly reasons: readonly Reason[];
}

/** Scans the artifact with the rules and tries every family on it; `gated`: those alone that a rule names. */
export function look(
  { image }: Identified,
  families: readonly Family[],
  ledger: Ledger,
  ports: Ports,
  gated = false,
): Looked {
  const { view } = image;
  const findings: Finding[] = [];
  const identified: string[] = [];
  const reasons: Reason[] = [];
  // An inflated file is looked at without its padding, as an artifact of its own: the same bytes need no second look.
  if (view.length === 0 || findInflation(image) !== undefined)
    return { hits: [], findings, identified, reasons };
  const hits = ports.rules.scan(view.bytes);
  for (const family of families) {
    const own = hits.filter((hit) => hit.family === family.id);
    if (gated && own.length === 0) continue;
    const rules = own.map((hit) => hit.rule);
    const matches = own.flatMap((hit) => hit.matches.map((match) => ({ rule: hit.rule, ...match })));
    const extraction = family.extract({ image, rules, matches, ledger, pbkdf2Sha1: ports.pbkdf2Sha1 });
    if (extraction.status === "config") {
      findings.push({ ...extraction.finding, rules });
      continue;
    }
    if (own.length > 0) identified.push(family.id);
    const reason = reasonOf(family, extraction, rules, view.artifact);
    if (reason !== undefined) reasons.push(reason);
  }
  return { hits, findings, identified, reasons };
}

/** A failed extraction is worth a word when a rule had named the family, or the extractor itself recognised it. */
function reasonOf(
  family: Family,
  extraction: Exclude<Extraction, { status: "config" }>,
  rules: readonly string[],
  artifact: ArtifactId,
): Reason | undefined {
  if (extraction.status === "not-found" && rules.length === 0) return undefined;
  const seen = rules.length > 0 ? ` (rule ${rules.join(", ")} matched)` : "";
  const at = extraction.at ?? [];
  return {
    stage: `${family.id}/${extraction.stage}`,
    code: extraction.status,
    text: extraction.text + seen,
    at: at.length > 0 ? [...at] : [{ artifact, offset: 0, length: 0 }],
  };
}
