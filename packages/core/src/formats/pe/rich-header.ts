import type { View } from "../../bytes/index.ts";
import type { Pe, RichHeader } from "./model.ts";

/** "Rich" and "DanS" as little-endian numbers. */
const RICH = 0x6863_6952;
const DANS = 0x536e_6144;
const DOS_HEADER_SIZE = 0x40;
/** The rich header stands between the DOS stub and the PE headers; real ones end far below this. */
const MAX_END = 0x1000;

/**
 * The Rich header of Microsoft's linkers: XORed with a checksum over the DOS header, stub and entries, so that a
 * wrong one tells of tampering (D. Pistelli, "Microsoft's Rich Signature (undocumented)").
 */
export function readRichHeader(view: View, pe: Pe): RichHeader | undefined {
  const end = Math.min(pe.lfanew, MAX_END, view.length) & ~3;
  for (let rich = end - 8; rich >= DOS_HEADER_SIZE; rich -= 4) {
    if (view.u32(rich) !== RICH) continue;
    const key = view.u32(rich + 4) ?? 0;
    const start = startOf(view, rich, key);
    if (start !== undefined) return read(view, start, rich, key);
  }
  return undefined;
}

function startOf(view: View, rich: number, key: number): number | undefined {
  for (let at = rich - 4; at >= DOS_HEADER_SIZE; at -= 4) {
    if (((view.u32(at) ?? 0) ^ key) >>> 0 === DANS) return at;
  }
  return undefined;
}

function read(view: View, start: number, rich: number, key: number): RichHeader {
  const entries: RichHeader["entries"][number][] = [];
  let checksum = start;
  for (let i = 0; i < start; i++) {
    // e_lfanew is not yet known when the linker sums.
    const byte = i >= 0x3c && i < 0x40 ? 0 : (view.u8(i) ?? 0);
    checksum = (checksum + rotateLeft(byte, i)) >>> 0;
  }
  // Behind "DanS" come three words of padding.
  for (let at = start + 16; at + 8 <= rich; at += 8) {
    const id = ((view.u32(at) ?? 0) ^ key) >>> 0;
    const count = ((view.u32(at + 4) ?? 0) ^ key) >>> 0;
    entries.push({ productId: id >>> 16, build: id & 0xffff, count });
    checksum = (checksum + rotateLeft(id, count)) >>> 0;
  }
  return { key, checksumHolds: checksum === key, entries };
}

function rotateLeft(value: number, by: number): number {
  const bits = by & 31;
  return bits === 0 ? value : ((value << bits) | (value >>> (32 - bits))) >>> 0;
}
