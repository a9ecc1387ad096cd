/** A report as one MISP event (MISP core format), with the objects of misp-objects and tags of the galaxy of Malpedia. */
import { utf8Bytes } from "../../bytes/index.ts";
import type { Finding } from "../../model/index.ts";
import { familiesOf, familyName, filesOfSample, type ReportedFile } from "../files.ts";
import { type Conversion, type ExportOptions, type Head, JsonArray, jsonBody, Omissions } from "../form.ts";
import { type Gathered, Gatherer, NETWORK_TYPES } from "../gather.ts";
import { isAddress, NO_ADDRESS, whyNotBlock } from "../policy.ts";
import { momentOf } from "../times.ts";
import { encodeBase64 } from "./base64.ts";
import {
  type AttributeSpec,
  MAX_VALUE,
  mispObject,
  mispUuid,
  objectUuid,
  type ReferenceSpec,
  type TemplateName,
} from "./objects.ts";

/** How a config's file speaks of what it connects to. */
const TIES: Readonly<Partial<Record<Gathered["usage"], string>>> = {
  c2: "beacons-to",
  upload: "exfiltrates-to",
  download: "downloads-from",
};

export function toMisp(head: Head, options: ExportOptions): Conversion {
  const omissions = new Omissions();
  const gatherer = new Gatherer();
  const hashes: string[] = [];
  const families = new Set<string>();
  const array = new JsonArray(3);
  let context: Context | undefined;
  const entries = (objects: readonly unknown[]) => objects.map((object) => array.entry(object));
  return {
    learn: (sample) => {
      for (const file of filesOfSample(sample)) {
        gatherer.add(file);
        hashes.push(file.sha256);
        for (const finding of file.findings) families.add(familyName(finding));
      }
    },
    begin: function* () {
      const names = [...families].sort();
      const moment = momentOf(head.startedAt);
      const timestamp = String(Math.floor(Date.parse(moment) / 1000));
      const event = eventUuid(hashes);
      context = { event, timestamp, options, omissions, gatherer, files: new Set() };
      const body = jsonBody({
        Event: {
          uuid: event,
          info: infoOf(names, hashes.length),
          date: moment.slice(0, 10),
          timestamp,
          published: false,
          // Completed; threat level undefined; nobody but the own organisation until somebody decides otherwise.
          analysis: "2",
          threat_level_id: "4",
          distribution: "0",
          Orgc: { name: "assay", uuid: mispUuid("organisation", "assay") },
          Tag: tagsOf(names, options, omissions).map((name) => ({ name })),
          Attribute: [],
          Object: [],
        },
      });
      yield body.slice(0, body.lastIndexOf("]"));
      for (const indicator of gatherer.all()) yield* entries(indicatorObject(context, indicator));
    },
    write: (sample) => {
      const known = context;
      return known === undefined
        ? []
        : entries(filesOfSample(sample).flatMap((file) => fileAndConfigs(known, file)));
    },
    end: () => [array.close(), "\n  }\n}\n"],
    leftOut: () => omissions.list,
    notes: () => ["distribution is `your organisation only`: whoever publishes the event decides"],
  };
}

/** The same files make the same event, in whatever order they come. */
function eventUuid(hashes: readonly string[]): string {
  return mispUuid("event", ...[...hashes].sort());
}

interface Context {
  readonly event: string;
  readonly timestamp: string;
  readonly options: ExportOptions;
  readonly omissions: Omissions;
  /** Knows the objects of indicators. */
  readonly gatherer: Gatherer;
  /** Those that have an object. */
  readonly files: Set<string>;
}

function infoOf(names: readonly string[], files: number): string {
  const whose = names.length === 0 ? "" : ` of ${names.join(", ")}`;
  return `Malware configurations${whose} (${files} ${files === 1 ? "file" : "files"})`;
}

