/** Reading JSON of others: everything in it may be of any type. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A whole number that is exact, also when written as digits. */
export function integerOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** An address: `0x401000`, or hex digits alone, or a number that is exact. */
export function addressOf(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value > 0 ? BigInt(value) : undefined;
  const digits = typeof value === "string" ? /^(?:0x)?([0-9a-f]{1,16})$/i.exec(value.trim())?.[1] : undefined;
  const address = digits === undefined ? 0n : BigInt(`0x${digits}`);
  return address > 0n ? address : undefined;
}

/** SHA-256 in hex, lower case. */
export function sha256Of(value: unknown): string | undefined {
  return typeof value === "string" && /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : undefined;
}

/** The last part of a Windows or a POSIX path. */
export function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** Entries of one list, and levels, that are flattened. */
const MAX_VALUES = 2000;
const MAX_LEVELS = 8;
const MAX_TEXT = 8192;

/** Every single value of a JSON tree under its path: `C2`, `keys.0.value`. Lists of single values share their name. */
export function flatten(tree: unknown): { name: string; value: string }[] {
  const out: { name: string; value: string }[] = [];
  const visit = (name: string, value: unknown, level: number): void => {
    if (out.length >= MAX_VALUES || value === null || value === undefined || value === "") return;
    if (typeof value !== "object") out.push({ name, value: String(value).slice(0, MAX_TEXT) });
    else if (level >= MAX_LEVELS) return;
    else if (Array.isArray(value))
      for (const [i, entry] of value.entries())
        visit(typeof entry === "object" ? `${name}.${i}` : name, entry, level + 1);
    else
      for (const [key, entry] of Object.entries(value))
        visit(name === "" ? key : `${name}.${key}`, entry, level + 1);
  };
  visit("", tree, 0);
  return out;
}
