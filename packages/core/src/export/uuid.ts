/** Ids that are the same in every run and on every machine (RFC 9562, 5.5: UUID version 5). */
import { utf8Bytes } from "../bytes/index.ts";
import { sha1 } from "../codecs/index.ts";

/**
 * Namespace of everything that assay names by itself (a UUID of version 4, drawn once). Changing it changes every id that
 * was ever given out.
 */
export const ASSAY_NAMESPACE = "591ec6d3-00cf-4cb2-9e22-1f6ad1177e2d";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Bytes of the namespaces met so far: ours, STIX's. */
const spaces = new Map<string, Uint8Array>();

function spaceOf(namespace: string): Uint8Array {
  let bytes = spaces.get(namespace);
  if (bytes === undefined) {
    const pairs = namespace.replaceAll("-", "").match(/../g) ?? [];
    bytes = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
    spaces.set(namespace, bytes);
  }
  return bytes;
}

export function uuid5(namespace: string, name: string): string {
  const space = spaceOf(namespace);
  const text = utf8Bytes(name);
  const input = new Uint8Array(space.length + text.length);
  input.set(space);
  input.set(text, space.length);
  const digest = sha1(input);
  digest[6] = ((digest[6] as number) & 0x0f) | 0x50;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  let out = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) out += "-";
    out += HEX[digest[i] as number] as string;
  }
  return out;
}

/** JSON with sorted keys and no blanks: RFC 8785 for values of strings, whole numbers, arrays and objects. */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(",")}}`;
}
