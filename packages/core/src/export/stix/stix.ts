/** A report as a STIX 2.1 bundle. */
import type { Category, Finding, Report } from "../../model/index.ts";
import { familiesOf, familyName, filesOf, type ReportedFile } from "../files.ts";
import { type Exported, type ExportOptions, jsonBody, Omissions } from "../form.ts";
import { type Gathered, gather, NETWORK_TYPES } from "../gather.ts";
import { whyNotBlock } from "../policy.ts";
import { momentOf } from "../times.ts";
import { sdoId } from "./ids.ts";
import { tlpMarking } from "./marking.ts";
import { Frame, IDENTITY_ID, STIX_CONFIDENCE, type StixObject } from "./object.ts";
import { fileObject, observe } from "./observables.ts";
import { filePattern, patternOf } from "./pattern.ts";

/** How `malware-type-ov` calls MACO's categories. */
const MALWARE_TYPES: Readonly<Record<Category, string>> = {
  backdoor: "backdoor",
  bot: "bot",
  downloader: "downloader",
  infostealer: "spyware",
  keylogger: "keylogger",
  loader: "downloader",
  ransomware: "ransomware",
  rat: "remote-access-trojan",
};

/** Types of `infrastructure-type-ov` and how malware speaks with each, by a connection's usage. */
const INFRASTRUCTURE: Readonly<Partial<Record<Gathered["usage"], { type: string; tie: string }>>> = {
  c2: { type: "command-and-control", tie: "beacons-to" },
  upload: { type: "exfiltration", tie: "exfiltrates-to" },
};

export const EVIDENCE_EXTENSION_ID = sdoId("extension-definition", "assay-config-evidence", "1");
const EVIDENCE_SCHEMA =
  "Property extension of malware-analysis. config: the malware's configuration under the field names of MACO " +
  "(CybercentreCanada/Maco). endpoints: its C2s as URLs, in the order of the config. evidence: for each value, named by a " +
  "JSON Pointer into {c2, config}, the spans {artifact, offset, length} that it was read from and the steps between. " +
  "config_confidence: proved, structural or heuristic. file_names: names under which the file was met.";

/** Types that are seen on machines: an indicator of each tells an infection, when it is one operator's own. */
const HOST_TYPES: ReadonlySet<Gathered["type"]> = new Set(["mutex", "certificate", "registry"]);

export function toStix(report: Report, options: ExportOptions): Exported {
  const omissions = new Omissions();
  const objects = [...stixObjects(report, options, omissions)];
  const id = sdoId("bundle", ...objects.map((object) => `${object.id} ${String(object.modified ?? "")}`));
  return { body: jsonBody({ type: "bundle", id, objects }), leftOut: omissions.list, notes: [] };
}

/** Each object once, what is referred to before what refers to it. */
export function* stixObjects(
  report: Report,
  options: ExportOptions,
  omissions: Omissions,
): Generator<StixObject> {
  const seen = new Set<string>();
  for (const object of allObjects(report, options, omissions)) {
    if (seen.has(object.id)) continue;
    seen.add(object.id);
    yield object;
  }
}

function* allObjects(report: Report, options: ExportOptions, omissions: Omissions): Generator<StixObject> {
  const marking = options.tlp === undefined ? undefined : tlpMarking(options.tlp);
  const frame = new Frame(momentOf(report.startedAt), marking?.id);
  if (marking !== undefined) yield marking;
  yield frame.sdo("identity", IDENTITY_ID, {
    name: "assay",
    description: "Malware configuration extraction",
    identity_class: "system",
  });
  const gathered = gather(report);
  const files = filesOf(report);
  if (files.some((file) => file.findings.length > 0)) {
    yield frame.sdo("extension-definition", EVIDENCE_EXTENSION_ID, {
      name: "assay config evidence",
      description: "A configuration read from malware, and where each of its values stands",
      schema: EVIDENCE_SCHEMA,
      version: "1.0.0",
      extension_types: ["property-extension"],
    });
  }
  yield* families(frame, files);
  /** Indicator → its observable's id. */
  const observed = new Map<string, string>();
  for (const indicator of gathered) {
    const result = observe(frame, indicator);
    if ("why" in result) {
      omissions.add(indicator.value, result.why);
      continue;
    }
    yield* result.objects;
    observed.set(keyOf(indicator), result.objects.at(-1)?.id ?? "");
  }
  const infrastructure = new Map<string, string>();
  for (const indicator of gathered)
    yield* indicatorObjects(frame, indicator, options, observed, infrastructure, omissions);
  for (const file of files) yield* fileObjects(frame, file, report, observed, infrastructure);
  yield* ties(frame, report, files, observed);
}

