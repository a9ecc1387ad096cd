/**
 * Many files of one run, analysed one by one, into one sample: the submitted file's. A config that stands in a dozen
 * dumps is one finding with all its places; what the sandbox says stands beside it, never in it.
 */
import type { Span } from "@assay/core/bytes/index";
import type { Artifact, Finding, Indicator, Reason, Sample } from "@assay/core/model/index";
import type { Artefact } from "./sandbox.ts";

/** One analysed file of the run, with every place where the sandbox had these same bytes. */
export interface Part {
  readonly places: readonly [Artefact, ...Artefact[]];
  readonly sample: Sample;
}

const RANK: Readonly<Record<Finding["confidence"], number>> = { proved: 2, structural: 1, heuristic: 0 };
/** Further places that are named of one finding, or of one indicator. */
const MAX_PLACES = 256;
/** Why the analysis of a file did not see all there was; other reasons of single dumps are noise. */
const TELLING: ReadonlySet<string> = new Set([
  "timeout",
  "crashed",
  "internal-error",
  "too-large",
  "unreadable",
  "not-a-file",
]);
const MAX_REASONS = 32;

/** What made the artefacts: the first word of their steps. */
export interface RunId {
  readonly sandbox: string;
  readonly task: string;
}

/** The submitted file's sample with all that its run showed. Spans keep pointing at the bytes they were read from. */
export function mergeRun(own: Sample, parts: readonly Part[], run: RunId): Sample {
  const artifacts: Artifact[] = own.artifacts.length > 0 ? [...own.artifacts] : [rootOf(own)];
  const findings: Finding[] = [...own.findings];
  const indicators: Indicator[] = [...own.indicators];
  const reasons: Reason[] = [...own.reasons];
  for (const part of parts) {
    const { sample } = part;
    for (const reason of sample.reasons.filter(({ code }) => TELLING.has(code)))
      reasons.push({
        stage: reason.stage,
        code: reason.code,
        text: `${part.places[0].description}: ${reason.text}`,
      });
    if (sample.findings.length === 0) continue;
    const first = artifacts.length;
    artifacts.push(...sample.artifacts.map((artifact) => adopt(artifact, first, part, own, run)));
    findings.push(...sample.findings.map((finding) => moveFinding(finding, first, part)));
    indicators.push(...sample.indicators.map((indicator) => moveIndicator(indicator, first)));
  }
  const folded = fold(findings);
  const found = new Set(folded.map(({ family }) => family));
  const identified = new Set(
    [own, ...parts.map(({ sample }) => sample)]
      .flatMap(({ families }) => families)
      .filter((id) => !found.has(id)),
  );
  return {
    ...own,
    artifacts,
    findings: folded,
    indicators: foldIndicators(indicators),
    families: [...found, ...identified],
    outcome: outcomeOf(own, folded, identified),
    rules: [...new Set([own, ...parts.map(({ sample }) => sample)].flatMap(({ rules }) => rules))],
    reasons: tidy(reasons, found),
    elapsedMs:
      Math.round([own, ...parts.map(({ sample }) => sample)].reduce((sum, s) => sum + s.elapsedMs, 0) * 100) /
      100,
  };
}

function rootOf(own: Sample): Artifact {
  return { id: 0, kind: "sample", sha256: own.sha256 ?? "", size: own.size ?? 0, format: own.format };
}

function outcomeOf(
  own: Sample,
  findings: readonly Finding[],
  identified: ReadonlySet<string>,
): Sample["outcome"] {
  if (findings.length > 0) return "config";
  if (identified.size > 0) return "identified";
  return own.outcome;
}

const moveSpans = (spans: readonly Span[], by: number): Span[] =>
  spans.map((span) => ({ ...span, artifact: span.artifact + by }));

/** An artifact of a part under its new number; the part's own file becomes something that came out of the sample. */
function adopt(artifact: Artifact, by: number, part: Part, own: Sample, run: RunId): Artifact {
  const id = artifact.id + by;
  if (artifact.id !== 0) {
    return {
      ...artifact,
      id,
      ...(artifact.from === undefined ? {} : { from: moveSpans(artifact.from, by) }),
      ...(artifact.steps === undefined
        ? {}
        : {
            steps: artifact.steps.map((step) =>
              step.at === undefined ? step : { ...step, at: moveSpans(step.at, by) },
            ),
          }),
    };
  }
  const [{ name, hint, description }] = part.places;
  const { process, base, kind } = hint;
  return {
    ...artifact,
    id,
    kind,
    name,
    label: description,
    by: "detonate",
    from: [{ artifact: 0, offset: 0, length: own.size ?? 0 }],
    steps: [
      {
        op: "detonate",
        params: {
          sandbox: run.sandbox,
          ...(run.task === "" ? {} : { task: run.task }),
          ...(process?.name === undefined ? {} : { process: process.name }),
          ...(process?.pid === undefined ? {} : { pid: process.pid }),
          ...(base === undefined ? {} : { base: `0x${base.toString(16)}` }),
        },
      },
    ],
  };
}

