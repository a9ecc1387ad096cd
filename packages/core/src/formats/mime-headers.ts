/** Header fields of a mail: folding (RFC 5322), parameters (RFC 2045, 2231), encoded words (RFC 2047). */
import { latin1, latin1Bytes, utf8 } from "../bytes/index.ts";
import { decodeBase64, decodeQuotedPrintable, UNPADDED } from "../codecs/index.ts";

/** Bytes of one entity's header that are read; a mail that went round the world has some 20 KB. */
const MAX_HEADER = 256 * 1024;
const MAX_FIELDS = 500;
const MAX_PARAMETERS = 64;
/** Characters of a value that are read for parameters and encoded words. */
const MAX_VALUE = 16 * 1024;

export interface Headers {
  /** First value of each field, unfolded, by lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  /** Offset of the body. */
  readonly body: number;
}

/** Fields up to the first empty line; undefined when the first line is no field. */
export function readHeaders(bytes: Uint8Array): Headers | undefined {
  const fields = new Map<string, string>();
  const limit = Math.min(bytes.length, MAX_HEADER);
  let at = 0;
  let name: string | undefined;
  let parts: string[] = [];
  const close = (): void => {
    if (name !== undefined && !fields.has(name)) fields.set(name, parts.join(" ").slice(0, MAX_VALUE));
    name = undefined;
  };
  for (let lines = 0; at < limit; lines++) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 || newline > limit ? limit : newline;
    const line = latin1(bytes.subarray(at, Math.min(end, at + MAX_VALUE))).replace(/\r$/, "");
    at = end + 1;
    if (line === "") break;
    if (/^[ \t]/.test(line)) {
      if (name !== undefined) parts.push(line.trim());
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 1 || !/^[\x21-\x7e]+[ \t]*$/.test(line.slice(0, colon))) {
      // `From somebody Mon Jan 1 …` opens a mailbox file; anything else is no header.
      if (lines === 0 && !line.startsWith("From ")) return undefined;
      continue;
    }
    close();
    if (fields.size >= MAX_FIELDS) break;
    name = line.slice(0, colon).trim().toLowerCase();
    parts = [line.slice(colon + 1).trim()];
  }
  close();
  return { fields, body: Math.min(at, bytes.length) };
}

export interface Value {
  /** Lower case: `multipart/mixed`, `attachment`. */
  readonly value: string;
  /** By lower-case name, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** `text/plain; charset=utf-8; name*0*=utf-8''a%20; name*1=b.txt` */
export function readValue(text: string): Value {
  const pieces = splitParameters(text);
  const plain = new Map<string, string>();
  const continued = new Map<string, Map<number, { text: string; encoded: boolean }>>();
  for (const piece of pieces.slice(1, MAX_PARAMETERS)) {
    const equals = piece.indexOf("=");
    if (equals < 1) continue;
    const key = piece.slice(0, equals).trim().toLowerCase();
    const value = unquote(piece.slice(equals + 1).trim());
    const star = /^([^*]+)\*(?:(\d{1,3})(\*)?)?$/.exec(key);
    if (star === null) {
      if (!plain.has(key)) plain.set(key, decodeWords(value));
      continue;
    }
    const [, name = "", number, mark] = star;
    const chunks = continued.get(name) ?? new Map();
    chunks.set(Number(number ?? 0), { text: value, encoded: number === undefined || mark !== undefined });
    continued.set(name, chunks);
  }
  // The extended form wins over the plain one: it is what mail programs show.
  for (const [name, chunks] of continued) plain.set(name, joinChunks(chunks));
  return { value: (pieces[0] ?? "").trim().toLowerCase(), parameters: plain };
}

function splitParameters(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted && char === "\\") i++;
    else if (char === '"') quoted = !quoted;
    else if (char === ";" && !quoted) {
      pieces.push(text.slice(from, i));
      from = i + 1;
    }
  }
  pieces.push(text.slice(from));
  return pieces;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const end = text.endsWith('"') && text.length > 1 ? -1 : undefined;
  return text.slice(1, end).replace(/\\(.)/g, "$1");
}

function joinChunks(chunks: ReadonlyMap<number, { text: string; encoded: boolean }>): string {
  let charset = "utf-8";
  const bytes: number[] = [];
  for (const number of [...chunks.keys()].sort((a, b) => a - b)) {
    const chunk = chunks.get(number);
    if (chunk === undefined) continue;
    let text = chunk.text;
    if (number === 0 && chunk.encoded) {
      const head = /^([^']{0,40})'[^']{0,40}'/.exec(text);
      if (head !== null) {
        charset = head[1] || charset;
        text = text.slice(head[0].length);
      }
    }
    bytes.push(...(chunk.encoded ? percentDecoded(text) : latin1Bytes(text)));
  }
  return decodeCharset(Uint8Array.from(bytes), charset);
}

function percentDecoded(text: string): Uint8Array {
  return latin1Bytes(
    text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    ),
  );
}

const WORD = /=\?([\w-]{1,40})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?]{0,4096})\?=/g;

/** Encoded words; white space between two of them does not count. */
export function decodeWords(text: string): string {
  if (!text.includes("=?")) return rawText(text);
  return text
    .replace(/(\?=)\s{1,100}(?==\?)/g, "$1")
    .replace(WORD, (whole, charset: string, kind: string, data: string) => {
      const bytes =
        kind.toLowerCase() === "b"
          ? decodeBase64(latin1Bytes(data), UNPADDED)
          : decodeQuotedPrintable(latin1Bytes(data.replace(/_/g, " ")));
      return bytes === undefined ? whole : decodeCharset(bytes, charset);
    });
}

/** A header in bare UTF-8 (RFC 6532). */
function rawText(text: string): string {
  return /[\x80-\xff]/.test(text) ? (utf8(latin1Bytes(text)) ?? text) : text;
}

/** UTF-8 where it holds; other character sets show as one-byte text, which keeps the ending of a file name. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  return /^(utf-?8|us-ascii)$/i.test(charset) ? (utf8(bytes) ?? latin1(bytes)) : latin1(bytes);
}
