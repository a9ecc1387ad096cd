/** Text in a field, by what its bytes are: early builds write ANSI where later ones write UTF-16LE. */
import { type Found, found, latin1, utf8, utf16le, type View } from "../../bytes/index.ts";
import type { ReadAs } from "../../model/index.ts";

/** Text as it stands, in UTF-8 (ASCII), UTF-16LE or an ANSI code page (read as Latin-1). Trailing NULs do not count. */
export function readText(view: View): { value: Found<string>; as: ReadAs } | undefined {
  let end = view.length;
  while (end > 0 && view.bytes[end - 1] === 0) end--;
  const bytes = view.bytes.subarray(0, end);
  const narrow = utf8(bytes);
  if (narrow !== undefined && !hasOddities(narrow))
    return { value: found(narrow, view.span(0, end)), as: "utf8" };
  // The last character's high byte may be one of the NULs taken off.
  const wideEnd = end + (end % 2);
  const wide = utf16le(view.bytes.subarray(0, wideEnd));
  if (wideEnd <= view.length && !hasOddities(wide))
    return { value: found(wide, view.span(0, wideEnd)), as: "utf16le" };
  const ansi = latin1(bytes);
  return hasControls(ansi) ? undefined : { value: found(ansi, view.span(0, end)), as: "latin1" };
}

/** Controls and what lies above Hangul: ANSI text read as UTF-16LE falls there, names of files do not. */
function hasOddities(text: string): boolean {
  if (hasControls(text)) return true;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0xd800) return true;
  return false;
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}
