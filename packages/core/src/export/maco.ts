/** Configs as the models of MACO 1.x (CybercentreCanada/Maco, maco/model/model.py), an array of them. */
import type { Config, Report } from "../model/index.ts";
import { filesOf } from "./files.ts";
import { type Exported, jsonBody, Omissions } from "./form.ts";

/** MACO has no place for the file that a model speaks of: it stands under this key of `other`. */
export const MACO_ORIGIN = "assay";

export function toMaco(report: Report): Exported {
  const omissions = new Omissions();
  const models = filesOf(report).flatMap((file) =>
    file.findings.map(({ config, layout, confidence, version }): Config => {
      if (config.other?.[MACO_ORIGIN] !== undefined)
        omissions.add(JSON.stringify(config.other[MACO_ORIGIN]), `its key, other.${MACO_ORIGIN}, is ours`);
      const known = config.version ?? version;
      return {
        ...config,
        ...(known === undefined ? {} : { version: known }),
        other: {
          ...config.other,
          [MACO_ORIGIN]: { sha256: file.sha256, names: file.names, layout, confidence },
        },
      };
    }),
  );
  return {
    body: jsonBody(models),
    leftOut: omissions.list,
    notes: [`one model for each config; its file is named in other.${MACO_ORIGIN}; evidence is left out`],
  };
}