/** A machine tag's value stands in quotation marks and has no escape for them. */
const TAG_VALUE = /^[^"\p{Cc}\p{Cf}]{1,200}$/u;

function tagsOf(names: readonly string[], options: ExportOptions, omissions: Omissions): string[] {
  const tags: string[] = [];
  if (options.tlp !== undefined) tags.push(`tlp:${options.tlp}`);
  for (const name of names) {
    if (TAG_VALUE.test(name)) tags.push(`misp-galaxy:malpedia="${name}"`);
    else omissions.add(name, "no tag can hold this name");
  }
  return tags;
}

function keyOf({ type, value }: { readonly type: string; readonly value: string }): string {
  return `${type}:${value}`;
}

/** Sockets and URLs hold their hosts too, so a host that stands in one is not told twice by itself. */
function indicatorObject(context: Context, indicator: Gathered): Record<string, unknown>[] {
  const { type, value, usage } = indicator;
  const { options, omissions } = context;
  if (NETWORK_TYPES.has(type) && !isAddress(type, value)) {
    omissions.add(value, NO_ADDRESS);
    return [];
  }
  const why = NETWORK_TYPES.has(type) ? whyNotBlock(indicator, options) : undefined;
  const toIds = NETWORK_TYPES.has(type) && why === undefined;
  if (why !== undefined) omissions.add(value, `to_ids is false: ${why}`);
  if (value.length > MAX_VALUE) {
    omissions.add(value, "longer than MISP's values may be");
    return [];
  }
  const spec = specOf(indicator, toIds);
  if (spec === undefined) {
    omissions.add(value, "stands in its malware-config object alone: MISP has no object for it");
    return [];
  }
  const uuid = objectUuid(context.event, spec.template, type, value);
  const note = context.gatherer.noteOf(keyOf(indicator));
  if (note !== undefined) note.observed = uuid;
  const comment = [usage === "other" ? "" : usage, why ?? ""].filter((text) => text !== "").join(": ");
  return [mispObject(uuid, spec.template, context.timestamp, spec.attributes, [], comment)];
}

function specOf(
  { type, value }: Gathered,
  toIds: boolean,
): { readonly template: TemplateName; readonly attributes: readonly AttributeSpec[] } | undefined {
  switch (type) {
    case "domain":
      return { template: "domain-ip", attributes: [{ relation: "domain", type: "domain", value, toIds }] };
    case "ipv4":
    case "ipv6":
      return { template: "domain-ip", attributes: [{ relation: "ip", type: "ip-dst", value, toIds }] };
    case "url":
      return { template: "url", attributes: [{ relation: "url", type: "url", value, toIds }] };
    case "socket":
      return { template: "ip-port", attributes: socketAttributes(value, toIds) };
    case "mutex":
      return { template: "mutex", attributes: [{ relation: "name", type: "text", value }] };
    case "registry":
      return { template: "registry-key", attributes: [{ relation: "key", type: "regkey", value }] };
    case "certificate": {
      const digest = value.length === 64 ? "sha256" : value.length === 40 ? "sha1" : undefined;
      if (digest === undefined || !/^[0-9a-f]+$/.test(value)) return undefined;
      const relation = `x509-fingerprint-${digest}` as const;
      return { template: "x509", attributes: [{ relation, type: relation, value }] };
    }
    case "file": {
      const name = value.split(/[\\/]/).at(-1) ?? "";
      const attributes: AttributeSpec[] = [{ relation: "fullpath", type: "text", value }];
      if (name !== "")
        attributes.push({ relation: "filename", type: "filename", value: name, correlate: false });
      return { template: "file", attributes };
    }
    default:
      return undefined;
  }
}

function socketAttributes(value: string, toIds: boolean): AttributeSpec[] {
  const colon = value.lastIndexOf(":");
  const host = value.slice(0, colon).replace(/^\[|\]$/g, "");
  const isName = !host.includes(":") && /[a-z_]/.test(host);
  return [
    isName
      ? { relation: "domain", type: "domain", value: host, toIds }
      : { relation: "ip-dst", type: "ip-dst", value: host, toIds },
    { relation: "dst-port", type: "port", value: value.slice(colon + 1), correlate: false },
  ];
}

/** Nothing for a file that was met before, by itself or in another archive. */
function fileAndConfigs(context: Context, file: ReportedFile): Record<string, unknown>[] {
  const { event, timestamp, files } = context;
  if (files.has(file.sha256)) return [];
  files.add(file.sha256);
  const uuid = objectUuid(event, "file", "sha256", file.sha256);
  // A digest of a file with a validated config stops that very file and nothing else.
  const toIds = file.findings.some((finding) => finding.confidence !== "heuristic");
  const hashes: AttributeSpec[] = [{ relation: "sha256", type: "sha256", value: file.sha256, toIds }];
  if (file.sha1 !== undefined) hashes.push({ relation: "sha1", type: "sha1", value: file.sha1, toIds });
  if (file.md5 !== undefined) hashes.push({ relation: "md5", type: "md5", value: file.md5, toIds });
  if (file.size !== undefined)
    hashes.push({
      relation: "size-in-bytes",
      type: "size-in-bytes",
      value: String(file.size),
      correlate: false,
    });
  for (const name of file.names) {
    if (name.length > MAX_VALUE) context.omissions.add(name, "longer than MISP's values may be");
    else hashes.push({ relation: "filename", type: "filename", value: name, correlate: false });
  }
  const references = new Map<string, ReferenceSpec>();
  for (const indicator of file.indicators) {
    const to = context.gatherer.noteOf(keyOf(indicator))?.observed;
    const kind = NETWORK_TYPES.has(indicator.type) ? (TIES[indicator.usage] ?? "contains") : "contains";
    if (to !== undefined) references.set(to, { to, kind });
  }
  return [
    mispObject(uuid, "file", timestamp, hashes, [...references.values()], familiesOf(file).join(", ")),
    ...file.findings.map((finding, index) => configObject(context, file, finding, index, uuid)),
  ];
}

function configObject(
  { event, timestamp, omissions }: Context,
  file: ReportedFile,
  finding: Finding,
  index: number,
  fileUuid: string,
): Record<string, unknown> {
  const uuid = objectUuid(event, "malware-config", file.sha256, String(index));
  const text = JSON.stringify(finding.config);
  const attributes: AttributeSpec[] = [
    text.length <= MAX_VALUE
      ? { relation: "config", type: "text", value: text, correlate: false }
      : {
          relation: "file-config",
          type: "attachment",
          value: `${file.sha256}.config.json`,
          data: encodeBase64(utf8Bytes(text)),
          correlate: false,
        },
    { relation: "format", type: "text", value: "JSON", correlate: false },
    {
      relation: "description",
      type: "text",
      value: `${finding.family}, layout ${finding.layout}, ${finding.confidence}; fields as in MACO`,
      correlate: false,
    },
  ];
  const password = finding.config.password?.[0];
  if (password !== undefined && password !== "" && password.length <= MAX_VALUE)
    attributes.push({ relation: "password", type: "text", value: password });
  if ((finding.config.password?.length ?? 0) > 1)
    for (const further of finding.config.password?.slice(1) ?? [])
      omissions.add(further, "further password: stands in the config text alone");
  return mispObject(uuid, "malware-config", timestamp, attributes, [
    { to: fileUuid, kind: "extracted-from" },
  ]);
}
