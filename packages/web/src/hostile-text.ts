/**
 * Strings of samples as something that can be shown: control characters, line ends, invisible and bidirectional
 * characters become visible names. Pure; hostile.tsx draws what comes out.
 */
import { defang, defangHost } from "@assay/core/indicators/defang";

export interface Piece {
  readonly text: string;
  /** A character that would not be seen for what it is, by its name. */
  readonly odd: boolean;
}

/** Characters of one text that are shown at most; the rest is told as a number. */
export const MAX_SHOWN = 4096;

const NAMES: Readonly<Record<number, string>> = {
  0: "NUL",
  7: "BEL",
  8: "BS",
  9: "TAB",
  10: "LF",
  13: "CR",
  27: "ESC",
  127: "DEL",
  160: "NBSP",
  173: "SHY",
  8203: "ZWSP",
  8204: "ZWNJ",
  8205: "ZWJ",
  8206: "LRM",
  8207: "RLM",
  8232: "LSEP",
  8233: "PSEP",
  8234: "LRE",
  8235: "RLE",
  8236: "PDF",
  8237: "LRO",
  8238: "RLO",
  8288: "WJ",
  8294: "LRI",
  8295: "RLI",
  8296: "FSI",
  8297: "PDI",
  65279: "BOM",
};

/** Cc, Cf, lone surrogates, private use, unassigned, and blanks other than the usual one. */
const ODD = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|\p{Default_Ignorable_Code_Point}/gu;

export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(ODD)) {
    if (index > at) out.push({ text: text.slice(at, index), odd: false });
    out.push({ text: nameOf(found.codePointAt(0) ?? 0), odd: true });
    at = index + found.length;
  }
  if (at < text.length) out.push({ text: text.slice(at), odd: false });
  return out;
}

function nameOf(code: number): string {
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The same in one line of plain text: for titles, labels and file names. */
export function plain(text: string, max = 200): string {
  const shown = pieces(text.slice(0, max))
    .map(({ text: part, odd }) => (odd ? `⟨${part}⟩` : part))
    .join("");
  return text.length > max ? `${shown}…` : shown;
}

/** Addresses in it made harmless. */
export function defanged(text: string): string {
  return defang(text);
}

/** What is known to be a host: also under a suffix that no list knows. */
export function defangedHost(host: string): string {
  return defangHost(host);
}
