/** One pass over an area for several carvers that go by single bytes: four bytes at a time. */
import type { Carved, MarkCarver, SearchArea } from "./carved.ts";

const ONES = 0x0101_0101;
const HIGHS = 0x8080_8080 | 0;
/** Marks looked for at once; the loop below is written for so many. */
const WIDTH = 4;

/** Asks each carver wherever one of its marks stands, ascending. At most four marks in all. */
export function carveMarks({ view, start, end }: SearchArea, carvers: readonly MarkCarver[]): Carved[] {
  const byMark: (MarkCarver | undefined)[] = [];
  for (const carver of carvers) for (const mark of carver.marks) byMark[mark] = carver;
  const marks = carvers.flatMap((carver) => carver.marks);
  if (marks.length > WIDTH) throw new RangeError(`${marks.length} marks, ${WIDTH} at most`);
  const [a = 0, b = a, c = a, d = a] = marks.map((mark) => Math.imul(mark, ONES));
  const { bytes } = view;
  const ask = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const mark = bytes[at] as number;
      byMark[mark]?.carve(at, mark);
    }
  };
  const first = Math.min(end, start + ((4 - ((bytes.byteOffset + start) % 4)) % 4));
  ask(start, first);
  const count = (end - first) >> 2;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + first, count);
  for (let i = 0; i < count; i++) {
    const word = words[i] as number;
    // A byte of x is zero where (x - 0x01) & ~x has its high bit (Bit Twiddling Hacks); a few more show, none less.
    const p = word ^ a;
    const q = word ^ b;
    const r = word ^ c;
    const s = word ^ d;
    const hit = ((p - ONES) & ~p) | ((q - ONES) & ~q) | ((r - ONES) & ~r) | ((s - ONES) & ~s);
    if ((hit & HIGHS) !== 0) ask(first + 4 * i, first + 4 * i + 4);
  }
  ask(first + 4 * count, end);
  return carvers.flatMap((carver) => carver.found);
}
