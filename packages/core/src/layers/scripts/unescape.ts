/** `unescape` of JScript and VBScript: `%41` and `%u0041`. */
export function unescapeText(text: string): string {
  if (!text.includes("%")) return text;
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", Math.max(from, at + 1))) {
    const wide = /^%u([0-9a-f]{4})/i.exec(text.slice(at, at + 6));
    const narrow = wide === null ? /^%([0-9a-f]{2})/i.exec(text.slice(at, at + 3)) : null;
    const match = wide ?? narrow;
    if (match === null) continue;
    parts.push(text.slice(from, at), String.fromCharCode(Number.parseInt(match[1] as string, 16)));
    from = at + match[0].length;
  }
  parts.push(text.slice(from));
  return parts.join("");
}
