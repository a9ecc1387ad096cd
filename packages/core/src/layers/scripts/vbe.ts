/**
 * Script Encoder of Microsoft (screnc.exe): .vbe, .jse and encoded blocks of pages. Three alphabets take turns in a
 * fixed order of 64; facts as published by MrBrownstone (scrdec, 2000).
 */
import { unhex } from "../../bytes/index.ts";
import { decodeBase64 } from "../../codecs/index.ts";
import { MAX_BLOCKS } from "./limits.ts";

/** Plain characters of tab and of 0x20 to 0x7f, three alphabets for each encoded byte. */
const TABLE = unhex(
  "576e7b2e2d324775307a522156602942715b6a5e382f4933265c3d496258417d3a3429353236655b2039767c5c727a56" +
    "437f73386b6639634e703345452b6b6868627151594f667809765e62317d44644a23546d7543714a4c417e3a604a4c41" +
    "5e7e53404c407745424a2c27612a485d74722227754b37316f44374e794d3b59524c2f22506f5467266a2a72477d6a64" +
    "74392d547b202b3f7f2d382e2c774c30675d6e537e6b476c66346f357879255d742130436423264d5a76525b25636c24" +
    "3f482b7b5528787023296941282e34734c0959212a3324447f4e3f6d507755093b5356557c73693a35615f6163654b50" +
    "465867583b5131574969224f6c6d465a4d6848257c2728365c46703d4a6e24327a79412f373d5f605f4b514f5a20422c" +
    "366557",
) as Uint8Array;

/** The alphabet of each character, in turns of 64. */
const ORDER = "0120121221210212021200122102122100212120200120210212001220012021";

/** Characters that must not stand in a page, and how they are written. */
const ESCAPES: Readonly<Record<string, string>> = { "&": "\n", "#": "\r", "*": ">", "!": "<", $: "@" };

const MARK = "#@~^";
const END = "^#~@";
/** MARK, the length in base64, `==`. */
const HEADER = 12;
/** The checksum in base64, `==`. */
const TRAILER = 8;

export interface EncodedBlock {
  /** Place of the whole block, marks included. */
  readonly at: number;
  readonly length: number;
  readonly text: string;
  /** The checksum (sum of the plain characters) agrees. */
  readonly proved: boolean;
}

/** The plain character of an encoded one at position `turn`; also what an encoder inverts. */
export function plainOf(code: number, turn: number): number {
  const row = code === 9 ? 0 : code >= 0x20 && code < 0x80 ? code - 0x1f : -1;
  if (row < 0) return code;
  return TABLE[row * 3 + ORDER.charCodeAt(turn % 64) - 48] as number;
}

function decode(encoded: string): { text: string; sum: number } {
  const parts: string[] = [];
  let line = "";
  let turn = 0;
  let sum = 0;
  for (let i = 0; i < encoded.length; i++) {
    let code = encoded.charCodeAt(i);
    const plain = code === 0x40 ? ESCAPES[encoded.charAt(i + 1)] : undefined;
    if (plain !== undefined) {
      code = plain.charCodeAt(0);
      i++;
    } else code = code < 0x80 ? plainOf(code, turn) : code;
    if (encoded.charCodeAt(i) < 0x80) turn++;
    sum = (sum + code) >>> 0;
    line += String.fromCharCode(code);
    if (line.length > 4096) {
      parts.push(line);
      line = "";
    }
  }
  parts.push(line);
  return { text: parts.join(""), sum };
}

function number(base64: string): number | undefined {
  const bytes = decodeBase64(Uint8Array.from(base64, (char) => char.charCodeAt(0) & 0xff));
  if (bytes?.length !== 4) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** Every encoded block of a text, in order; at most MAX_BLOCKS. A block without its end goes to the end of the text. */
export function encodedBlocks(text: string): EncodedBlock[] {
  const blocks: EncodedBlock[] = [];
  let at = text.indexOf(MARK);
  while (at >= 0 && blocks.length < MAX_BLOCKS) {
    const length = number(text.slice(at + MARK.length, at + HEADER));
    const found = length === undefined ? -1 : text.indexOf(END, at + HEADER);
    if (length !== undefined) {
      const stop = found < 0 ? text.length : found + END.length;
      const body = text.slice(at + HEADER, found < 0 ? stop : found - TRAILER);
      const plain = decode(body);
      blocks.push({
        at,
        length: stop - at,
        text: plain.text,
        proved: found >= 0 && number(text.slice(found - TRAILER, found)) === plain.sum,
      });
      at = text.indexOf(MARK, stop);
    } else at = text.indexOf(MARK, at + MARK.length);
  }
  return blocks;
}
