/** Configs of MWDB (CERT-Polska/mwdb-core): as `GET /api/config` gives them and `POST /api/config` takes them. */
import { Draft, type Reading } from "./claim.ts";
import { takeFields } from "./fields.ts";
import { isObject, type JsonObject, listAt, member, textAt, without } from "./json.ts";

/** A single one, a list, or `{configs: […]}` as a page of them comes. */
function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const page = listAt(value, "configs");
  return page.length > 0 ? page : [value];
}

export function isMwdb(value: unknown): boolean {
  const [first] = entriesOf(value);
  return isObject(member(first, "cfg")) && typeof member(first, "family") === "string";
}

export function readMwdb(value: unknown, reading: Reading): void {
  for (const entry of entriesOf(value)) {
    const cfg = member(entry, "cfg");
    if (!isObject(cfg)) {
      reading.leaveOut(
        textAt(entry, "id") ?? "an entry",
        "without `cfg`: a list of configs, not the configs",
      );
      continue;
    }
    const draft = new Draft(reading);
    draft.family(member(entry, "family"));
    draft.at(member(entry, "upload_time"));
    draft.subject(member(entry, "parent"));
    for (const parent of listAt(entry, "parents"))
      if (textAt(parent, "type") === "file") draft.subject(member(parent, "id"));
    const config = unwrapped(without(cfg, ["type"]));
    draft.config(config);
    takeFields(draft, config);
    reading.add(draft);
  }
}

/** A blob within a config stands as `{"in-blob": …}`: its text, or what it is called. */
function unwrapped(config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      const blob = member(value, "in-blob");
      return [name, typeof blob === "string" ? blob : (member(blob, "content") ?? value)];
    }),
  );
}
