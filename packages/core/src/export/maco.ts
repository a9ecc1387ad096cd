/** Configs as the models of MACO 1.x (CybercentreCanada/Maco, maco/model/model.py), an array of them. */
import type { Config } from "../model/index.ts";
import type { ReportedFile } from "./files.ts";
import type { Omissions } from "./form.ts";
import { jsonList } from "./json-list.ts";

/** MACO has no place for the file that a model speaks of: it stands under this key of `other`. */
export const MACO_ORIGIN = "assay";

export const toMaco = jsonList({
  open: "[",
  close: "\n",
  depth: 1,
  entries: modelsOf,
  notes: [`one model for each config; its file is named in other.${MACO_ORIGIN}; evidence is left out`],
});

function modelsOf(file: ReportedFile, omissions: Omissions): Config[] {
  return file.findings.map(({ config, layout, confidence, version }): Config => {
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
  });
}
