/**
 * StringDecrypt.Read of the malware: base64, XOR with the key's characters in turn, base64 again, UTF-8. When
 * anything throws, the malware goes on with the text as it stands, so a text that does not decrypt is plain.
 */
import { hex, latin1, latin1Bytes, type Span, utf8 } from "../../bytes/index.ts";
import { decodeBase64, xor } from "../../codecs/index.ts";
import type { Step } from "../../model/index.ts";

/** Shortest ciphertext of a `host:port`: 9 characters, twice base64. */
const MIN_C2_CIPHERTEXT = 16;
const MAX_CIPHERTEXT = 8192;
const MAX_KEY = 64;
const PROBE = 8;

const BASE64_TEXT = /^[A-Za-z0-9+/]+={0,2}$/;
const ASCII_TEXT = /^[\x20-\x7e]+$/;

/** True for what the malware's builder may have used as a key. */
export function isKey(text: string): boolean {
  return text.length > 0 && text.length <= MAX_KEY && ASCII_TEXT.test(text);
}

/**
 * True for text that may be the ciphertext of a C2 list. Both the key and the inner base64 are ASCII, so no decoded
 * byte has its high bit set; of other base64-like texts of this length, one in thousands is so.
 */
export function isC2Ciphertext(text: string): boolean {
  if (text.length < MIN_C2_CIPHERTEXT || text.length > MAX_CIPHERTEXT || text.length % 4 !== 0) return false;
  if (!BASE64_TEXT.test(text)) return false;
  const bytes = decodeBase64(latin1Bytes(text));
  return bytes?.every((byte) => byte < 0x80) ?? false;
}

/** Undefined when a step refuses its input. */
export function decrypt(ciphertext: string, key: string): string | undefined {
  if (!isKey(key) || ciphertext.length > MAX_CIPHERTEXT || !BASE64_TEXT.test(ciphertext)) return undefined;
  const outer = decodeBase64(latin1Bytes(ciphertext));
  if (outer === undefined || outer.length === 0) return undefined;
  const keyBytes = latin1Bytes(key);
  // Most keys that are tried are wrong, and show it in the first characters.
  if (!BASE64_TEXT.test(latin1(xor(outer.subarray(0, PROBE), keyBytes)))) return undefined;
  const inner = decodeBase64(xor(outer, keyBytes));
  return inner && utf8(inner);
}

/** The way from the bytes of a ciphertext, of one or two (UTF-16LE) a char, to the UTF-8 bytes of its text. */
export function decryptSteps(key: string, keyAt: readonly Span[], width: 1 | 2): readonly Step[] {
  const keyHex = hex(latin1Bytes(key));
  return [
    ...(width === 2 ? [{ op: "utf16le" }] : []),
    { op: "base64" },
    { op: "xor", params: { key: keyHex }, at: [...keyAt] },
    { op: "base64" },
  ];
}
