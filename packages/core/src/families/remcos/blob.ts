/**
 * The encrypted config: `[key length n][n bytes of RC4 key][RC4 ciphertext]`, and the text inside it.
 * Sources: CAPE-parsers core/Remcos.py, MalConfScan remcosscan.py, nightMARE malware/remcos,
 * Elastic Security Labs "Dissecting REMCOS RAT" parts one and three.
 */
import { equalBytes, indexesOf, latin1, latin1Bytes, View } from "../../bytes/index.ts";
import { rc4 } from "../../codecs/index.ts";
import { type C2List, parseC2List } from "./c2.ts";
import { derLength, readTls } from "./tls.ts";
import { readText } from "./value.ts";

export type LayoutId = "R1" | "R2" | "R3";

/** What stands between two fields, newest first: only the newest can occur in none of the others. */
export const SEPARATORS: readonly { readonly layout: LayoutId; readonly bytes: Uint8Array }[] = [
  { layout: "R3", bytes: Uint8Array.of(0x7c, 0x1e, 0x1e, 0x1f, 0x7c) },
  // As printed in part one of Elastic's series; their own tool has the one above.
  { layout: "R3", bytes: Uint8Array.of(0x7c, 0x1f, 0x1e, 0x1e, 0x7c) },
  { layout: "R2", bytes: Uint8Array.of(0x1e) },
  { layout: "R1", bytes: latin1Bytes("@@") },
];

/** 1.7 Pro has 51 fields, 4.9.3 has 56 or 57. Fewer than this is no known build, more is no config. */
export const MIN_FIELDS = 20;
const MAX_FIELDS = 256;
/** Real blobs have 0.5 to 4 KB. */
export const MAX_BLOB = 0x10000;
const MIN_CIPHERTEXT = 60;
/** The shortest thinkable start of a C2 list, `ab.cd:1`, has this many bytes of host and port. */
const HEAD = 7;

export interface FieldRange {
  readonly offset: number;
  readonly length: number;
}

export interface DecryptedBlob {
  readonly layout: LayoutId;
  readonly keyLength: number;
  readonly plain: Uint8Array;
  readonly fields: readonly FieldRange[];
  readonly c2: C2List;
}

/** Why bytes are no config: `foreign` without any sign of one, `unsplit` when a C2 list comes out but no fields. */
export type BlobFailure = "foreign" | "unsplit";

/**
 * Decrypts and validates. The proof is the keystream: a host, a port and at least twenty fields between separators do
 * not come out of a wrong key. Where the list holds no address that reads as one, separators of more than one byte are
 * proof enough.
 */
export function decryptBlob(blob: Uint8Array): DecryptedBlob | BlobFailure {
  const keyLength = blob[0] ?? 0;
  const start = 1 + keyLength;
  if (keyLength === 0 || blob.length < start + MIN_CIPHERTEXT || blob.length > MAX_BLOB) return "foreign";
  const plain = rc4(blob.subarray(1, start), blob.subarray(start));
  for (const { layout, bytes } of SEPARATORS) {
    const fields = split(plain, bytes);
    const first = fields[0];
    if (first === undefined || fields.length < MIN_FIELDS || fields.length > MAX_FIELDS) continue;
    const c2 = parseC2List(plain.subarray(first.offset, first.offset + first.length), layout === "R3");
    if (c2.entries.length > 0 || bytes.length > 1) return { layout, keyLength, plain, fields, c2 };
  }
  return /^[\w.-]{3,253}:\d{1,5}:/.test(latin1(plain.subarray(0, 270))) ? "unsplit" : "foreign";
}

/**
 * The cheap half of `decryptBlob`, for those who try many offsets: the first bytes under the key are all such as may
 * stand in `host:port`. RC4 on one reused state that stops at the first byte that is not.
 */
export function couldBeBlob(blob: Uint8Array): boolean {
  const keyLength = blob[0] ?? 0;
  const start = 1 + keyLength;
  if (keyLength === 0 || blob.length < start + MIN_CIPHERTEXT) return false;
  const state = STATE;
  state.set(IDENTITY);
  for (let i = 0, j = 0, k = 1; i < 256; i++) {
    const si = state[i] as number;
    j = (j + si + (blob[k] as number)) & 0xff;
    state[i] = state[j] as number;
    state[j] = si;
    k = k === keyLength ? 1 : k + 1;
  }
  for (let i = 1, j = 0; i <= HEAD; i++) {
    const si = state[i] as number;
    j = (j + si) & 0xff;
    const sj = state[j] as number;
    state[i] = sj;
    state[j] = si;
    const byte = (blob[start + i - 1] as number) ^ (state[(si + sj) & 0xff] as number);
    if (HOST_BYTES[byte] === 0) return false;
  }
  return true;
}

const STATE = new Uint8Array(256);
const IDENTITY = Uint8Array.from({ length: 256 }, (_, i) => i);
const HOST_BYTES = new Uint8Array(256);
for (const byte of latin1Bytes("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:[] "))
  HOST_BYTES[byte] = 1;

/** Fields between separators, up to one over the limit; the last one is empty when the text ends with a separator. */
export function split(plain: Uint8Array, separator: Uint8Array): FieldRange[] {
  const fields: FieldRange[] = [];
  let from = 0;
  for (const at of indexesOf(plain, separator)) {
    if (at < from) continue;
    fields.push({ offset: from, length: at - from });
    if (fields.length > MAX_FIELDS) return fields;
    from = at + separator.length;
  }
  fields.push({ offset: from, length: plain.length - from });
  return fields;
}

/** From this index on no build keeps names of files, the only values in UTF-16LE, which noise may pass for. */
const FIRST_NARROW_FIELD = 50;

/**
 * Where the text ends when `plain` may run past it: what stands behind a config decrypts to noise. The first field from
 * the 20th on that reads as no kind of value is cut to the DER that it starts with, or to nothing.
 */
export function endOfText({ plain, fields }: Pick<DecryptedBlob, "plain" | "fields">): {
  fields: readonly FieldRange[];
  length: number;
} {
  for (let index = MIN_FIELDS - 1; index < fields.length; index++) {
    const { offset, length } = fields[index] as FieldRange;
    const field = new View(plain.subarray(offset, offset + length));
    const text = readText(field);
    const isText = text !== undefined && (text.as === "utf8" || index < FIRST_NARROW_FIELD);
    if (length <= 1 || isText || readTls(field, index) !== undefined) continue;
    const kept = { offset, length: derLength(field) };
    return { fields: [...fields.slice(0, index), kept], length: offset + kept.length };
  }
  return { fields, length: plain.length };
}

const ZEROS = new Uint8Array(8);
const PADDING = latin1Bytes("PADDINGX");

/**
 * The blob at `offset` of a region that knows no sizes. Random bytes hold no eight zeros and resource compilers
 * put zeros or `PADDINGXX` behind the last resource, so the config ends before those; what else may
 * follow only lengthens the last field.
 */
export function blobAt(view: View, offset: number): View {
  const window = view.clip(offset, MAX_BLOB);
  for (let at = 1; at + 8 <= window.length; at++) {
    const byte = window.bytes[at];
    if (byte !== 0 && byte !== 0x50) continue;
    const eight = window.bytes.subarray(at, at + 8);
    if (equalBytes(eight, ZEROS) || equalBytes(eight, PADDING)) return window.clip(0, at);
  }
  return window;
}
