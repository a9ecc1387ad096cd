/** An export sent to a platform. */
import type { ExportOptions } from "@assay/core/export/form";
import { Http, type HttpOptions } from "../../sandboxes/http.ts";
import type { Answer } from "../../sandboxes/sandbox.ts";
import { pushToMisp } from "./misp.ts";
import { pushToOpenCti } from "./opencti.ts";
import type { PushSettings } from "./settings.ts";
import type { Cargo, Push, Pushed, TargetKind } from "./target.ts";
import { pushToTaxii } from "./taxii.ts";

/** The form that each platform takes. */
export const FORM_OF: Readonly<Record<TargetKind, "misp" | "stix">> = {
  misp: "misp",
  opencti: "stix",
  taxii: "stix",
};

export interface PushOptions extends Pick<ExportOptions, "tlp"> {
  /** OpenCTI's id of a connector whose queue takes the bundle. */
  readonly connector?: string;
  readonly onProgress?: (text: string) => void;
}

export async function push(
  settings: PushSettings,
  body: string,
  options: PushOptions,
  more: Partial<HttpOptions> = {},
): Promise<Answer<Pushed>> {
  const { base, authorization, secrets } = settings;
  const { onProgress } = options;
  const http = new Http({
    ...{ base, secrets },
    ...(authorization === undefined ? {} : { authorization }),
    ...(onProgress === undefined ? {} : { onWait: onProgress }),
    ...more,
  });
  const cargo: Cargo = { body, value: JSON.parse(body) as Cargo["value"] };
  const by: Readonly<Record<TargetKind, Push>> = {
    misp: pushToMisp,
    opencti: pushToOpenCti(options.connector),
    taxii: pushToTaxii,
  };
  return by[settings.kind]({ http, ...(onProgress === undefined ? {} : { onProgress }) }, cargo);
}
