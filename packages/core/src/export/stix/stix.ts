/** A report as a STIX 2.1 bundle. */
import { hex, utf8Bytes } from "../../bytes/index.ts";
import { sha256 } from "../../codecs/index.ts";
import type { Category, ConnUsage, Finding, IndicatorType, Sample } from "../../model/index.ts";
import { familiesOf, familyName, filesOfSample, type ReportedFile } from "../files.ts";
import { type Conversion, type ExportOptions, type Head, JsonArray, Omissions, type Ties } from "../form.ts";
import { type Gathered, Gatherer, type Gatherings, NETWORK_TYPES } from "../gather.ts";
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

/** What an instance of malware speaks with. */
const SPEAKS_WITH: ReadonlySet<Gathered["type"]> = new Set(["domain", "ipv4", "ipv6", "url"]);

/** What was learnt of a family, from the first file with a config of it. */
interface KnownFamily {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly types: readonly string[];
  readonly hasFinding: boolean;
}

export function toStix(head: Head, options: ExportOptions): Conversion {
  const bundle = new StixBundle(head, options);
  const array = new JsonArray(2);
  const digest = new BundleDigest();
  const entries = function* (objects: Iterable<StixObject>): Generator<string> {
    for (const object of objects) {
      digest.take(object);
      yield array.entry(object);
    }
  };
  return {
    learn: (sample) => bundle.learn(sample),
    begin: function* (ties) {
      yield '{\n  "type": "bundle",\n  "objects": [';
      yield* entries(bundle.begin(ties));
    },
    write: (sample, engine) => entries(bundle.write(sample, engine)),
    end: function* () {
      yield* entries(bundle.end());
      yield `${array.close()},\n  "id": ${JSON.stringify(digest.id())}\n}\n`;
    },
    leftOut: () => bundle.omissions.list,
    notes: () => [],
  };
}

/** Objects that are digested at once. */
const DIGESTED = 1024;

/** A bundle is called after what is in it, which is known when all of it is written. */
class BundleDigest {
  #state = "";
  #waiting: string[] = [];

  take(object: StixObject): void {
    this.#waiting.push(`${object.id} ${String(object.modified ?? "")}`);
    if (this.#waiting.length >= DIGESTED) this.#fold();
  }

  #fold(): void {
    this.#state = hex(sha256(utf8Bytes([this.#state, ...this.#waiting].join("\n"))));
    this.#waiting = [];
  }

  id(): string {
    this.#fold();
    return sdoId("bundle", this.#state);
  }
}

/**
 * The objects of a bundle, each once, what is referred to before what refers to it. Of a sample nothing is kept but its
 * hash; of indicators and families what is said of them over all samples.
 */
export class StixBundle {
  readonly omissions = new Omissions();
  readonly #options: ExportOptions;
  readonly #frame: Frame;
  readonly #engine: string;
  readonly #gatherer = new Gatherer();
  readonly #families = new Map<string, KnownFamily>();
  /** Files met, and those that were met more than once, whose objects must be told apart one by one. */
  readonly #files = new Set<string>();
  readonly #repeated = new Set<string>();
  readonly #written = new Set<string>();
  #hasFindings = false;
  #ties: Ties = { relations: [], clusters: [] };
  /** Instances of the files that clusters speak of. */
  readonly #instances = new Map<string, string[]>();

  constructor(head: Head, options: ExportOptions) {
    const marking = options.tlp === undefined ? undefined : tlpMarking(options.tlp);
    this.#options = options;
    this.#frame = new Frame(momentOf(head.startedAt), marking?.id);
    this.#engine = head.engine.version;
  }

