/** Mail (RFC 5322, MIME: RFC 2045 to 2049), and saved web pages (MHTML, RFC 2557): the parts with their places. */
import { fail, indexOf, latin1Bytes, ok, type Result, type View } from "../bytes/index.ts";
import { decodeWords, readHeaders, readValue } from "./mime-headers.ts";

/** Multiparts in multiparts. */
const MAX_DEPTH = 16;
const MAX_PARTS = 2000;
/** RFC 2046 allows 70 characters. */
const MAX_BOUNDARY = 256;

/** Fields that mails begin with or cannot do without; two of them tell a mail from other text with colons. */
const MAIL_FIELDS: ReadonlySet<string> = new Set([
  "received",
  "return-path",
  "delivered-to",
  "from",
  "to",
  "cc",
  "subject",
  "date",
  "message-id",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "dkim-signature",
  "arc-seal",
  "reply-to",
  "sender",
  "authentication-results",
]);

export type TransferEncoding = "base64" | "quoted-printable" | "none";

export interface MimePart {
  /** `application/zip`, lower case; `text/plain` when nothing is said. */
  readonly type: string;
  readonly charset: string | undefined;
  /** File name, decoded. A name, never a path to write to. */
  readonly name: string | undefined;
  /** `attachment`, `inline`, or empty. */
  readonly disposition: string;
  readonly encoding: TransferEncoding;
  /** As it stands in the mail, still encoded. */
  readonly body: View;
}

export interface Mail {
  readonly subject: string;
  /** Every part that is no multipart, in order. */
  readonly parts: readonly MimePart[];
  /** More parts, or deeper, than are read. */
  readonly cut: boolean;
}

/** Fails with `bad-magic` on what does not begin as a mail does. */
export function parseMail(view: View): Result<Mail> {
  const headers = readHeaders(view.bytes);
  const known =
    headers === undefined ? 0 : [...headers.fields.keys()].filter((name) => MAIL_FIELDS.has(name)).length;
  if (headers === undefined || known < 2) return fail({ code: "bad-magic", field: "header fields" });
  const parts: MimePart[] = [];
  const state = { cut: false };
  walk(view, 0, parts, state);
  return ok({ subject: decodeWords(headers.fields.get("subject") ?? ""), parts, cut: state.cut });
}

/** One entity: a multipart opens into its parts, anything else is kept. */
function walk(entity: View, depth: number, parts: MimePart[], state: { cut: boolean }): void {
  if (parts.length >= MAX_PARTS) {
    state.cut = true;
    return;
  }
  const headers = readHeaders(entity.bytes);
  // A part may begin with its empty line: no fields at all.
  const fields = headers?.fields ?? new Map<string, string>();
  const body = entity.clip(headers?.body ?? 0);
  const type = readValue(fields.get("content-type") ?? "text/plain");
  const boundary = type.parameters.get("boundary");
  if (type.value.startsWith("multipart/") && boundary !== undefined && boundary !== "") {
    if (depth >= MAX_DEPTH) state.cut = true;
    else for (const part of split(body, boundary.slice(0, MAX_BOUNDARY))) walk(part, depth + 1, parts, state);
    return;
  }
  const disposition = readValue(fields.get("content-disposition") ?? "");
  const encoding = (fields.get("content-transfer-encoding") ?? "").trim().toLowerCase();
  parts.push({
    type: type.value,
    charset: type.parameters.get("charset"),
    name: disposition.parameters.get("filename") ?? type.parameters.get("name"),
    disposition: disposition.value,
    encoding: encoding === "base64" || encoding === "quoted-printable" ? encoding : "none",
    body,
  });
}

/** What stands between the boundary lines; a part that the file ends in is kept. */
function* split(body: View, boundary: string): Generator<View> {
  const { bytes } = body;
  const delimiter = latin1Bytes(`--${boundary}`);
  let begin: number | undefined;
  for (let at = indexOf(bytes, delimiter); at >= 0; at = indexOf(bytes, delimiter, at + delimiter.length)) {
    if (at > 0 && bytes[at - 1] !== 0x0a) continue;
    const after = at + delimiter.length;
    const last = bytes[after] === 0x2d && bytes[after + 1] === 0x2d;
    const newline = bytes.indexOf(0x0a, after);
    // Another boundary may begin with this one's text.
    if (!last && !isBlank(bytes, after, newline < 0 ? bytes.length : newline)) continue;
    if (begin !== undefined) {
      const end = bytes[at - 2] === 0x0d ? at - 2 : at - 1;
      yield body.clip(begin, Math.max(0, end - begin));
    }
    begin = newline < 0 ? bytes.length : newline + 1;
    if (last) return;
  }
  if (begin !== undefined && begin < bytes.length) yield body.clip(begin);
}

function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > MAX_BOUNDARY) return false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}
