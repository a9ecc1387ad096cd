/** MISP events (misp-standard.org, core format) with objects, above all `malware-config` ones. */
import type { ConnUsage } from "../model/index.ts";
import { Draft, type Reading } from "./claim.ts";
import { takeAddresses, takeFields } from "./fields.ts";
import { isObject, type JsonObject, listAt, member, objectAt, textAt } from "./json.ts";
import { isMaco, takeMaco } from "./maco.ts";

/** One event, `{response: […]}` of a search, or a list. */
function eventsOf(value: unknown): JsonObject[] {
  const all = Array.isArray(value)
    ? value
    : listAt(value, "response").length > 0
      ? listAt(value, "response")
      : [value];
  return all.map((one) => objectAt(one, "Event")).filter((event) => Object.keys(event).length > 0);
}

export function isMisp(value: unknown): boolean {
  return eventsOf(value).length > 0;
}

interface Attribute {
  readonly relation: string;
  readonly type: string;
  readonly value: string;
  readonly comment: string;
}

function attributesOf(owner: unknown): Attribute[] {
  return listAt(owner, "Attribute").flatMap((one) => {
    const value = textAt(one, "value");
    if (value === undefined || member(one, "deleted") === true) return [];
    return [
      {
        relation: textAt(one, "object_relation") ?? "",
        type: textAt(one, "type") ?? "",
        value,
        comment: textAt(one, "comment") ?? "",
      },
    ];
  });
}

export function readMisp(value: unknown, reading: Reading): void {
  for (const event of eventsOf(value)) readEvent(event, reading);
}

function readEvent(event: JsonObject, reading: Reading): void {
  const objects = listAt(event, "Object").filter(isObject);
  const files = new Map(
    objects.filter((one) => textAt(one, "name") === "file").map((one) => [textAt(one, "uuid") ?? "", one]),
  );
  const family = familyOf(event);
  const at = momentsOf(event);
  const begin = (): Draft => {
    const draft = new Draft(reading);
    for (const moment of at) draft.at(moment);
    return draft;
  };
  for (const object of objects) {
    if (textAt(object, "name") !== "malware-config") continue;
    const draft = begin();
    const referred = referencesOf(object)
      .map((uuid) => files.get(uuid))
      .filter((file) => file !== undefined);
    const of = referred.length > 0 ? referred : files.size === 1 ? [...files.values()] : [];
    for (const file of of) draft.subject(hashOfFile(file));
    takeConfig(draft, object, reading);
    draft.family(family);
    reading.add(draft);
  }
  const rest = begin();
  rest.family(family);
  for (const file of files.values()) {
    const hash = hashOfFile(file);
    if (hash !== undefined) rest.subject(hash);
  }
  for (const object of objects) takeObject(rest, object);
  for (const attribute of attributesOf(event)) takeAttribute(rest, attribute, "", reading);
  reading.add(rest);
}

function momentsOf(event: JsonObject): unknown[] {
  return [member(event, "date"), member(event, "timestamp")];
}

/** Of the galaxy's tag, when there is one family. */
function familyOf(event: JsonObject): string | undefined {
  const names = listAt(event, "Tag").flatMap((tag) => {
    const match = /^misp-galaxy:(?:malpedia|mitre-malware|tool|rat|stealer|banker)="([^"]+)"$/.exec(
      textAt(tag, "name") ?? "",
    );
    return match?.[1] === undefined ? [] : [match[1]];
  });
  const distinct = [...new Set(names)];
  return distinct.length === 1 ? distinct[0] : undefined;
}

function referencesOf(object: JsonObject): string[] {
  return listAt(object, "ObjectReference").flatMap((one) => textAt(one, "referenced_uuid") ?? []);
}

function hashOfFile(file: JsonObject): string | undefined {
  const attributes = attributesOf(file);
  for (const type of ["sha256", "sha1", "md5"]) {
    const found = attributes.find((one) => one.type === type);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

/** The `config` of a malware-config object is a text in the format that `format` names; only JSON is read. */
function takeConfig(draft: Draft, object: JsonObject, reading: Reading): void {
  const attributes = attributesOf(object);
  const config = attributes.find(({ relation }) => relation === "config");
  if (config === undefined) {
    reading.leaveOut("a malware-config object", "its config is a file beside it, or is not there");
    return;
  }
  const parsed = parse(config.value);
  if (!isObject(parsed)) {
    reading.leaveOut(config.value, "a config that is no object in JSON");
    return;
  }
  if (isMaco(parsed)) takeMaco(draft, parsed, reading);
  else {
    draft.family(member(parsed, "family") ?? member(parsed, "Family"));
    draft.config(parsed);
    takeFields(draft, parsed);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function takeObject(draft: Draft, object: JsonObject): void {
  const name = textAt(object, "name") ?? "";
  const attributes = attributesOf(object);
  const comment = textAt(object, "comment") ?? "";
  const value = (...relations: string[]) =>
    attributes.find(({ relation }) => relations.includes(relation))?.value;
  switch (name) {
    case "ip-port": {
      const [host, port] = [value("ip-dst", "ip", "domain", "hostname"), value("dst-port")];
      const usage = usageOf(comment);
      if (host === undefined) return;
      const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
      if (port === undefined || !draft.address(`${bare}:${port}`, usage)) draft.address(host, usage);
      return;
    }
    case "mutex":
      draft.name("mutex", value("name"));
      return;
    case "registry-key":
      draft.name("registry", value("key"));
      return;
    case "file":
      draft.name("file", value("fullpath"));
      return;
    case "malware-config":
      return;
    default:
      for (const attribute of attributes) takeAttribute(draft, attribute, comment, undefined);
  }
}

const NETWORK: ReadonlySet<string> = new Set([
  "domain",
  "hostname",
  "ip-dst",
  "url",
  "uri",
  "ip-dst|port",
  "domain|ip",
  "hostname|port",
]);

function takeAttribute(
  draft: Draft,
  { type, value, comment }: Attribute,
  around: string,
  reading: Reading | undefined,
): void {
  if (NETWORK.has(type)) {
    const usage = usageOf(`${around} ${comment}`);
    if (type === "domain|ip") for (const part of value.split("|", 2)) takeAddresses(draft, part, usage);
    else takeAddresses(draft, value.replace("|", ":"), usage);
  } else if (type === "mutex") draft.name("mutex", value);
  else if (type === "regkey") draft.name("registry", value);
  else if (type === "user-agent") draft.name("user_agent", value);
  else if (type === "x509-fingerprint-sha256" || type === "x509-fingerprint-sha1")
    draft.name("certificate", value.toLowerCase());
  else if (type === "sha256" || type === "sha1" || type === "md5") draft.subject(value);
  else reading?.leaveOut(value, `an attribute of type ${type || "none"}`);
}

/** What the comment says first, as ours do, or in words. */
function usageOf(comment: string): ConnUsage {
  const text = comment.toLowerCase();
  if (/\bdead.?drop/.test(text)) return "dead_drop_resolver";
  if (/\bdecoy/.test(text)) return "decoy";
  if (/\bdownload|\bpayload/.test(text)) return "download";
  return /\bc2\b|\bc&c\b|command.and.control|\bcnc\b/.test(text) ? "c2" : "other";
}