  learn(sample: Sample): void {
    for (const file of filesOfSample(sample)) {
      this.#gatherer.add(file);
      if (this.#files.has(file.sha256)) this.#repeated.add(file.sha256);
      this.#files.add(file.sha256);
      if (file.findings.length > 0) this.#hasFindings = true;
      for (const family of familiesOf(file)) this.#learnFamily(family, file);
    }
  }

  /** What samples beyond these say of their indicators. */
  know(type: IndicatorType, value: string, family: string, usage: ConnUsage): void {
    this.#gatherer.know(type, value, family, usage);
  }

  #learnFamily(family: string, file: ReportedFile): void {
    const known = this.#families.get(family);
    const finding = file.findings.find((one) => one.family === family);
    if (known !== undefined && (known.hasFinding || finding === undefined)) return;
    // One that was only named so far takes the place of its first config.
    this.#families.delete(family);
    this.#families.set(family, {
      name: finding === undefined ? family : familyName(finding),
      aliases: (finding?.aliases ?? []).filter((alias) => alias !== "" && alias !== family),
      types: malwareTypes(finding),
      hasFinding: finding !== undefined,
    });
  }

  *begin(ties: Ties): Generator<StixObject> {
    const frame = this.#frame;
    this.#ties = ties;
    for (const { samples } of ties.clusters) for (const sha256 of samples) this.#instances.set(sha256, []);
    if (this.#options.tlp !== undefined) yield tlpMarking(this.#options.tlp);
    yield frame.sdo("identity", IDENTITY_ID, {
      name: "assay",
      description: "Malware configuration extraction",
      identity_class: "system",
    });
    if (this.#hasFindings)
      yield frame.sdo("extension-definition", EVIDENCE_EXTENSION_ID, {
        name: "assay config evidence",
        description: "A configuration read from malware, and where each of its values stands",
        schema: EVIDENCE_SCHEMA,
        version: "1.0.0",
        extension_types: ["property-extension"],
      });
    for (const [family, { name, aliases, types }] of this.#families)
      yield frame.sdo("malware", familyId(family), {
        name,
        is_family: true,
        aliases: [...new Set([family, ...aliases])],
        ...typesOf(types),
      });
    const gathered = this.#gatherer.all();
    yield* this.#observables(gathered);
    const keys = new Set<string>();
    for (const indicator of gathered) {
      // A registry key under two names of its hive is one key, and one pattern.
      const isKey = indicator.type === "registry";
      for (const object of this.#indicator(indicator)) {
        if (isKey && keys.has(object.id)) continue;
        if (isKey) keys.add(object.id);
        yield object;
      }
    }
  }

  /** An address is an object of its own and the host of its sockets, a folder that of many files: each is written once. */
  *#observables(gathered: Gatherings): Generator<StixObject> {
    const written = new Set<string>();
    for (const indicator of gathered) {
      const result = observe(this.#frame, indicator);
      if ("why" in result) {
        this.omissions.add(indicator.value, result.why);
        continue;
      }
      for (const object of result.objects) {
        if (written.has(object.id)) continue;
        written.add(object.id);
        yield object;
      }
      const note = this.#gatherer.noteOf(keyOf(indicator));
      if (note !== undefined) note.observed = result.objects.at(-1)?.id;
    }
  }

  /** Id of an indicator's observable, by the indicator's key. */
  #observed(key: string): string | undefined {
    return this.#gatherer.noteOf(key)?.observed;
  }

  *#indicator(indicator: Gathered): Generator<StixObject> {
    const frame = this.#frame;
    const { type, value } = indicator;
    const note = this.#gatherer.noteOf(keyOf(indicator));
    if (note?.observed === undefined) return;
    const why = whyNotIndicator(indicator, this.#options);
    if (why !== undefined) {
      this.omissions.add(value, `no indicator: ${why}`);
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
    note.infrastructure = infrastructureId;
    yield frame.sdo("infrastructure", infrastructureId, {
      name: value,
      infrastructure_types: [role.type],
      confidence,
    });
    yield frame.relationship(infrastructureId, "consists-of", note.observed);
  }

  *write(sample: Sample, engine = this.#engine): Generator<StixObject> {
    const own = new Set<string>();
    for (const file of filesOfSample(sample)) {
      const written = this.#repeated.has(file.sha256) ? this.#written : own;
      for (const object of this.#file(file, engine)) {
        if (written.has(object.id)) continue;
        written.add(object.id);
        yield object;
      }
    }
  }

  *#file(file: ReportedFile, engine: string): Generator<StixObject> {
    const frame = this.#frame;
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
      this.#instances.get(file.sha256)?.push(instance);
      yield frame.sdo("malware", instance, {
        name: `${findings[0] === undefined ? family : familyName(findings[0])} (${file.sha256})`,
        is_family: false,
        sample_refs: [object.id],
        ...typesOf(malwareTypes(findings[0])),
      });
      yield frame.relationship(instance, "variant-of", familyId(family));
      for (const finding of findings) yield* this.#analysis(file, finding, object.id, engine);
      yield* this.#contacts(file, family, instance);
    }
  }

  *#analysis(file: ReportedFile, finding: Finding, fileId: string, engine: string): Generator<StixObject> {
    const frame = this.#frame;
    const { family, layout, confidence, artifact } = finding;
    const refs = file.indicators
      .filter((indicator) => indicator.family === family)
      .flatMap((indicator) => this.#observed(keyOf(indicator)) ?? []);
    const id = sdoId("malware-analysis", file.sha256, family, layout, String(artifact), engine);
    yield frame.sdo("malware-analysis", id, {
      product: "assay",
      version: engine,
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

  *#contacts(file: ReportedFile, family: string, instance: string): Generator<StixObject> {
    for (const indicator of file.indicators) {
      const { observed: target, infrastructure: host } = this.#gatherer.noteOf(keyOf(indicator)) ?? {};
      if (indicator.family !== family || indicator.usage === "decoy") continue;
      if (target !== undefined && SPEAKS_WITH.has(indicator.type))
        yield this.#frame.relationship(instance, "communicates-with", target);
      const role = INFRASTRUCTURE[indicator.usage];
      if (role !== undefined && host !== undefined) yield this.#frame.relationship(instance, role.tie, host);
    }
  }

  /** Clusters as groupings, and pairs of addresses that differ by a slip. */
  *end(): Generator<StixObject> {
    const frame = this.#frame;
    const written = new Set<string>();
    for (const cluster of this.#ties.clusters) {
      const instances = cluster.samples.flatMap((sha256) => this.#instances.get(sha256) ?? []);
      const shared = cluster.shared.flatMap((key) => this.#observed(key) ?? []);
      const refs = [...new Set([...instances, ...shared])];
      const id = sdoId("grouping", ...[...cluster.samples].sort());
      if (refs.length === 0 || written.has(id)) continue;
      written.add(id);
      yield frame.sdo("grouping", id, {
        name: cluster.id,
        description: "Files that share what only one operator would have",
        context: "malware-analysis",
        object_refs: refs,
      });
    }
    for (const { from, to, kind, why } of this.#ties.relations) {
      const [source, target] = [this.#observed(from), this.#observed(to)];
      if (kind !== "near-duplicate" || source === undefined || target === undefined) continue;
      const object = frame.relationship(source, "related-to", target, { description: why });
      if (written.has(object.id)) continue;
      written.add(object.id);
      yield object;
    }
  }
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

function malwareTypes(finding: Finding | undefined): string[] {
  return [...new Set((finding?.config.category ?? []).map((category) => MALWARE_TYPES[category]))];
}

function typesOf(types: readonly string[]): { readonly malware_types?: readonly string[] } {
  return types.length === 0 ? {} : { malware_types: types };
}

function whyNotIndicator(indicator: Gathered, options: ExportOptions): string | undefined {
  if (NETWORK_TYPES.has(indicator.type)) return whyNotBlock(indicator, options);
  if (!HOST_TYPES.has(indicator.type)) return "a name alone tells too little";
  return indicator.linkable ? undefined : (indicator.why ?? "not one operator's own");
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
