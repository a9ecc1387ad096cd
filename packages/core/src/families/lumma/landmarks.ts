/** Texts and constants that Lumma builds hold, found in one pass over the image. */
import { findNeedles, latin1Bytes, needleSet, utf16leBytes } from "../../bytes/index.ts";

/**
 * Last two entries (1e128, 1e256) of the number printer's table of powers of ten, behind which the linker has put the
 * key in all published L2 and L3 builds. In L1 builds the printer's digit table stands there: never accept it without
 * decryption. [CAPE-parsers Lumma.py, RussianPanda LummaExtractor.cpp]
 */
export const POWER_TABLE_TAIL = Uint8Array.of(
  ...[0x32, 0x1d, 0x30, 0xf9, 0x48, 0x77, 0x82, 0x5a],
  ...[0x3c, 0xbf, 0x73, 0x7f, 0xdd, 0x4f, 0x15, 0x75],
);

export const USER_AGENT = "TeslaBrowser/5.5";

/** Looked for in every file. */
const SIGNS = {
  powerTable: POWER_TABLE_TAIL,
  /** L0 protocol and report texts [SEKOIA infostealer_win_lumma_strings_aug23]. */
  upload: latin1Bytes("Content-Type: attachment/x-object"),
  report: latin1Bytes("- Screen Resoluton:"),
  request: latin1Bytes("lid=%s&j=%s&ver"),
} as const;

/** Looked for only in what has a config or another sign: their byte pairs are frequent. */
const DETAILS = {
  userAgent: latin1Bytes(USER_AGENT),
  userAgentWide: utf16leBytes(USER_AGENT),
  steam: latin1Bytes("steamcommunity.com/profiles/"),
  steamWide: utf16leBytes("steamcommunity.com/profiles/"),
  telegram: latin1Bytes("https://t.me/"),
  telegramWide: utf16leBytes("https://t.me/"),
} as const;

/** Offsets of every text, ascending. */
export type Signs = Readonly<Record<keyof typeof SIGNS, readonly number[]>>;
export type Details = Readonly<Record<keyof typeof DETAILS, readonly number[]>>;

export const findSigns: (bytes: Uint8Array) => Signs = finder(SIGNS);
export const findDetails: (bytes: Uint8Array) => Details = finder(DETAILS);

function finder<K extends string>(
  texts: Readonly<Record<K, Uint8Array>>,
): (bytes: Uint8Array) => Readonly<Record<K, readonly number[]>> {
  const names = Object.keys(texts) as K[];
  const set = needleSet(names.map((name) => texts[name]));
  return (bytes) => {
    const hits = findNeedles(bytes, set);
    return Object.fromEntries(names.map((name, i) => [name, hits[i] ?? []])) as Record<K, number[]>;
  };
}
