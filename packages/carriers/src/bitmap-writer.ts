/** Pictures whose pixels are given bytes, as hiding tools draw them. */
import { deflateSync } from "node:zlib";
import { ByteWriter } from "./dotnet/bytes.ts";

export interface Drawn {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, top row first. */
  readonly rgba: Uint8Array;
}

/**
 * Draws `data` column by column into a square: three bytes a pixel as R, G, B (what is left over stays transparent
 * black), or four as B, G, R, A.
 */
export function drawColumns(data: Uint8Array, channels: "rgb" | "bgra"): Drawn {
  const size = channels.length;
  const pixels = Math.ceil(data.length / size);
  const side = Math.ceil(Math.sqrt(pixels));
  const rgba = new Uint8Array(4 * side * side);
  for (let i = 0; i < pixels; i++) {
    const to = 4 * ((i % side) * side + Math.floor(i / side));
    for (let c = 0; c < size; c++) rgba[to + "rgba".indexOf(channels.charAt(c))] = data[size * i + c] ?? 0;
    if (size === 3) rgba[to + 3] = 255;
  }
  return { width: side, height: side, rgba };
}

/** 32-bit BMP, bottom row first. */
export function bmp({ width, height, rgba }: Drawn): Uint8Array {
  const out = new ByteWriter()
    .ascii("BM")
    .u32(54 + rgba.length)
    .u32(0)
    .u32(54);
  out.u32(40).u32(width).u32(height).u16(1).u16(32).u32(0).u32(rgba.length).u32(0).u32(0).u32(0).u32(0);
  for (let y = height - 1; y >= 0; y--)
    for (let at = 4 * width * y; at < 4 * width * (y + 1); at += 4)
      for (const channel of [2, 1, 0, 3]) out.u8(rgba[at + channel] as number);
  return out.toBytes();
}

/** RGBA PNG; the rows take the five filters in turn. CRCs are left 0: no reader of ours looks at them. */
export function png({ width, height, rgba }: Drawn): Uint8Array {
  const stride = 4 * width;
  const lines = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const filter = y % 5;
    lines[(stride + 1) * y] = filter;
    for (let i = 0; i < stride; i++) {
      const at = stride * y + i;
      const a = i < 4 ? 0 : (rgba[at - 4] as number);
      const b = y === 0 ? 0 : (rgba[at - stride] as number);
      const c = i < 4 || y === 0 ? 0 : (rgba[at - stride - 4] as number);
      const guess = [0, a, b, (a + b) >> 1, nearest(a, b, c)][filter] as number;
      lines[(stride + 1) * y + 1 + i] = (rgba[at] as number) - guess;
    }
  }
  const header = new ByteWriter();
  for (const value of [width, height]) header.u32(swapped(value));
  header.u8(8).u8(6).u8(0).u8(0).u8(0);
  const out = new ByteWriter().u32(0x474e5089).u32(0x0a1a0a0d);
  for (const [type, data] of [
    ["IHDR", header.toBytes()],
    ["IDAT", deflateSync(lines)],
    ["IEND", new Uint8Array()],
  ] as const)
    out.u32(swapped(data.length)).ascii(type).bytes(data).u32(0);
  return out.toBytes();
}

function nearest(a: number, b: number, c: number): number {
  const p = a + b - c;
  const far = [a, b, c].map((value) => Math.abs(p - value)) as [number, number, number];
  return far[0] <= far[1] && far[0] <= far[2] ? a : far[1] <= far[2] ? b : c;
}

function swapped(value: number): number {
  return ((value << 24) | ((value << 8) & 0xff0000) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
