/** What came of a sample, and why nothing more did. */
import type { Image } from "../formats/image.ts";
import type { Budget } from "../layers/budget.ts";
import type { Finding, Outcome, Reason } from "../model/index.ts";

/** Anomalies of headers that end before they are complete. */
const CUT_HEADERS: ReadonlySet<string> = new Set(["section-table-cut", "directories-cut"]);
const SECTOR_SIZE = 0x200;
/** Reasons kept of one sample; an archive of ten thousand broken files repeats itself. */
const MAX_REASONS = 200;

/** Reasons that mean: part of the input was not seen, so that "unknown" would claim too much. */
const NOT_SEEN: ReadonlySet<string> = new Set([
  "truncated",
  "encrypted",
  "damaged",
  "budget",
  "needs-memory",
]);

const BUDGET_TEXT: Readonly<Record<Budget["cuts"][number], string>> = {
  depth: "layers are nested deeper than is followed (--max-depth)",
  artifacts: "more inner artifacts than are kept (--max-artifacts)",
  bytes: "more unpacked bytes than one sample may cost (--max-unpacked)",
  ratio: "a step unpacks to more than it is trusted with (--max-ratio)",
};

export function budgetReasons(budget: Budget): Reason[] {
  return budget.cuts.map((cut) => ({ stage: "peel", code: "budget", text: `cut off: ${BUDGET_TEXT[cut]}` }));
}

/** What the shape of the sample itself says about why nothing may be found. */
export function imageReasons(image: Image, format: string, container: boolean): Reason[] {
  if (image.view.length === 0) return [{ stage: "read", code: "empty", text: "the file is empty" }];
  if (image.pe === undefined) {
    if (container) return [];
    return [
      {
        stage: "identify",
        code: "not-a-pe",
        text: `${format}: no PE in it, and no config was found in its bytes as they stand${format === "data" ? "; memory of a process is searched as such with --dump region --base ADDRESS" : ""}`,
      },
    ];
  }
  const missing = missingBytes(image);
  if (missing === 0) return [];
  const text =
    missing === undefined
      ? "the headers are cut short, or longer than is read"
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

/** Leaves out what a config found elsewhere answers, what repeats, and what is too much. */
export function tidyReasons(
  reasons: readonly Reason[],
  state: { readonly opened: boolean },
  findings: readonly Finding[],
): Reason[] {
  const found = new Set(findings.map((finding) => finding.family));
  const kept = new Map<string, Reason>();
  for (const reason of reasons) {
    if (reason.code === "not-a-pe" && (state.opened || findings.length > 0)) continue;
    if (reason.code === "truncated" && findings.length > 0) continue;
    // "Not found here" of a family whose config was found in another layer.
    if (reason.code === "not-found" && found.has(reason.stage.split("/")[0] ?? "")) continue;
    const key = JSON.stringify([reason.stage, reason.code, reason.text]);
    if (!kept.has(key)) kept.set(key, reason);
  }
  const all = [...kept.values()];
  if (all.length <= MAX_REASONS) return all;
  const more = {
    stage: "report",
    code: "more",
    text: `${all.length - MAX_REASONS} further reasons are left out`,
  };
  return [...all.slice(0, MAX_REASONS), more];
}

export function outcomeOf(
  findings: readonly Finding[],
  identified: readonly string[],
  reasons: readonly Reason[],
  size: number,
): Outcome {
  if (findings.length > 0) return "config";
  if (identified.length > 0) return "identified";
  if (size === 0) return "unsupported";
  if (reasons.some((reason) => NOT_SEEN.has(reason.code))) return "failed";
  if (reasons.some((reason) => reason.code === "not-a-pe")) return "unsupported";
  return "unknown";
}