function keyOf({ type, value }: { readonly type: string; readonly value: string }): string {
  return `${type}:${value}`;
}

function familyId(family: string): string {
  return sdoId("malware", "family", family);
}

function instanceId(family: string, sha256: string): string {
  return sdoId("malware", "instance", family, sha256);
}

function* families(frame: Frame, files: readonly ReportedFile[]): Generator<StixObject> {
  const known = new Set<string>();
  for (const file of files)
    for (const family of familiesOf(file)) {
      const finding = file.findings.find((one) => one.family === family);
      if (known.has(family) || (finding === undefined && hasFinding(files, family))) continue;
      known.add(family);
      const aliases = (finding?.aliases ?? []).filter((alias) => alias !== "" && alias !== family);
      yield frame.sdo("malware", familyId(family), {
        name: finding === undefined ? family : familyName(finding),
        is_family: true,
        aliases: [...new Set([family, ...aliases])],
        ...malwareTypes(finding),
      });
    }
}

function hasFinding(files: readonly ReportedFile[], family: string): boolean {
  return files.some((file) => file.findings.some((finding) => finding.family === family));
}

function malwareTypes(finding: Finding | undefined): { readonly malware_types?: readonly string[] } {
  const types = [...new Set((finding?.config.category ?? []).map((category) => MALWARE_TYPES[category]))];
  return types.length === 0 ? {} : { malware_types: types };
}

function* indicatorObjects(
  frame: Frame,
  indicator: Gathered,
  options: ExportOptions,
  observed: ReadonlyMap<string, string>,
  infrastructure: Map<string, string>,
  omissions: Omissions,
): Generator<StixObject> {
  const { type, value } = indicator;
  const target = observed.get(keyOf(indicator));
  if (target === undefined) return;
  const why = whyNotIndicator(indicator, options);
  if (why !== undefined) {
    omissions.add(value, `no indicator: ${why}`);
    return;
  }
  const pattern = patternOf(indicator);
  if (pattern === undefined) return;
  const confidence = STIX_CONFIDENCE[indicator.confidence];
  const id = sdoId("indicator", pattern);
  yield frame.sdo("indicator", id, {
    name: `${indicator.families.join(", ")}: ${indicator.usage === "other" ? type : `${indicator.usage} ${type}`}`,
    indicator_types: ["malicious-activity"],
    pattern,
    pattern_type: "stix",
    pattern_version: "2.1",
    valid_from: frame.moment,
    confidence,
  });
  for (const family of indicator.families)
    yield frame.relationship(id, "indicates", familyId(family), { confidence });
  const role = INFRASTRUCTURE[indicator.usage];
  if (role === undefined || (type !== "domain" && type !== "ipv4" && type !== "ipv6")) return;
  const infrastructureId = sdoId("infrastructure", role.type, value);
  infrastructure.set(keyOf(indicator), infrastructureId);
  yield frame.sdo("infrastructure", infrastructureId, {
    name: value,
    infrastructure_types: [role.type],
    confidence,
  });
  yield frame.relationship(infrastructureId, "consists-of", target);
}

function whyNotIndicator(indicator: Gathered, options: ExportOptions): string | undefined {
  if (NETWORK_TYPES.has(indicator.type)) return whyNotBlock(indicator, options);
  if (!HOST_TYPES.has(indicator.type)) return "a name alone tells too little";
  return indicator.linkable ? undefined : (indicator.why ?? "not one operator's own");
}

function* fileObjects(
  frame: Frame,
  file: ReportedFile,
  report: Report,
  observed: ReadonlyMap<string, string>,
  infrastructure: ReadonlyMap<string, string>,
): Generator<StixObject> {
  const object = fileObject(frame, file);
  yield object;
  yield frame.sdo("observed-data", sdoId("observed-data", object.id), {
    first_observed: frame.moment,
    last_observed: frame.moment,
    number_observed: 1,
    object_refs: [object.id],
  });
  if (file.findings.some((finding) => finding.confidence !== "heuristic")) {
    const pattern = filePattern(file.sha256);
    const id = sdoId("indicator", pattern);
    yield frame.sdo("indicator", id, {
      name: `${familiesOf(file).join(", ")}: file`,
      indicator_types: ["malicious-activity"],
      pattern,
      pattern_type: "stix",
      pattern_version: "2.1",
      valid_from: frame.moment,
    });
    for (const family of familiesOf(file)) yield frame.relationship(id, "indicates", familyId(family));
  }
  for (const family of familiesOf(file)) {
    const findings = file.findings.filter((finding) => finding.family === family);
    const instance = instanceId(family, file.sha256);
    yield frame.sdo("malware", instance, {
      name: `${findings[0] === undefined ? family : familyName(findings[0])} (${file.sha256})`,
      is_family: false,
      sample_refs: [object.id],
      ...malwareTypes(findings[0]),
    });
    yield frame.relationship(instance, "variant-of", familyId(family));
    for (const finding of findings) yield* analysis(frame, file, finding, report, object.id, observed);
    yield* contacts(frame, file, family, instance, observed, infrastructure);
  }
}

