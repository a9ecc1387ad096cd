/** Configs as CAPE writes them into its report.json (CAPEv2, modules/processing/CAPE.py; keys: CAPE-parsers' README). */
import type { Finding } from "../model/index.ts";
import { familyName, type ReportedFile } from "./files.ts";
import { jsonList } from "./json-list.ts";

export const toCape = jsonList({
  open: '{\n  "CAPE": {\n    "configs": [',
  close: "\n  }\n}\n",
  depth: 3,
  entries: configsOf,
});

function configsOf(file: ReportedFile): unknown[] {
  return file.findings.map((finding) => ({
    [familyName(finding)]: capeConfig(finding),
    _associated_config_hashes: [
      { md5: file.md5 ?? "", sha1: file.sha1 ?? "", sha256: file.sha256, sha512: "", sha3_384: "" },
    ],
  }));
}

/** What CAPE has a key for under that key, all of the config under `raw`. */
function capeConfig({ c2, config, version }: Finding): Record<string, unknown> {
  const agent = config.http?.find((entry) => entry.user_agent !== undefined)?.user_agent;
  const crypto = config.encryption?.find(
    (entry) => entry.key !== undefined || entry.public_key !== undefined,
  );
  const single = {
    campaign: config.campaign_id?.[0],
    botnet: config.identifier?.[0],
    version: config.version ?? version,
    mutex: config.mutex?.[0],
    user_agent: agent,
    cryptokey: crypto?.key ?? crypto?.public_key,
    cryptokey_type: crypto?.algorithm,
  };
  const present = Object.entries(single).filter(([, value]) => value !== undefined);
  return { CNCs: c2, ...Object.fromEntries(present), raw: config };
}
