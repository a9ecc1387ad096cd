/** CAPE's report.json (kevoreilly/CAPEv2, modules/processing/CAPE.py) and the `CAPE.configs` that assay writes. */
import { Draft, type Reading } from "./claim.ts";
import { takeFields } from "./fields.ts";
import { isObject, type JsonObject, listAt, member, objectAt, textAt } from "./json.ts";

export function isCape(value: unknown): boolean {
  return isObject(member(value, "CAPE")) || Array.isArray(member(value, "CAPE"));
}

export function readCape(value: unknown, reading: Reading): void {
  const target = objectAt(value, "target", "file");
  const started = textAt(value, "info", "started");
  const configs = member(objectAt(value, "CAPE"), "configs");
  // Old reports have one object of families instead of a list of them.
  for (const entry of Array.isArray(configs) ? configs : [configs]) {
    if (!isObject(entry)) continue;
    const hashes = hashesOf(entry);
    for (const [family, fields] of Object.entries(entry)) {
      if (family.startsWith("_")) continue;
      if (!isObject(fields)) {
        reading.leaveOut(family, "a config without fields");
        continue;
      }
      const draft = new Draft(reading);
      for (const hash of hashes.length > 0 ? hashes : [member(target, "sha256")]) draft.subject(hash);
      draft.family(family);
      draft.at(started);
      draft.config(fields);
      takeFields(draft, fields);
      reading.add(draft);
    }
  }
  for (const detection of listAt(value, "detections")) {
    const family = textAt(detection, "family");
    if (family !== undefined) reading.leaveOut(family, "a detection without a config");
  }
}

/** SHA-256 of the files that a config was found in; the weaker digests are of the same. */
function hashesOf(entry: JsonObject): unknown[] {
  return listAt(entry, "_associated_config_hashes").flatMap((hashes) => {
    const sha256 = textAt(hashes, "sha256");
    return sha256 === undefined ? [] : [sha256];
  });
}
