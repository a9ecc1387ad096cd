/** MISP objects and attributes, with ids made from what they say. */
import { ASSAY_NAMESPACE, canonicalJson, uuid5 } from "../uuid.ts";

/** What MISP's column of values holds, in bytes; ours are counted in UTF-16 units, of which none takes more than three. */
export const MAX_VALUE = 65_535 / 3;

/** Object templates of MISP/misp-objects that are used here. */
const TEMPLATES = {
  file: { uuid: "688c46fb-5edb-40a3-8273-1af7923e2215", version: "25", category: "file" },
  "malware-config": { uuid: "8200b79b-1d8c-49a8-9a63-7710e613c059", version: "2", category: "file" },
  url: { uuid: "60efb77b-40b5-4c46-871b-ed1ed999fce5", version: "10", category: "network" },
  "ip-port": { uuid: "9f8cea74-16fe-4968-a2b4-026676949ac6", version: "10", category: "network" },
  "domain-ip": { uuid: "43b3b146-77eb-4931-b4cc-b66c60f28734", version: "11", category: "network" },
  x509: { uuid: "d1ab756a-26b5-4349-9f43-765630f0911c", version: "14", category: "network" },
  mutex: { uuid: "9f5c1a68-2021-4faa-b409-61c899c86466", version: "1", category: "misc" },
  "registry-key": { uuid: "8b3228ad-6d82-4fe6-b2ae-05426308f1d5", version: "5", category: "file" },
} as const;
export type TemplateName = keyof typeof TEMPLATES;

/** Attribute types used here, each with the category that MISP gives it. */
const CATEGORIES = {
  attachment: "Payload delivery",
  domain: "Network activity",
  filename: "Payload delivery",
  "ip-dst": "Network activity",
  md5: "Payload delivery",
  port: "Network activity",
  regkey: "Persistence mechanism",
  sha1: "Payload delivery",
  sha256: "Payload delivery",
  "size-in-bytes": "Other",
  text: "Other",
  url: "Network activity",
  "x509-fingerprint-sha1": "Network activity",
  "x509-fingerprint-sha256": "Network activity",
} as const;
export type AttributeType = keyof typeof CATEGORIES;

export interface AttributeSpec {
  readonly relation: string;
  readonly type: AttributeType;
  readonly value: string;
  readonly toIds?: boolean;
  readonly comment?: string;
  /** Base64, of attachments. */
  readonly data?: string;
  readonly correlate?: boolean;
}

export interface ReferenceSpec {
  readonly to: string;
  readonly kind: string;
}

export function mispUuid(...parts: readonly string[]): string {
  return uuid5(ASSAY_NAMESPACE, canonicalJson(["misp", ...parts]));
}

/** `key`: what tells this object from all others of its template. */
export function objectUuid(event: string, template: TemplateName, ...key: readonly string[]): string {
  return mispUuid(event, template, ...key);
}

export function mispObject(
  uuid: string,
  template: TemplateName,
  timestamp: string,
  attributes: readonly AttributeSpec[],
  references: readonly ReferenceSpec[] = [],
  comment = "",
): Record<string, unknown> {
  const { uuid: templateUuid, version, category } = TEMPLATES[template];
  return {
    name: template,
    "meta-category": category,
    template_uuid: templateUuid,
    template_version: version,
    uuid,
    timestamp,
    distribution: "5",
    ...(comment === "" ? {} : { comment }),
    Attribute: attributes.map((spec) => attributeOf(uuid, timestamp, spec)),
    ...(references.length === 0
      ? {}
      : {
          ObjectReference: references.map(({ to, kind }) => ({
            uuid: mispUuid(uuid, "reference", kind, to),
            object_uuid: uuid,
            referenced_uuid: to,
            relationship_type: kind,
            timestamp,
          })),
        }),
  };
}

function attributeOf(object: string, timestamp: string, spec: AttributeSpec): Record<string, unknown> {
  return {
    uuid: mispUuid(object, spec.relation, spec.value),
    object_relation: spec.relation,
    type: spec.type,
    category: CATEGORIES[spec.type],
    value: spec.value,
    to_ids: spec.toIds ?? false,
    disable_correlation: spec.correlate === false,
    distribution: "5",
    timestamp,
    ...(spec.comment === undefined ? {} : { comment: spec.comment }),
    ...(spec.data === undefined ? {} : { data: spec.data }),
  };
}
