/** Names of rows that follow from what they hold, so that nobody has to ask the database for one before writing. */
import { createHash } from "node:crypto";

/** The first 128 bits of SHA-256 over the parts, as a UUID of version 8 (RFC 9562, 5.8). */
export function keyOf(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  // JSON keeps the parts apart and any UTF-16 apart from any other.
  hash.update(JSON.stringify(parts));
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function indicatorKey(type: string, value: string): string {
  return keyOf("indicator", type, value);
}

/** Of a value of a config field, whatever its field. */
export function valueKey(value: string): string {
  return keyOf("value", value);
}
