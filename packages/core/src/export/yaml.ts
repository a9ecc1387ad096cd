/** YAML (1.2) for the few shapes we write: maps and lists of strings, every string in double quotes. */

export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Keys are ours and plain; values may be anything. */
export function yaml(value: Yaml, indent = ""): string {
  if (typeof value === "string") return ` ${yamlString(value)}\n`;
  const inner = `${indent}  `;
  if (Array.isArray(value))
    return `\n${value.map((item: Yaml) => `${indent}-${typeof item === "string" ? yaml(item) : yaml(item, inner)}`).join("")}`;
  const entries = Object.entries(value as Readonly<Record<string, Yaml>>);
  return `\n${entries.map(([key, item]) => `${indent}${key}:${yaml(item, inner)}`).join("")}`;
}

/** All but printable ASCII as escapes, which every parser reads alike. */
export function yamlString(text: string): string {
  let out = "";
  for (const char of text) {
    const point = char.codePointAt(0) as number;
    if (char === '"' || char === "\\") out += `\\${char}`;
    else if (point >= 0x20 && point < 0x7f) out += char;
    else if (point < 0x100) out += `\\x${point.toString(16).padStart(2, "0")}`;
    else if (point < 0x10000) out += `\\u${point.toString(16).padStart(4, "0")}`;
    else out += `\\U${point.toString(16).padStart(8, "0")}`;
  }
  return `"${out}"`;
}