function moveFinding(finding: Finding, by: number, part: Part): Finding {
  const moveReason = (reason: Reason): Reason =>
    reason.at === undefined ? reason : { ...reason, at: moveSpans(reason.at, by) };
  const [first, ...others] = part.places;
  const also = others.map(({ description }) => description);
  const note: Reason[] =
    also.length === 0
      ? []
      : [
          {
            stage: finding.family,
            code: "also-in",
            text: `the same bytes are also ${also.slice(0, 4).join(", ")}${also.length > 4 ? ` and ${also.length - 4} more` : ""}`,
          },
        ];
  return {
    ...finding,
    artifact: finding.artifact + by,
    subject: 0,
    ...(finding.also === undefined ? {} : { also: moveSpans(finding.also, by) }),
    evidence: finding.evidence.map((evidence) => ({
      ...evidence,
      at: moveSpans(evidence.at, by),
      steps: [first.description, ...evidence.steps],
    })),
    reasons: [...finding.reasons.map(moveReason), ...note],
  };
}

function moveIndicator(indicator: Indicator, by: number): Indicator {
  return { ...indicator, subject: 0, at: moveSpans(indicator.at, by) };
}

/**
 * Findings of one family and version, layout apart, with the same C2s are one: the surest stays, then the fullest, then the first.
 * Of the others it gets their places. A finding with other C2s stays beside it.
 */
function fold(findings: readonly Finding[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = JSON.stringify([
      finding.subject,
      finding.family,
      finding.version ?? "",
      [...finding.c2].sort(),
    ]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [finding]);
    else known.push(finding);
  }
  const folded = [...groups.values()].map((group) => {
    const [best, ...others] = [...group].sort(
      (a, b) => RANK[b.confidence] - RANK[a.confidence] || b.evidence.length - a.evidence.length,
    ) as [Finding, ...Finding[]];
    return others.length === 0 ? best : withPlaces(best, others);
  });
  return folded.map((finding) => disagreeing(finding, folded));
}

function withPlaces(best: Finding, others: readonly Finding[]): Finding {
  const places = others.flatMap((other) => {
    const [first] = other.evidence.flatMap(({ at }) => at);
    return [...(first === undefined ? [] : [first]), ...(other.also ?? [])];
  });
  const also = [...(best.also ?? []), ...places].slice(0, MAX_PLACES);
  const rules = [...new Set([best, ...others].flatMap((finding) => finding.rules))];
  return { ...best, rules, ...(also.length === 0 ? {} : { also }) };
}

/** A guess beside a proof of the same family that says something else: nobody should take the two for one. */
function disagreeing(finding: Finding, all: readonly Finding[]): Finding {
  const surer = all.find(
    (other) => other.family === finding.family && RANK[other.confidence] > RANK[finding.confidence],
  );
  if (finding.confidence !== "heuristic" || surer === undefined) return finding;
  const text = `a ${surer.confidence} config of this family in the same run has other addresses`;
  return { ...finding, reasons: [...finding.reasons, { stage: finding.family, code: "disagrees", text }] };
}

function foldIndicators(indicators: readonly Indicator[]): Indicator[] {
  const kept = new Map<string, Indicator>();
  for (const indicator of indicators) {
    const key = JSON.stringify([
      indicator.subject,
      indicator.type,
      indicator.value,
      indicator.usage,
      indicator.family,
    ]);
    const known = kept.get(key);
    if (known === undefined) kept.set(key, indicator);
    else if (known.at.length < MAX_PLACES) kept.set(key, { ...known, at: [...known.at, ...indicator.at] });
  }
  return [...kept.values()];
}

/** What the submitted file's own analysis missed is no news once its run showed the config. */
function tidy(reasons: readonly Reason[], found: ReadonlySet<string>): Reason[] {
  const kept = reasons.filter(
    ({ stage, code }) => !(code === "not-found" && found.has(stage.split("/")[0] ?? "")),
  );
  if (kept.length <= MAX_REASONS) return kept;
  const text = `${kept.length - MAX_REASONS} further reasons are left out`;
  return [...kept.slice(0, MAX_REASONS), { stage: "report", code: "more", text }];
}
