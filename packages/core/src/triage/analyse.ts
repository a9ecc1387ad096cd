/** One sample: identify → match → extract → normalise. Pure: bytes and ports in, a `Sample` out. */
import { View } from "../bytes/index.ts";
import type { Extraction, Family } from "../families/family.ts";
import { classify, type Image, openImage } from "../formats/index.ts";
import { indicatorsOf } from "../indicators/index.ts";
import { type Finding, Ledger, type Outcome, type Reason, type Sample } from "../model/index.ts";
import { embedEvidence, number } from "./artifacts.ts";
import type { Ports, RuleHit } from "./ports.ts";

/** Anomalies of headers that end before they are complete. */
const CUT_HEADERS: ReadonlySet<string> = new Set(["section-table-cut", "directories-cut"]);
const SECTOR_SIZE = 0x200;

export interface AnalyseOptions {
  /** Embed the bytes of each span. */
  readonly evidence?: boolean;
}

/** Analyses the bytes of one sample. `names`: every path that holds them. Throws only on a bug of ours. */
export function analyse(
  bytes: Uint8Array,
  names: readonly string[],
  families: readonly Family[],
  ports: Ports,
  options: AnalyseOptions = {},
): Sample {
  const started = ports.now();
  const head = {
    sha256: ports.digest("sha256", bytes),
    sha1: ports.digest("sha1", bytes),
    md5: ports.digest("md5", bytes),
    size: bytes.length,
    names: [...names],
  };
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample);
  const format = image.pe === undefined ? classify(ledger.sample) : image.format;
  if (bytes.length === 0) {
    const reason: Reason = { stage: "read", code: "empty", text: "the file is empty" };
    return {
      ...head,
      format,
      outcome: "unsupported",
      ...nothing(),
      reasons: [reason],
      elapsedMs: ports.now() - started,
    };
  }
  const hits = ports.rules.scan(bytes);
  const findings: Finding[] = [];
  const reasons: Reason[] = [];
  const identified = new Set<string>();
  for (const family of families) {
    const own = hits.filter((hit) => hit.family === family.id);
    const extraction = family.extract({
      image,
      rules: own.map((hit) => hit.rule),
      matches: own.flatMap((hit) => hit.matches.map((match) => ({ rule: hit.rule, ...match }))),
      ledger,
      pbkdf2Sha1: ports.pbkdf2Sha1,
    });
    if (extraction.status === "config") {
      findings.push({ ...extraction.finding, rules: own.map((hit) => hit.rule) });
    } else {
      const reason = reasonOf(family, extraction, own);
      if (reason !== undefined) reasons.push(reason);
      if (own.length > 0) identified.add(family.id);
    }
  }
  if (findings.length > 0) identified.clear();
  else reasons.push(...imageReasons(image, format, identified.size > 0));
  const outcome = outcomeOf(findings, identified, reasons);
  const numbered = number(
    ledger,
    image,
    options.evidence ? embedEvidence(ledger, findings) : findings,
    reasons,
    ports,
  );
  const indicators = numbered.findings.flatMap((finding) => {
    const family = families.find((candidate) => candidate.id === finding.family);
    return indicatorsOf(finding, family?.defaults ?? {});
  });
  return {
    ...head,
    format,
    outcome,
    families: [...new Set([...findings.map((finding) => finding.family), ...identified])],
    findings: numbered.findings,
    indicators,
    artifacts: numbered.artifacts,
    reasons: numbered.reasons,
    rules: hits.map((hit) => hit.rule),
    elapsedMs: round(ports.now() - started),
  };
}

function nothing(): Pick<Sample, "families" | "findings" | "indicators" | "artifacts" | "rules"> {
  return { families: [], findings: [], indicators: [], artifacts: [], rules: [] };
}

/** A sample that could not be read far enough to be analysed. */
export function unread(
  names: readonly string[],
  outcome: Outcome,
  reason: Reason,
  known: Partial<Sample> = {},
): Sample {
  return {
    sha256: null,
    sha1: null,
    md5: null,
    size: null,
    format: "unknown",
    ...nothing(),
    elapsedMs: 0,
    ...known,
    names: [...names],
    outcome,
    reasons: [reason],
  };
}

/** A failed extraction is worth a word when a rule had named the family, or the extractor itself recognised it. */
function reasonOf(family: Family, extraction: Extraction, hits: readonly RuleHit[]): Reason | undefined {
  if (extraction.status === "config") return undefined;
  if (extraction.status === "not-found" && hits.length === 0) return undefined;
  const seen = hits.length > 0 ? ` (rule ${hits.map((hit) => hit.rule).join(", ")} matched)` : "";
  return {
    stage: `${family.id}/${extraction.stage}`,
    code: extraction.status,
    text: extraction.text + seen,
    ...(extraction.at === undefined || extraction.at.length === 0 ? {} : { at: [...extraction.at] }),
  };
}

/** What the shape of the file says about why nothing was found. */
function imageReasons(image: Image, format: string, identified: boolean): Reason[] {
  if (image.pe === undefined) {
    if (identified) return [];
    return [
      {
        stage: "identify",
        code: "not-a-pe",
        text: `${format}: no PE in it, and no config was found in its bytes as they stand`,
      },
    ];
  }
  const missing = missingBytes(image);
  if (missing === 0) return [];
  const text =
    missing === undefined
      ? "the file is cut short within its headers"
      : `the file is cut short: its sections want ${missing} more bytes than are there`;
  return [{ stage: "identify", code: "truncated", text }];
}

/**
 * Bytes that the section table promises and the file lacks; undefined when the table itself is cut. A last section
 * that ends within its own alignment's padding is whole: linkers and strippers leave such files.
 */
function missingBytes(image: Image): number | undefined {
  if (image.pe === undefined || image.layout !== "file") return 0;
  if (image.pe.anomalies.some((anomaly) => CUT_HEADERS.has(anomaly.code))) return undefined;
  const ends = image.pe.sections.map((section) =>
    section.sizeOfRawData === 0 ? 0 : section.pointerToRawData + section.sizeOfRawData,
  );
  const missing = Math.max(0, ...ends) - image.view.length;
  return missing >= Math.max(image.pe.fileAlignment, SECTOR_SIZE) ? missing : 0;
}

function outcomeOf(
  findings: readonly Finding[],
  identified: ReadonlySet<string>,
  reasons: readonly Reason[],
): Outcome {
  if (findings.length > 0) return "config";
  if (identified.size > 0) return "identified";
  if (reasons.some((reason) => reason.code === "not-a-pe")) return "unsupported";
  if (reasons.some((reason) => reason.code === "truncated")) return "failed";
  return "unknown";
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** The image of some bytes, for those who look without triaging. */
export function imageOf(bytes: Uint8Array): Image {
  return openImage(new View(bytes));
}
