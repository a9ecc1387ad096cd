/**
 * Strings of samples as PostgreSQL takes them: it refuses NUL and anything that is no Unicode text. NULs, lone
 * surrogates and the escape itself become U+001A (SUBSTITUTE) and four hex digits; all else stays as it is, so that
 * what is searched for can be written as it reads.
 */
const ESCAPE = "\x1a";
const REFUSED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
  /[\u0000\u001a]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape
const ESCAPED = /\u001a([0-9a-f]{4})/g;

export function encodeText(text: string): string {
  return text.replace(REFUSED, (char) => `${ESCAPE}${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The inverse of `encodeText`. */
export function decodeText(text: string): string {
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
