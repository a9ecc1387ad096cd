import type { Span } from "../../bytes/index.ts";
import type { Image } from "../../formats/index.ts";
import { type Inner, type Layer, NOTHING, reason } from "../layer.ts";
import { certificateRange, type Range } from "./pe-overlay.ts";

/** WIN_CERTIFICATE (wintrust.h): dwLength, wRevision, wCertificateType. */
const HEADER = 8;
const REVISIONS: ReadonlySet<number> = new Set([0x0100, 0x0200]);
const TYPE_PKCS_SIGNED_DATA = 2;
const SEQUENCE = 0x30;
const MAX_ENTRIES = 64;
/** Vendors put a tag or a token behind the signature; data to be read back is larger. */
const MIN_SMUGGLED = 64;

interface Hidden extends Range {
  readonly why: string;
}

/** Data in the certificate table, which Windows leaves out of the signature's hash: what is no PKCS #7 signature. */
export function hiddenInCertificates(image: Image): readonly Hidden[] {
  const table = certificateRange(image);
  if (table === undefined) return [];
  const { view } = image;
  const hidden: Hidden[] = [];
  const add = (start: number, end: number, why: string): void => {
    const data = view.bytes.subarray(start, end);
    if (data.length >= MIN_SMUGGLED && data.some((byte) => byte !== 0)) hidden.push({ start, end, why });
  };
  let at = table.start;
  for (let n = 0; n < MAX_ENTRIES && at + HEADER <= table.end; n++) {
    const length = view.u32(at) ?? 0;
    const isEntry = length >= HEADER && at + length <= view.length && REVISIONS.has(view.u16(at + 4) ?? 0);
    if (!isEntry) break;
    const end = at + length;
    if (view.u16(at + 6) === TYPE_PKCS_SIGNED_DATA) {
      const signed = derLength(view.bytes, at + HEADER, end);
      if (signed === undefined) add(at + HEADER, end, "a certificate entry that is no PKCS #7 signature");
      else add(at + HEADER + signed, end, "data behind the PKCS #7 signature");
    } else add(at + HEADER, end, `a certificate entry of type ${view.u16(at + 6)}`);
    at = end + ((8 - (length % 8)) % 8);
  }
  if (at === table.start) add(at, table.end, "a certificate table without certificates");
  else add(at, table.end, "data behind the certificates");
  return hidden;
}

/** Tag, length and content of the SEQUENCE at `at`, definite length (ITU-T X.690, 8.1.3); undefined when none fits. */
function derLength(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (bytes[at] !== SEQUENCE) return undefined;
  const first = bytes[at + 1] ?? 0x80;
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > 4) return undefined;
  let length = size === 0 ? first : 0;
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const whole = 2 + size + length;
  return at + whole <= end ? whole : undefined;
}

/** Data hidden in the certificate table: behind a signature's own length, or in place of one. */
export const certificateTable: Layer = {
  id: "certificate-table",
  title: "PE certificate table",
  how: "What stands behind or in place of the PKCS #7 signatures, by their DER length.",
  peel({ image, ledger, budget }) {
    const hidden = hiddenInCertificates(image);
    if (hidden.length === 0) return NOTHING;
    const inner: Inner[] = [];
    const reasons = [];
    for (const { start, end, why } of hidden) {
      const at: Span = image.view.span(start, end - start);
      reasons.push(reason(certificateTable, "certificate-table-data", `${why}, ${end - start} bytes`, at));
      if (!budget.take(end - start)) break;
      const view = ledger.derive([at], [], "certificate table", "overlay");
      if (view !== undefined) inner.push({ view, kind: "overlay" });
    }
    return { inner, reasons };
  },
};
