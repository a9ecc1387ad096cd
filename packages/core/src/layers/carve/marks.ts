/** One pass over an area for several carvers that go by single bytes. */
import type { Carved, MarkCarver, SearchArea } from "./carved.ts";

/** Asks each carver wherever one of its marks stands, ascending. */
export function carveMarks({ view, start, end }: SearchArea, carvers: readonly MarkCarver[]): Carved[] {
  const { bytes } = view;
  const owner = new Uint8Array(256);
  carvers.forEach((carver, index) => {
    for (const mark of carver.marks) owner[mark] = index + 1;
  });
  for (let at = start; at < end; at++) {
    const mark = bytes[at] as number;
    const index = owner[mark] as number;
    if (index !== 0) carvers[index - 1]?.carve(at, mark);
  }
  return carvers.flatMap((carver) => carver.found);
}
