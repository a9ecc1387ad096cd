/** The files that a sample's findings speak of: itself, or those in its archives, each as a sample of its own. */
import type { Artifact, Sample } from "./report.ts";

/**
 * An archive of ten programs is ten files to whoever asks who shares what with whom. A sample without archives is its
 * only subject. Names of a file inside are those of the sample with the file's own behind them.
 */
export function subjectsOf(sample: Sample): Sample[] {
  const subjects = [...new Set(sample.findings.map((finding) => finding.subject))].sort((a, b) => a - b);
  if (subjects.every((subject) => subject === 0)) return [sample];
  return subjects.map((subject): Sample => {
    const artifact = sample.artifacts[subject];
    const findings = sample.findings.filter((finding) => finding.subject === subject);
    return {
      ...sample,
      ...(subject === 0 || artifact === undefined
        ? {}
        : {
            sha256: artifact.sha256,
            names: sample.names.map((name) => `${name}/${memberPath(sample, subject)}`),
          }),
      findings,
      families: [...new Set(findings.map((finding) => finding.family))],
      indicators: sample.indicators.filter((indicator) => indicator.subject === subject),
    };
  });
}

/** Names from the sample down to an artifact: `inner.zip/forum.exe`. */
export function memberPath(sample: Pick<Sample, "artifacts">, id: number): string {
  const parts: string[] = [];
  // Each parent has a lower number than its child, so this ends.
  for (let at: number | undefined = id; at !== undefined && at > 0; ) {
    const artifact: Artifact | undefined = sample.artifacts[at];
    if (artifact === undefined) break;
    parts.push(artifact.name ?? artifact.kind);
    const parent: number | undefined = artifact.from?.[0]?.artifact;
    at = parent === undefined || parent >= at ? undefined : parent;
  }
  return parts.reverse().join("/");
}
