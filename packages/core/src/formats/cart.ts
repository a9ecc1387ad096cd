/**
 * CaRT, the neutral form in which malware is handed around: zlib, then RC4 under a key that everybody knows, so that
 * nothing runs it and no scanner eats it. Facts: CybercentreCanada/cart, version 1.
 *
 *   "CART" version:u16 reserved:u64 key:16 header-length:u64 | RC4(header JSON) | RC4(zlib(data)) | RC4(footer JSON) |
 *   "TRAC" reserved:u64 footer-position:u64 footer-length:u64
 *
 * RC4 begins anew at each of the three parts.
 */
import { zlibSync } from "fflate";
import {
  attempt,
  Cursor,
  concatBytes,
  hex,
  latin1,
  latin1Bytes,
  ParseError,
  type Result,
  utf8,
  utf8Bytes,
  type View,
} from "../bytes/index.ts";
import { md5, rc4, sha1, sha256 } from "../codecs/index.ts";

/** The first eight digits of pi, twice. */
export const CART_KEY: Uint8Array = Uint8Array.of(3, 1, 4, 1, 5, 9, 2, 6, 3, 1, 4, 1, 5, 9, 2, 6);

const VERSION = 1;
const HEADER_SIZE = 38;
const FOOTER_SIZE = 28;
/** JSON of one part; the reference keeps footers below 64 KiB, and puts whole STIX reports into headers. */
const MAX_JSON = 16 * 1024 * 1024;

export type Metadata = Readonly<Record<string, unknown>>;

export interface Cart {
  readonly key: Uint8Array;
  /** The optional header: `name` is the file's. Empty when there is none. */
  readonly header: Metadata;
  /** Digests and length of what is inside: `md5`, `sha1`, `sha256`, `length`. Undefined when it is cut off. */
  readonly footer: Metadata | undefined;
  /** RC4(zlib(file)). */
  readonly data: View;
}

export function isCart(view: View): boolean {
  return (
    view.length >= HEADER_SIZE && latin1(view.bytes.subarray(0, 4)) === "CART" && view.u16(4) === VERSION
  );
}

/**
 * Reads the parts. `key` is needed only for files sealed with a private one, whose header then holds zeros: without it
 * they fail with `bad-value` of `arc4_key`.
 */
export function parseCart(view: View, key?: Uint8Array): Result<Cart> {
  return attempt(() => {
    if (!isCart(view)) throw new ParseError("bad-magic", "CART", view.span(0, 0));
    const cursor = new Cursor(view, 6);
    cursor.skip(8, "reserved");
    const stored = cursor.take(16, "arc4_key");
    const used = key ?? (stored.bytes.some((byte) => byte !== 0) ? stored.bytes : undefined);
    if (used === undefined) throw new ParseError("bad-value", "arc4_key", stored.span());
    const headerLength = cursor.u64("opt_header_len");
    if (headerLength > MAX_JSON) throw new ParseError("limit", "opt_header_len", view.span(30, 8));
    const header = headerLength === 0n ? {} : metadata(used, cursor.take(Number(headerLength), "opt_header"));
    if (header === undefined)
      throw new ParseError("bad-value", "opt_header", view.span(HEADER_SIZE, Number(headerLength)));
    const begin = cursor.offset;
    const end = footerPlace(view, begin);
    const footer = end === undefined ? undefined : metadata(used, view.clip(end.offset, end.length));
    return { key: used, header, footer, data: view.clip(begin, (end?.offset ?? view.length) - begin) };
  });
}

function footerPlace(view: View, begin: number): { offset: number; length: number } | undefined {
  const at = view.length - FOOTER_SIZE;
  if (at < begin || latin1(view.bytes.subarray(at, at + 4)) !== "TRAC") return undefined;
  const offset = Number(view.u64(at + 12));
  const length = Number(view.u64(at + 20));
  return offset >= begin && length <= MAX_JSON && offset + length === at ? { offset, length } : undefined;
}

function metadata(key: Uint8Array, part: View): Metadata | undefined {
  const text = utf8(rc4(key, part.bytes));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Metadata)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export interface CartOptions {
  /** File name to note in the header. */
  readonly name?: string;
  /** Private RC4 key, 1 to 256 bytes; it is not written into the file. */
  readonly key?: Uint8Array;
}

/** Seals a file, byte for byte as the reference does but for the compressor's choices. */
export function writeCart(file: Uint8Array, options: CartOptions = {}): Uint8Array {
  const key = options.key ?? CART_KEY;
  const header = options.name === undefined ? new Uint8Array(0) : rc4(key, json({ name: options.name }));
  const data = rc4(key, zlibSync(file, { level: 1 }));
  const footer = rc4(
    key,
    json({
      length: String(file.length),
      md5: hex(md5(file)),
      sha1: hex(sha1(file)),
      sha256: hex(sha256(file)),
    }),
  );
  const head = new Uint8Array(HEADER_SIZE);
  head.set(latin1Bytes("CART"));
  head[4] = VERSION;
  if (options.key === undefined) head.set(CART_KEY, 14);
  setU64(head, 30, header.length);
  const tail = new Uint8Array(FOOTER_SIZE);
  tail.set(latin1Bytes("TRAC"));
  setU64(tail, 12, HEADER_SIZE + header.length + data.length);
  setU64(tail, 20, footer.length);
  return concatBytes(head, header, data, footer, tail);
}

function json(value: Metadata): Uint8Array {
  return utf8Bytes(JSON.stringify(value));
}

function setU64(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer).setBigUint64(at, BigInt(value), true);
}
