/** CSV (RFC 4180), with semicolons or tabs too, comments, and whatever line ends: one pass, never more than the text. */

/** Rows and cells of one file. */
const MAX_ROWS = 1_000_000;
const MAX_CELLS = 256;

/** Rows of cells; lines that begin with `#` are comments, of which the last before the rows may be their heading. */
export function* csvRows(text: string, comment: (line: string) => void): Generator<string[]> {
  const separator = separatorOf(text);
  let at = text.startsWith("\ufeff") ? 1 : 0;
  for (let rows = 0; at < text.length && rows < MAX_ROWS; ) {
    if (text[at] === "#") {
      const end = lineEnd(text, at);
      comment(text.slice(at + 1, end));
      at = pastLineEnd(text, end);
      continue;
    }
    const row: string[] = [];
    for (;;) {
      const cell = cellAt(text, at, separator);
      if (row.length < MAX_CELLS) row.push(cell.text);
      at = cell.end;
      if (text[at] !== separator) break;
      at++;
    }
    at = pastLineEnd(text, at);
    if (row.length > 1 || row[0] !== "") {
      rows++;
      yield row;
    }
  }
}

function cellAt(
  text: string,
  start: number,
  separator: string,
): { readonly text: string; readonly end: number } {
  let at = start;
  // Blanks before a quotation mark stand in feeds that people wrote.
  while (text[at] === " ") at++;
  if (text[at] !== '"') {
    at = start;
    while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") at++;
    return { text: text.slice(start, at).trim(), end: at };
  }
  const parts: string[] = [];
  for (;;) {
    const from = at + 1;
    const quote = text.indexOf('"', from);
    const end = quote < 0 ? text.length : quote;
    parts.push(text.slice(from, end));
    at = Math.min(end + 1, text.length);
    if (text[at] !== '"') break;
    parts.push('"');
  }
  // What stands between the closing mark and the separator belongs to nobody.
  while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") at++;
  return { text: parts.join(""), end: at };
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  const line = end < 0 ? text.length : end;
  return text[line - 1] === "\r" ? line - 1 : line;
}

function pastLineEnd(text: string, at: number): number {
  let next = at;
  if (text[next] === "\r") next++;
  if (text[next] === "\n") next++;
  return next === at ? at + 1 : next;
}

/** What stands most often in the first lines. */
function separatorOf(text: string): string {
  const head = text.slice(0, 4096);
  const count = (char: string) => head.split(char).length;
  return [";", "\t"].reduce((best, char) => (count(char) > count(best) ? char : best), ",");
}
