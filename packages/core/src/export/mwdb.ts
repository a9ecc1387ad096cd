/** Configs as MWDB takes them (POST /api/config: family, config_type, cfg, parent), an array of them. */
import type { Report } from "../model/index.ts";
import { familyName, filesOf } from "./files.ts";
import { type Exported, jsonBody } from "./form.ts";

/** MWDB makes a config's id from `cfg`, so only what the malware holds stands there: equal configs fold into one. */
export function toMwdb(report: Report): Exported {
  const uploads = filesOf(report).flatMap((file) =>
    file.findings.map((finding) => {
      const { family, ...fields } = finding.config;
      return {
        family: familyName(finding),
        config_type: "static",
        parent: file.sha256,
        cfg: { type: family, ...(finding.c2.length === 0 ? {} : { c2: finding.c2 }), ...fields },
      };
    }),
  );
  return { body: jsonBody(uploads), leftOut: [], notes: [] };
}
