/**
 * Pixels of uncompressed BMP ("Bitmap Storage", learn.microsoft.com/windows/win32/gdi/bitmap-storage; 24 and 32 bits)
 * and of PNG (W3C, second edition; 8-bit RGB and RGBA, not interlaced): what loaders hide programs in.
 */
import { concatBytes, type View } from "../bytes/index.ts";
import { inflate } from "../codecs/index.ts";

export interface Bitmap {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, top row first. */
  readonly rgba: Uint8Array;
}

/** Pixels of one picture. */
const MAX_PIXELS = 1 << 24;
const MAX_CHUNKS = 1 << 16;

const PNG_SIGNATURE = 0x89504e47;
const IHDR = 0x49484452;
const IDAT = 0x49444154;
const IEND = 0x49454e44;
const BMP_SIGNATURE = 0x4d42;
const BI_RGB = 0;
const BI_BITFIELDS = 3;

/** Undefined for every other format or kind, and where pixels are missing. `rows`: no more are read, from the top. */
export function readBitmap(view: View, rows = Number.POSITIVE_INFINITY): Bitmap | undefined {
  if (view.u32be(0) === PNG_SIGNATURE) return readPng(view, rows);
  return view.u16(0) === BMP_SIGNATURE ? readBmp(view, rows) : undefined;
}

function isSize(width: number, height: number): boolean {
  return width > 0 && height > 0 && width * height <= MAX_PIXELS;
}

function readBmp(view: View, rows: number): Bitmap | undefined {
  const start = view.u32(10) ?? 0;
  const width = view.i32(18) ?? 0;
  const signed = view.i32(22) ?? 0;
  const height = Math.abs(signed);
  const bits = view.u16(28) ?? 0;
  const compression = view.u32(30);
  if (!isSize(width, height) || (bits !== 24 && bits !== 32)) return undefined;
  if (compression !== BI_RGB && !(compression === BI_BITFIELDS && bits === 32)) return undefined;
  const size = bits / 8;
  const stride = (width * size + 3) & ~3;
  const from = view.sub(start, stride * height)?.bytes;
  if (from === undefined) return undefined;
  const read = Math.min(rows, height);
  const rgba = new Uint8Array(4 * width * read);
  for (let y = 0; y < read; y++) {
    // Rows stand bottom up, unless the height is negative.
    const row = stride * (signed > 0 ? height - 1 - y : y);
    for (let x = 0, to = 4 * width * y, at = row; x < width; x++, to += 4, at += size) {
      rgba[to] = from[at + 2] as number;
      rgba[to + 1] = from[at + 1] as number;
      rgba[to + 2] = from[at] as number;
      rgba[to + 3] = size === 4 ? (from[at + 3] as number) : 255;
    }
  }
  return { width, height: read, rgba };
}

function readPng(view: View, rows: number): Bitmap | undefined {
  if (view.u32be(12) !== IHDR) return undefined;
  const width = view.u32be(16) ?? 0;
  const height = view.u32be(20) ?? 0;
  const size = view.u8(25) === 6 ? 4 : view.u8(25) === 2 ? 3 : 0;
  if (!isSize(width, height) || view.u8(24) !== 8 || size === 0 || view.u8(28) !== 0) return undefined;
  const parts: Uint8Array[] = [];
  for (let at = 8, n = 0; n < MAX_CHUNKS; n++) {
    const length = view.u32be(at) ?? 0;
    const type = view.u32be(at + 4);
    if (type === undefined || type === IEND) break;
    if (type === IDAT) parts.push(view.clip(at + 8, length).bytes);
    at += 12 + length;
  }
  const stride = width * size;
  const read = Math.min(rows, height);
  const lines = inflate("zlib", concatBytes(...parts), (stride + 1) * read)?.bytes;
  if (lines === undefined || lines.length < (stride + 1) * read) return undefined;
  const rgba = new Uint8Array(4 * width * read);
  let above = new Uint8Array(stride);
  for (let y = 0; y < read; y++) {
    const at = (stride + 1) * y;
    const line = Uint8Array.from(lines.subarray(at + 1, at + 1 + stride));
    if (!unfilter(lines[at] as number, line, above, size)) return undefined;
    above = line;
    for (let x = 0, to = 4 * width * y; x < width; x++, to += 4) {
      for (let c = 0; c < 3; c++) rgba[to + c] = line[size * x + c] as number;
      rgba[to + 3] = size === 4 ? (line[4 * x + 3] as number) : 255;
    }
  }
  return { width, height: read, rgba };
}

/** Undoes a row's filter in place (section 9.2). False for one that there is not. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, size: number): boolean {
  if (filter > 4) return false;
  for (let i = 0; filter > 0 && i < line.length; i++) {
    const a = i < size ? 0 : (line[i - size] as number);
    const b = above[i] as number;
    const c = i < size ? 0 : (above[i - size] as number);
    const guess = filter === 1 ? a : filter === 2 ? b : filter === 3 ? (a + b) >> 1 : paeth(a, b, c);
    line[i] = (line[i] as number) + guess;
  }
  return true;
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** The order in which a loop visits the pixels: the outer loop over x (`columns`) or over y (`rows`). */
export type PixelOrder = "columns" | "rows";

/**
 * The bytes that a loop over the pixels collects: of each the channels named, as in `rgb` or `bgra`. `skipsEmpty`:
 * wholly transparent black is passed over, as loops do that stop where the payload ends. `most`: pixels collected.
 */
export function pixelBytes(
  { width, height, rgba }: Bitmap,
  order: PixelOrder,
  channels: string,
  skipsEmpty: boolean,
  most: number = width * height,
): Uint8Array {
  const picked = [...channels].map((channel) => "rgba".indexOf(channel));
  const pixels = Math.min(most, width * height);
  const out = new Uint8Array(pixels * picked.length);
  let at = 0;
  for (let i = 0; i < width * height && at < out.length; i++) {
    const pixel = order === "rows" ? i : (i % height) * width + Math.floor(i / height);
    const from = 4 * pixel;
    if (
      skipsEmpty &&
      rgba[from] === 0 &&
      rgba[from + 1] === 0 &&
      rgba[from + 2] === 0 &&
      rgba[from + 3] === 0
    )
      continue;
    for (const channel of picked) out[at++] = rgba[from + channel] ?? 0;
  }
  return out.subarray(0, at);
}