function* analysis(
  frame: Frame,
  file: ReportedFile,
  finding: Finding,
  report: Report,
  fileId: string,
  observed: ReadonlyMap<string, string>,
): Generator<StixObject> {
  const { family, layout, confidence, artifact } = finding;
  const refs = file.indicators
    .filter((indicator) => indicator.family === family)
    .flatMap((indicator) => observed.get(keyOf(indicator)) ?? []);
  const id = sdoId("malware-analysis", file.sha256, family, layout, String(artifact), report.engine.version);
  yield frame.sdo("malware-analysis", id, {
    product: "assay",
    version: report.engine.version,
    analysis_started: frame.moment,
    result: confidence === "heuristic" ? "suspicious" : "malicious",
    result_name: familyName(finding),
    sample_ref: fileId,
    ...(refs.length === 0 ? {} : { analysis_sco_refs: [...new Set(refs)] }),
    confidence: STIX_CONFIDENCE[confidence],
    extensions: { [EVIDENCE_EXTENSION_ID]: evidenceOf(file, finding) },
  });
  yield frame.relationship(id, "static-analysis-of", instanceId(family, file.sha256));
}

function evidenceOf(file: ReportedFile, finding: Finding): Record<string, unknown> {
  const lists = {
    endpoints: finding.c2,
    evidence: finding.evidence,
    reasons: finding.reasons,
    file_names: file.names,
  };
  return {
    extension_type: "property-extension",
    family: finding.family,
    layout: finding.layout,
    ...(finding.version === undefined ? {} : { family_version: finding.version }),
    config_confidence: finding.confidence,
    config: finding.config,
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}

const SPEAKS_WITH: ReadonlySet<Gathered["type"]> = new Set(["domain", "ipv4", "ipv6", "url"]);

function* contacts(
  frame: Frame,
  file: ReportedFile,
  family: string,
  instance: string,
  observed: ReadonlyMap<string, string>,
  infrastructure: ReadonlyMap<string, string>,
): Generator<StixObject> {
  for (const indicator of file.indicators) {
    const key = keyOf(indicator);
    const target = observed.get(key);
    if (indicator.family !== family || indicator.usage === "decoy") continue;
    if (target !== undefined && SPEAKS_WITH.has(indicator.type))
      yield frame.relationship(instance, "communicates-with", target);
    const role = INFRASTRUCTURE[indicator.usage];
    const host = infrastructure.get(key);
    if (role !== undefined && host !== undefined) yield frame.relationship(instance, role.tie, host);
  }
}

/** Clusters as groupings, and pairs of addresses that differ by a slip. */
function* ties(
  frame: Frame,
  report: Report,
  files: readonly ReportedFile[],
  observed: ReadonlyMap<string, string>,
): Generator<StixObject> {
  const bySha256 = new Map(files.map((file) => [file.sha256, file]));
  for (const cluster of report.clusters) {
    const instances = cluster.samples.flatMap((sha256) => {
      const file = bySha256.get(sha256);
      return file === undefined ? [] : familiesOf(file).map((family) => instanceId(family, sha256));
    });
    const shared = cluster.shared.flatMap((key) => observed.get(key) ?? []);
    const refs = [...new Set([...instances, ...shared])];
    if (refs.length === 0) continue;
    yield frame.sdo("grouping", sdoId("grouping", ...[...cluster.samples].sort()), {
      name: cluster.id,
      description: "Files that share what only one operator would have",
      context: "malware-analysis",
      object_refs: refs,
    });
  }
  for (const { from, to, kind, why } of report.relations) {
    const [source, target] = [observed.get(from), observed.get(to)];
    if (kind !== "near-duplicate" || source === undefined || target === undefined) continue;
    yield frame.relationship(source, "related-to", target, { description: why });
  }
}
