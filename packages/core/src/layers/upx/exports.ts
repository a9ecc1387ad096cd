import type { Image } from "../../formats/image.ts";
import { DIRECTORY } from "../../formats/pe/constants.ts";
import { directory, Outside, place, type UpxImage } from "./image.ts";

/** Far more than any DLL exports. */
const MAX_EXPORTS = 100_000;

/** A DLL's export table, which UPX keeps in the open, in one piece and elsewhere, back where it was. */
export function rebuildExports(image: UpxImage, packed: Image): void {
  const original = directory(image, DIRECTORY.export);
  const open = packed.pe?.dataDirectories[DIRECTORY.export];
  if (original.size === 0 || open === undefined || open.size === 0) return;
  if (open.virtualAddress === original.rva) return;
  const source = packed.readRva(open.virtualAddress, open.size);
  if (source === undefined || open.size < 40) throw new Outside();
  const table = source.bytes.slice();
  const data = new DataView(table.buffer);
  const move = (at: number): number => {
    if (at + 4 > table.length) throw new Outside();
    const rva = data.getUint32(at, true);
    const inside = rva - open.virtualAddress;
    if (inside < 0 || inside >= open.size) return -1;
    data.setUint32(at, original.rva + inside, true);
    return inside;
  };
  const functions = data.getUint32(20, true);
  const names = data.getUint32(24, true);
  if (functions > MAX_EXPORTS || names > MAX_EXPORTS) throw new Outside();
  move(12);
  const addresses = move(28);
  const namePointers = move(32);
  move(36);
  // What lies inside the table is a forwarder's text.
  if (addresses >= 0) for (let i = 0; i < functions; i++) move(addresses + 4 * i);
  if (namePointers >= 0) for (let i = 0; i < names; i++) move(namePointers + 4 * i);
  image.bytes.set(table, place(image, original.rva, table.length));
}
