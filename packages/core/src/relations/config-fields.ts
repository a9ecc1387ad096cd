/** A config as rows: every value under the name of its field. */
import type { Config } from "../model/index.ts";

export interface ConfigField {
  /** Names joined by dots, list positions left out: `mutex`, `http.uri`, `other.install_flag`. */
  readonly name: string;
  readonly value: string;
}

/** A config has a few dozen values; a list of decoded strings can be long. */
const MAX_FIELDS = 2000;
/** Configs nest some four deep. */
const MAX_DEPTH = 16;

/** In the order of the config; `family` and `category`, which say nothing of one config, are left out. */
export function configFields(config: Config): ConfigField[] {
  const fields: ConfigField[] = [];
  for (const [name, value] of Object.entries(config))
    if (name !== "family" && name !== "category") walk(name, value, 0, fields);
  return fields;
}

function walk(name: string, value: unknown, depth: number, fields: ConfigField[]): void {
  if (value === undefined || value === null || depth > MAX_DEPTH || fields.length >= MAX_FIELDS) return;
  if (Array.isArray(value)) for (const entry of value) walk(name, entry, depth + 1, fields);
  else if (typeof value === "object")
    for (const [key, entry] of Object.entries(value)) walk(`${name}.${key}`, entry, depth + 1, fields);
  else if (value !== "") fields.push({ name, value: String(value) });
}
