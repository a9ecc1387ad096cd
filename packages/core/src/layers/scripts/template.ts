/** A text of PowerShell between double quotes, with its variables in place. */
import { MAX_VALUE } from "./limits.ts";
import type { Scope } from "./scope.ts";
import { asText } from "./value.ts";

/** `a$b` with every `$name` known; a backtick escapes. */
export function expandTemplate(raw: string, scope: Scope): string | undefined {
  const parts: string[] = [];
  let at = 0;
  while (at < raw.length) {
    const dollar = raw.indexOf("$", at);
    if (dollar < 0) break;
    parts.push(raw.slice(at, dollar));
    const braced = raw.charAt(dollar + 1) === "{";
    let end = dollar + (braced ? 2 : 1);
    while (end < raw.length && /[\w:]/.test(raw.charAt(end))) end++;
    const name = raw.slice(dollar + (braced ? 2 : 1), end).toLowerCase();
    if (name === "" || (braced && raw.charAt(end) !== "}")) return undefined;
    const value = asText(scope.variables.get(`$${name}`));
    if (value === undefined) return undefined;
    parts.push(value);
    at = end + (braced ? 1 : 0);
    scope.spend(1);
  }
  parts.push(raw.slice(at));
  const text = parts.join("");
  return text.length > MAX_VALUE ? undefined : text;
}
