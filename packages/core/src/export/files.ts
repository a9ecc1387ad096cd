/** The files that a report speaks of: its samples, and those within its archives that hold a config. */
import { type Finding, type Indicator, memberPath, type Report, type Sample } from "../model/index.ts";

/** Names of people's folders are nobody else's business, so a file is called by its last part. */
export interface ReportedFile {
  readonly sha256: string;
  /** Known of samples only, not of what was inside them. */
  readonly sha1?: string;
  readonly md5?: string;
  readonly size?: number;
  /** Without folders, each once, in the order of the report. */
  readonly names: readonly string[];
  readonly findings: readonly Finding[];
  readonly indicators: readonly Indicator[];
  readonly sample: Sample;
  /** Number of its artifact in the sample; 0 for the sample itself. */
  readonly subject: number;
}

/** Files with a finding or a family, in the order of the report. Samples that could not be read have no hash, so none. */
export function filesOf(report: Report): ReportedFile[] {
  return report.samples.flatMap(filesOfSample);
}

export function filesOfSample(sample: Sample): ReportedFile[] {
  if (sample.sha256 === null) return [];
  const subjects = [...new Set(sample.findings.map((finding) => finding.subject))].sort((a, b) => a - b);
  if (subjects.length === 0) return sample.families.length === 0 ? [] : [fileOf(sample, 0)];
  return subjects.map((subject) => fileOf(sample, subject));
}

function fileOf(sample: Sample, subject: number): ReportedFile {
  const artifact = subject === 0 ? undefined : sample.artifacts[subject];
  const { sha1, md5, size } = sample;
  const known = {
    ...(sha1 === null ? {} : { sha1 }),
    ...(md5 === null ? {} : { md5 }),
    ...(size === null ? {} : { size }),
  };
  const names = artifact === undefined ? sample.names : [memberPath(sample, subject)];
  return {
    ...(artifact === undefined
      ? { sha256: sample.sha256 ?? "", ...known }
      : { sha256: artifact.sha256, size: artifact.size }),
    names: [...new Set(names.map(lastPart).filter((name) => name !== ""))],
    findings: sample.findings.filter((finding) => finding.subject === subject),
    indicators: sample.indicators.filter((indicator) => indicator.subject === subject),
    sample,
    subject,
  };
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? "";
}

/** MACO's family of a file with none: what a rule saw without a config. */
export function familiesOf(file: ReportedFile): string[] {
  const found = file.findings.map((finding) => finding.family);
  return [...new Set(found.length > 0 ? found : file.sample.families)];
}

/** The name that Malpedia and its galaxy give a family, which stands first among the aliases. */
export function familyName(finding: Finding): string {
  return finding.aliases[0] ?? finding.family;
}
