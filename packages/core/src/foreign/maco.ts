/** MACO models (CybercentreCanada/Maco), ours and those of other extractors: one, or an array of them. */
import Type, { type TSchema } from "typebox";
import { Value } from "typebox/value";
import { MACO_ORIGIN } from "../export/maco.ts";
import { indicatorsOf } from "../indicators/index.ts";
import { Config, type Finding } from "../model/index.ts";
import { Draft, type Reading } from "./claim.ts";
import { isObject, type JsonObject, member, textAt, without } from "./json.ts";

/** Members that only a MACO model has beside its family. */
const MARKS = [
  "tcp",
  "http",
  "udp",
  "encryption",
  "mutex",
  "campaign_id",
  "other",
  "paths",
  "decoded_strings",
  "sleep_delay",
  "binaries",
  "version",
  "identifier",
  "capability_enabled",
  "registry",
  "dns",
  "ssh",
  "ftp",
  "smtp",
  "proxy",
  "service",
  "cryptocurrency",
];

export function isMaco(value: unknown): boolean {
  const first = Array.isArray(value) ? value[0] : value;
  return (
    textAt(first, "family") !== undefined &&
    !isObject(member(first, "cfg")) &&
    MARKS.some((name) => member(first, name) !== undefined)
  );
}

export function readMaco(value: unknown, reading: Reading): void {
  for (const model of Array.isArray(value) ? value : [value]) {
    if (!isObject(model) || textAt(model, "family") === undefined) {
      reading.leaveOut(JSON.stringify(model).slice(0, 200), "no MACO model: it names no family");
      continue;
    }
    const draft = new Draft(reading);
    takeMaco(draft, model, reading);
    reading.add(draft);
  }
}

/** A config in MACO's shape into a claim; what `other` says of the file becomes the subject. */
export function takeMaco(draft: Draft, model: JsonObject, reading: Reading): void {
  const config = withoutOrigin(draft, model);
  draft.family(config.family);
  draft.config(config);
  const { known, odd } = knownPart(config);
  for (const name of odd)
    reading.leaveOut(name, "a field that is not of MACO's types: kept in the config alone");
  const finding = { ...EMPTY, family: known.family, config: known };
  for (const { type, value, usage } of indicatorsOf(finding, {})) draft.add({ type, value, usage });
}

const EMPTY: Omit<Finding, "family" | "config"> = {
  ...{ aliases: [], layout: "", confidence: "heuristic", artifact: 0, subject: 0 },
  ...{ c2: [], evidence: [], reasons: [], rules: [] },
};

function withoutOrigin(draft: Draft, model: JsonObject): JsonObject {
  const other = member(model, "other");
  const origin = member(other, MACO_ORIGIN);
  if (!isObject(other) || !isObject(origin)) return model;
  draft.subject(member(origin, "sha256"));
  const rest = without(other, [MACO_ORIGIN]);
  const entries = Object.entries(model).map(([name, value]) => [name, name === "other" ? rest : value]);
  return Object.fromEntries(entries.filter(([name]) => name !== "other" || Object.keys(rest).length > 0));
}

/** Fields as our model has them; entries of lists one by one, so that one odd entry does not cost the others. */
function knownPart(config: JsonObject): { readonly known: Config; readonly odd: readonly string[] } {
  const odd: string[] = [];
  const known: Record<string, unknown> = { family: textAt(config, "family") ?? "" };
  for (const [name, schema] of Object.entries(Config.properties)) {
    const value = member(config, name);
    if (value === undefined || value === null || name === "family") continue;
    if (Type.IsArray(schema) && Array.isArray(value)) {
      const good = value
        .map((entry: unknown) => fitted(schema.items as TSchema, entry))
        .filter((entry) => entry !== undefined);
      if (good.length < value.length) odd.push(name);
      if (good.length > 0) known[name] = good;
    } else if (Value.Check(schema, value)) known[name] = value;
    else odd.push(name);
  }
  return { known: known as Config, odd };
}

/** An entry that fits; of an object those members that do, since other versions of MACO know more of them. */
function fitted(schema: TSchema, entry: unknown): unknown {
  if (Value.Check(schema, entry)) return entry;
  if (!Type.IsObject(schema) || !isObject(entry)) return undefined;
  const own = Object.entries(schema.properties).flatMap(([name, inner]) => {
    const value = member(entry, name);
    return value !== undefined && Value.Check(inner, value) ? [[name, value] as const] : [];
  });
  const part = Object.fromEntries(own);
  return own.length > 0 && Value.Check(schema, part) ? part : undefined;
}
