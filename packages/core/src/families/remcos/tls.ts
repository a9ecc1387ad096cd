/** TLS material of a config: bare DER in the last fields, whose indexes moved between versions. */
import { type Found, found, hex, type View } from "../../bytes/index.ts";
import { sha1, sha256 } from "../../codecs/index.ts";
import { parseCertificate } from "../../formats/der.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
/** Certificates in one field: a chain has two or three. */
const MAX_IN_FIELD = 16;

export interface TlsCertificate {
  /** Index of the config field. */
  readonly field: number;
  readonly sha1: string;
  readonly sha256: string;
  /** Lower-case hex; this and the times are absent when the certificate's inside does not read. */
  readonly serial?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

export type TlsItem =
  | { readonly kind: "certificate"; readonly value: Found<TlsCertificate> }
  | { readonly kind: "private-key"; readonly value: Found<true> };

/** The certificates and keys that fill a field, or undefined when anything else stands there (but for trailing NULs). */
export function readTls(view: View, field: number): readonly TlsItem[] | undefined {
  const items: TlsItem[] = [];
  let at = 0;
  while (at < view.length && items.length < MAX_IN_FIELD) {
    const outer = element(view, at);
    if (outer === undefined || outer.tag !== SEQUENCE) break;
    const der = view.clip(at, outer.end - at);
    if (isCertificate(view, outer)) {
      items.push({ kind: "certificate", value: found(describe(der, field), der.span()) });
    } else if (element(view, outer.start)?.tag === INTEGER) {
      items.push({ kind: "private-key", value: found(true, der.span()) });
    } else break;
    at = outer.end;
  }
  if (items.length === 0 || view.bytes.subarray(at).some((byte) => byte !== 0)) return undefined;
  return items;
}

function describe(der: View, field: number): TlsCertificate {
  const hashes = { field, sha1: hex(sha1(der.bytes)), sha256: hex(sha256(der.bytes)) };
  const parsed = parseCertificate(der);
  if (!parsed.ok) return hashes;
  const { serial, notBefore, notAfter } = parsed.value;
  return { ...hashes, serial, notBefore, notAfter };
}

/** Length of the run of DER sequences at the start; 0 when there is none. */
export function derLength(view: View): number {
  let at = 0;
  for (let i = 0; i < MAX_IN_FIELD; i++) {
    const next = element(view, at);
    if (next === undefined || next.tag !== SEQUENCE) break;
    at = next.end;
  }
  return at;
}

/** RFC 5280: SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE, signatureValue BIT STRING }. */
function isCertificate(view: View, outer: Element): boolean {
  const tbs = element(view, outer.start);
  const algorithm = tbs?.tag === SEQUENCE ? element(view, tbs.end) : undefined;
  const signature = algorithm?.tag === SEQUENCE ? element(view, algorithm.end) : undefined;
  return signature?.tag === BIT_STRING && signature.end === outer.end;
}

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** X.690 definite form with up to three length bytes. */
function element(view: View, at: number): Element | undefined {
  const tag = view.u8(at);
  const first = view.u8(at + 1);
  if (tag === undefined || first === undefined) return undefined;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 3) return undefined;
    length = 0;
    for (let i = 0; i < size; i++) length = length * 256 + (view.u8(start + i) ?? 0);
    start += size;
  }
  return start + length <= view.length ? { tag, start, end: start + length } : undefined;
}
