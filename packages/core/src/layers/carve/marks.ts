/** One pass over an area for several carvers that go by single bytes. */
import type { Carved, MarkCarver, SearchArea } from "./carved.ts";

/** Asks each carver wherever one of its marks stands, ascending. No more than four marks in all, none shared. */
export function carveMarks({ view, start, end }: SearchArea, carvers: readonly MarkCarver[]): Carved[] {
  const { bytes } = view;
  const owner = new Uint8Array(256);
  carvers.forEach((carver, index) => {
    for (const mark of carver.marks) owner[mark] = index + 1;
  });
  const [a = 0, b = a, c = a, d = a, ...more] = carvers.flatMap((carver) => carver.marks);
  if (more.length > 0) throw new RangeError("more than four marks");
  const ask = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const index = owner[bytes[at] as number] as number;
      if (index !== 0) carvers[index - 1]?.carve(at, bytes[at] as number);
    }
  };
  const first = Math.min(end, start + (-(bytes.byteOffset + start) & 3));
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, (end - first) >> 2);
  ask(start, first);
  for (let i = nextWord(words, 0, a, b, c, d); i < words.length; i = nextWord(words, i + 1, a, b, c, d))
    ask(first + 4 * i, first + 4 * i + 4);
  ask(first + 4 * words.length, end);
  return carvers.flatMap((carver) => carver.found);
}

/** Index of the next word with one of four bytes in it; as many as there are words when none has. */
function nextWord(words: Int32Array, from: number, a: number, b: number, c: number, d: number): number {
  const [aaaa, bbbb, cccc, dddd] = [fourOf(a), fourOf(b), fourOf(c), fourOf(d)];
  // x - 0x01010101 & ~x has a high bit set where x has a zero byte (Hacker's Delight, 6-1).
  for (let i = from; i < words.length; i++) {
    const word = words[i] as number;
    const x = word ^ aaaa;
    const y = word ^ bbbb;
    const z = word ^ cccc;
    const w = word ^ dddd;
    const zeros =
      ((x - 0x01010101) & ~x) | ((y - 0x01010101) & ~y) | ((z - 0x01010101) & ~z) | ((w - 0x01010101) & ~w);
    if ((zeros & 0x80808080) !== 0) return i;
  }
  return words.length;
}

function fourOf(byte: number): number {
  return Math.imul(byte, 0x01010101);
}
