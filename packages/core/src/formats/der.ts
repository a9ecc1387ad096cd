/**
 * As much of DER (ITU-T X.690) and X.509 (RFC 5280) as tells one certificate from another: serial number, names,
 * validity. Nothing is verified.
 */
import {
  attempt,
  Cursor,
  hex,
  latin1,
  ParseError,
  type Result,
  type Span,
  utf8,
  type View,
} from "../bytes/index.ts";

/** One element: tag byte, and its content. Only low tag numbers and definite lengths, as DER has them here. */
export interface DerElement {
  readonly tag: number;
  readonly content: View;
  /** Tag, length and content. */
  readonly whole: View;
}

export interface Certificate {
  /** Lower-case hex, without the sign byte. */
  readonly serial: string;
  /** commonName, or all attributes when there is none. */
  readonly issuer: string;
  readonly subject: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** The certificate's own length: bytes behind it are not part of it. */
  readonly at: Span;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const VERSION = 0xa0;
const BMP_STRING = 0x1e;
const COMMON_NAME = "550403";
/** Attributes read of one name. */
const MAX_ATTRIBUTES = 64;

/** Reads the element at the cursor and moves behind it. */
function element(cursor: Cursor, field: string, tag?: number): DerElement {
  const start = cursor.offset;
  const found = cursor.u8(field);
  if ((tag !== undefined && found !== tag) || (found & 0x1f) === 0x1f) cursor.reject(field, 1);
  let length = cursor.u8(field);
  if (length >= 0x80) {
    const size = length & 0x7f;
    if (size === 0 || size > 4) cursor.reject(field, 1);
    length = 0;
    for (let i = 0; i < size; i++) length = length * 256 + cursor.u8(field);
  }
  const content = cursor.take(length, field);
  return { tag: found, content, whole: cursor.view.clip(start, cursor.offset - start) };
}

/** Reads the certificate that starts at byte 0 of `view`. */
export function parseCertificate(view: View): Result<Certificate> {
  return attempt(() => {
    const outer = element(new Cursor(view), "Certificate", SEQUENCE);
    const tbs = new Cursor(element(new Cursor(outer.content), "tbsCertificate", SEQUENCE).content);
    if (tbs.view.u8(0) === VERSION) element(tbs, "version", VERSION);
    const serial = hex(element(tbs, "serialNumber", INTEGER).content.bytes);
    element(tbs, "signature", SEQUENCE);
    const issuer = name(element(tbs, "issuer", SEQUENCE), "issuer");
    const validity = new Cursor(element(tbs, "validity", SEQUENCE).content);
    const notBefore = time(element(validity, "notBefore"));
    const notAfter = time(element(validity, "notAfter"));
    const subject = name(element(tbs, "subject", SEQUENCE), "subject");
    element(tbs, "subjectPublicKeyInfo", SEQUENCE);
    return {
      serial: serial.replace(/^00(?=.)/, ""),
      issuer,
      subject,
      notBefore,
      notAfter,
      at: outer.whole.span(),
    };
  });
}

/** RFC 5280 4.1.2.4: a sequence of sets of (type, value). */
function name(element_: DerElement, field: string): string {
  const all: string[] = [];
  const sets = new Cursor(element_.content);
  for (let n = 0; sets.remaining > 0; n++) {
    if (n === MAX_ATTRIBUTES) throw new ParseError("limit", field, element_.whole.span());
    const pair = new Cursor(element(new Cursor(element(sets, field).content), field, SEQUENCE).content);
    const type = hex(element(pair, field).content.bytes);
    const text = string(element(pair, field));
    if (type === COMMON_NAME) return text;
    all.push(text);
  }
  return all.join(", ");
}

function string(value: DerElement): string {
  const bytes = value.content.bytes;
  if (value.tag !== BMP_STRING) return utf8(bytes) ?? latin1(bytes);
  let text = "";
  for (let i = 0; i + 1 < bytes.length; i += 2)
    text += String.fromCharCode(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  return text;
}

/** RFC 5280 4.1.2.5: UTCTime years 50 to 99 are of the last century. */
function time(value: DerElement): string {
  const text = latin1(value.content.bytes);
  const parts = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [, year = "", month, day, hour, minute, second] = parts ?? [];
  const expected = value.tag === UTC_TIME ? 2 : value.tag === GENERALIZED_TIME ? 4 : 0;
  if (parts === null || year.length !== expected)
    throw new ParseError("bad-value", "Time", value.whole.span());
  const century = year.length === 4 ? "" : Number(year) >= 50 ? "19" : "20";
  return `${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}
