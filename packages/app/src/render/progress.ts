import { printable, shorten } from "@assay/core/export/escape";

/** One line for the progress on stderr. */
export function progressLine(done: number, total: number, name: string, width: number): string {
  return shorten(`${done}/${total}  ${printable(name)}`, Math.max(20, width - 1));
}
