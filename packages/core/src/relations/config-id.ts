import { hex, utf8Bytes } from "../bytes/index.ts";
import { sha256 } from "../codecs/index.ts";
import type { Config } from "../model/index.ts";

/** `config:` and the SHA-256 of the config as JSON with sorted keys: equal for equal configs, wherever they were found. */
export function configId(config: Config): string {
  return `config:${hex(sha256(utf8Bytes(canonicalJson(config))))}`;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
