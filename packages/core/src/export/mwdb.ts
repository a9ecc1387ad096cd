/** Configs as MWDB takes them (POST /api/config: family, config_type, cfg, parent), an array of them. */
import { familyName, type ReportedFile } from "./files.ts";
import { jsonList } from "./json-list.ts";

export const toMwdb = jsonList({ open: "[", close: "\n", depth: 1, entries: uploadsOf });

/** MWDB makes a config's id from `cfg`, so only what the malware holds stands there: equal configs fold into one. */
function uploadsOf(file: ReportedFile): unknown[] {
  return file.findings.map((finding) => {
    const { family, ...fields } = finding.config;
    return {
      family: familyName(finding),
      config_type: "static",
      parent: file.sha256,
      cfg: { type: family, ...(finding.c2.length === 0 ? {} : { c2: finding.c2 }), ...fields },
    };
  });
}
