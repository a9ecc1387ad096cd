/** The overview.json of Hatching Triage (hatching/triage, types/types.go: OverviewReport, Extract). */
import { Draft, type Reading } from "./claim.ts";
import { takeAddresses, takeFields } from "./fields.ts";
import { isObject, listAt, member, objectAt, textAt } from "./json.ts";

export function isTriage(value: unknown): boolean {
  return (
    isObject(member(value, "sample")) &&
    isObject(member(value, "analysis")) &&
    (Array.isArray(member(value, "targets")) || Array.isArray(member(value, "extracted")))
  );
}

export function readTriage(value: unknown, reading: Reading): void {
  const sample = objectAt(value, "sample");
  const subject = textAt(sample, "sha256") ?? textAt(sample, "sha1") ?? textAt(sample, "md5");
  const at = textAt(sample, "completed") ?? textAt(sample, "created");
  const begin = (): Draft => {
    const draft = new Draft(reading);
    draft.subject(subject);
    draft.at(at);
    return draft;
  };
  for (const extract of listAt(value, "extracted")) {
    const config = member(extract, "config");
    if (isObject(config)) {
      const draft = begin();
      draft.family(textAt(config, "family") ?? textAt(config, "rule"));
      draft.config(config);
      takeFields(draft, config);
      reading.add(draft);
    }
    const dropper = member(extract, "dropper");
    if (isObject(dropper)) {
      const draft = begin();
      draft.family(member(dropper, "family"));
      for (const entry of listAt(dropper, "urls"))
        takeAddresses(draft, textAt(entry, "url") ?? "", "download");
      reading.add(draft);
    }
    const ransom = member(extract, "ransom_note");
    if (isObject(ransom)) {
      const draft = begin();
      draft.family(member(ransom, "family"));
      for (const url of listAt(ransom, "urls"))
        if (typeof url === "string") takeAddresses(draft, url, "ransom");
      reading.add(draft);
    }
    const credentials = member(extract, "credentials");
    if (isObject(credentials)) {
      const draft = begin();
      draft.config({ credentials });
      takeFields(draft, { exfil: credentials });
      reading.add(draft);
    }
  }
  for (const place of [sample, ...listAt(value, "targets")])
    for (const list of ["urls", "domains", "ips"])
      for (const entry of listAt(place, "iocs", list))
        if (typeof entry === "string")
          reading.leaveOut(entry, "seen on the network in the sandbox, not in a config");
}
