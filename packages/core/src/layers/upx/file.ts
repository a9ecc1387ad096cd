import type { View } from "../../bytes/index.ts";
import { DIRECTORY } from "../../formats/pe/constants.ts";
import { headersSize, setDirectory, type UpxImage } from "./image.ts";

/** Indexes that `DIRECTORY` does not name. */
const BOUND_IMPORT = 11;
const IAT = 12;
const MAX_FILE_ALIGNMENT = 0x1_0000;
/** Bytes that headers and the gaps between sections may take, beyond the image's own. */
const SLACK = 0x20_0000;

/**
 * A file of a rebuilt image: the packed file's DOS part, the original headers, the sections' bytes where the section table
 * says, then `overlay`. Debug, bound-import and IAT directories are cleared as `upx -d` does, since their contents are gone.
 * Undefined when the stored headers ask for more room than the image could need.
 */
export function writeFile(
  image: UpxImage,
  dosPart: View,
  overlay: Uint8Array,
  limit: number,
): Uint8Array | undefined {
  const { data, sections } = image;
  const lfanew = dosPart.length;
  const optional = image.headers + 24;
  const fileAlignment = powerOfTwo(data.getUint32(optional + 36, true));
  const headersLength = headersSize(image.is64) + 40 * sections.length;
  const headersEnd = align(lfanew + headersLength, fileAlignment);
  let end = headersEnd;
  for (const { pointerToRawData, sizeOfRawData } of sections)
    if (pointerToRawData !== 0) end = Math.max(end, pointerToRawData + align(sizeOfRawData, fileAlignment));
  if (end > image.bytes.length + SLACK || end + overlay.length > limit) return undefined;

  for (const index of [DIRECTORY.debug, BOUND_IMPORT, IAT]) setDirectory(image, index, 0, 0);
  data.setUint32(optional + 60, headersEnd, true);
  data.setUint32(optional + 64, 0, true);

  const file = new Uint8Array(end + overlay.length);
  for (const [i, { virtualAddress, pointerToRawData, sizeOfRawData }] of sections.entries()) {
    if (pointerToRawData === 0) continue;
    const from = virtualAddress - image.first;
    // Not the next section's bytes, where less was loaded than the file had, nor what UPX put behind them all.
    const next = sections[i + 1]?.virtualAddress ?? Number.POSITIVE_INFINITY;
    const to = Math.min(from + align(sizeOfRawData, fileAlignment), next - image.first, image.headers);
    file.set(image.bytes.subarray(from, Math.max(from, to)), pointerToRawData);
  }
  file.set(dosPart.bytes);
  // Whatever the packed file's say, these lead to the headers.
  file[0] = 0x4d;
  file[1] = 0x5a;
  new DataView(file.buffer).setUint32(0x3c, lfanew, true);
  file.set(image.bytes.subarray(image.headers, image.headers + headersLength), lfanew);
  file.set(overlay, end);
  return file;
}

function powerOfTwo(value: number): number {
  return value > 0 && value <= MAX_FILE_ALIGNMENT && (value & (value - 1)) === 0 ? value : 0x200;
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
