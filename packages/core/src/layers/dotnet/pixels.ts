/** Pictures whose pixels are bytes of something else: the orders in which loaders read them. */
import { View } from "../../bytes/index.ts";
import {
  type Bitmap,
  type Dotnet,
  type PixelOrder,
  pixelBytes,
  readBitmap,
  TABLE,
} from "../../formats/index.ts";
import type { Step } from "../../model/index.ts";
import { startsLikePayload } from "./recognise.ts";
import type { Opaque } from "./unwrap.ts";

/** Largest picture read for this, in pixels. */
const MAX_PIXELS = 1 << 22;
/** Pixels of the start by which a payload in clear shows, in a row or in a column. */
const HEAD_PIXELS = 32;
/**
 * Pixels whose step from the one before is counted, and bits a byte from which it may be no picture: the steps of
 * photographs have 3 to 5, those of encrypted bytes nearly 8.
 */
const NOISE_SAMPLE = 8192;
const NOISE_BITS = 6;
/** Offset of the width in a PNG, which IHDR begins with; the height follows. */
const PNG_WIDTH = 16;
/** Programs compress to a half or a third. */
const WELL_COMPRESSED = 8;
/** MemberRef rows looked at. */
const MAX_ROWS = 20_000;

/** Channels of a pixel in the order in which loops add them: Color.R, G, B; Color.ToArgb as bytes; locked bits. */
const CHANNELS: readonly string[] = ["rgb", "bgra", "bgr", "rgba", "r"];
const ORDERS: readonly PixelOrder[] = ["columns", "rows"];

const READS = /^System\.Drawing\.(Bitmap::(GetPixel|LockBits)|Color::(get_R|ToArgb))$/;

/** True for BMP and PNG, by their first bytes. */
export function isPicture(bytes: Uint8Array): boolean {
  return (
    (bytes[0] === 0x42 && bytes[1] === 0x4d) || (bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e)
  );
}

/** Whether the assembly's code reads single pixels. */
export function readsPixels(dotnet: Dotnet): boolean {
  const count = Math.min(dotnet.rowCount(TABLE.MemberRef), MAX_ROWS);
  for (let rid = 1; rid <= count; rid++)
    if (READS.test(dotnet.nameOf(((TABLE.MemberRef << 24) | rid) >>> 0) ?? "")) return true;
  return false;
}

/**
 * Whether any channel's steps from pixel to pixel are as mixed as those of encrypted bytes. Empty pixels, which fill
 * up what a payload leaves free, left out.
 */
function isNoise(rgba: Uint8Array): boolean {
  const pixels = rgba.length >> 2;
  const step = Math.max(1, Math.floor(pixels / NOISE_SAMPLE));
  return [0, 1, 2].some((channel) => {
    const counts = new Uint32Array(256);
    let total = 0;
    for (let pixel = 1; pixel < pixels; pixel += step) {
      const from = 4 * pixel;
      if (rgba[from + 3] === 0 || rgba[from - 1] === 0) continue;
      const value = ((rgba[from + channel] as number) - (rgba[from + channel - 4] as number)) & 0xff;
      counts[value] = (counts[value] as number) + 1;
      total++;
    }
    let bits = 0;
    for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
    return bits > NOISE_BITS;
  });
}

/** A PNG of a drawing is a small part of its pixels; a program, in clear or encrypted, is not. */
function compressesWell(picture: Uint8Array): boolean {
  const view = new View(picture);
  const pixels = (view.u32be(PNG_WIDTH) ?? 0) * (view.u32be(PNG_WIDTH + 4) ?? 0);
  return picture[0] === 0x89 && picture.length < (3 * pixels) / WELL_COMPRESSED;
}

/** Whether a payload in clear starts in the first pixels, in whatever order they are read. */
function startsAnyhow(top: Bitmap): boolean {
  return ORDERS.some((order) =>
    CHANNELS.some((channels) =>
      [true, false].some((skipEmpty) => isStart(pixelBytes(top, order, channels, skipEmpty, HEAD_PIXELS))),
    ),
  );
}

/** A payload in clear, or one behind its length. */
function isStart(head: Uint8Array): boolean {
  return startsLikePayload(head, false) || startsLikePayload(head.subarray(4), false);
}

/** What each order gives: as long as the length in its first four bytes says, where one fits, else whole. */
export function* pixelsOf(picture: Uint8Array): Generator<Opaque> {
  if (compressesWell(picture)) return;
  const top = readBitmap(new View(picture), HEAD_PIXELS);
  if (top === undefined || !(isNoise(top.rgba) || startsAnyhow(top))) return;
  const bitmap = readBitmap(new View(picture));
  if (bitmap === undefined || bitmap.width * bitmap.height > MAX_PIXELS) return;
  const hasEmpty = new Uint32Array(
    bitmap.rgba.buffer,
    bitmap.rgba.byteOffset,
    bitmap.rgba.length >> 2,
  ).includes(0);
  const noise = isNoise(bitmap.rgba);
  for (const skipEmpty of hasEmpty ? [true, false] : [false])
    for (const order of ORDERS)
      for (const channels of CHANNELS) {
        // A picture of something is no ciphertext: then only a payload in clear is worth collecting all pixels.
        const head = pixelBytes(bitmap, order, channels, skipEmpty, HEAD_PIXELS);
        if (!noise && !isStart(head)) continue;
        const bytes = pixelBytes(bitmap, order, channels, skipEmpty);
        const step: Step = {
          op: "pixels",
          params: { order, channels, ...(skipEmpty ? { skipEmpty: 1 } : {}) },
        };
        const length = new View(bytes).u32(0) ?? 0;
        if (length > 0 && length <= bytes.length - 4 && length > bytes.length >> 3) {
          const more: Step[] = [
            { op: "skip", params: { bytes: 4 } },
            { op: "take", params: { bytes: length } },
          ];
          yield { steps: [step, ...more], bytes: bytes.subarray(4, 4 + length) };
        } else yield { steps: [step], bytes };
      }
}
