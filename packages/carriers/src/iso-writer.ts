/** Writes small ISO 9660 images: one folder, names of eight and three. After ECMA-119, 8.4 and 9.1. */

const SECTOR = 2048;
const PRIMARY = 16;
const ROOT = 18;

export interface IsoFile {
  /** `NAME.EXT`, upper case. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** Both byte orders, one after the other, as nearly every number of the format stands. */
function both32(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value, false);
}

function both16(view: DataView, at: number, value: number): void {
  view.setUint16(at, value, true);
  view.setUint16(at + 2, value, false);
}

function record(name: Uint8Array, sector: number, size: number, folder: boolean): Uint8Array {
  const bytes = new Uint8Array((33 + name.length + 1) & ~1);
  const view = new DataView(bytes.buffer);
  bytes[0] = bytes.length;
  both32(view, 2, sector);
  both32(view, 10, size);
  bytes.set([124, 1, 1], 18);
  bytes[25] = folder ? 2 : 0;
  both16(view, 28, 1);
  bytes[32] = name.length;
  bytes.set(name, 33);
  return bytes;
}

/** The image. Some forty files fit into its one sector of names; RangeError beyond. */
export function writeIso(files: readonly IsoFile[]): Uint8Array {
  let sector = ROOT + 1;
  const placed = files.map(({ name, content }) => {
    const at = sector;
    sector += Math.max(1, Math.ceil(content.length / SECTOR));
    return { name, content, at };
  });
  const image = new Uint8Array(sector * SECTOR);
  const view = new DataView(image.buffer);
  const descriptor = PRIMARY * SECTOR;
  image.set([1, ...Buffer.from("CD001"), 1], descriptor);
  image.fill(0x20, descriptor + 8, descriptor + 72);
  both32(view, descriptor + 80, sector);
  both16(view, descriptor + 120, 1);
  both16(view, descriptor + 124, 1);
  both16(view, descriptor + 128, SECTOR);
  const self = record(Uint8Array.of(0), ROOT, SECTOR, true);
  image.set(self, descriptor + 156);
  image[descriptor + 881] = 1;
  image.set([255, ...Buffer.from("CD001"), 1], descriptor + SECTOR);
  let at = ROOT * SECTOR;
  const records = placed.map(({ name, content, at: start }) =>
    record(Buffer.from(`${name};1`), start, content.length, false),
  );
  for (const entry of [self, record(Uint8Array.of(1), ROOT, SECTOR, true), ...records]) {
    if (at + entry.length > (ROOT + 1) * SECTOR) throw new RangeError("too many files");
    image.set(entry, at);
    at += entry.length;
  }
  for (const { content, at: start } of placed) image.set(content, start * SECTOR);
  return image;
}
