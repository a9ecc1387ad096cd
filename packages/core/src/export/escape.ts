/** Text from samples is hostile: what is shown to people passes through here first. */

/**
 * Characters that act instead of being seen: C0 and C1 controls (terminal escapes, newlines), bidi marks, embeddings,
 * overrides and isolates, zero-width and other default-ignorable characters, line and paragraph separators, tags,
 * lone surrogates, non-characters.
 */
const ACTIVE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: single code points are listed, no pairs
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

/** Replaces what acts by what shows: `\x1b`, `\u202e`. Backslashes stay, so this is for reading, not for parsing back. */
export function printable(text: string): string {
  return text.replace(ACTIVE, (match) => {
    const point = match.codePointAt(0) as number;
    return point < 0x100
      ? `\\x${point.toString(16).padStart(2, "0")}`
      : `\\u${point.toString(16).padStart(4, "0")}`;
  });
}

/** At most `length` characters, the middle cut out of longer text. */
export function shorten(text: string, length: number): string {
  const chars = [...text];
  if (chars.length <= length) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${chars.slice(0, head).join("")}…${chars.slice(chars.length - (length - 1 - head)).join("")}`;
}

/** For HTML text and quoted attributes. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** For running Markdown text and table cells: no markup, no link, no HTML comes through. */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]()#+!|~<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(
      /^(\s*)([-=]|\d+\.)/,
      (_, space: string, mark: string) => `${space}&#${mark.charCodeAt(0)};${mark.slice(1)}`,
    )
    .replace(/:\/\//g, "&#58;//")
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}&#46;`)
    .replace(/@/g, "&#64;");
}
