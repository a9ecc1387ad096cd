import { noise } from "@assay/carriers/lumma-tables";
import { describe, expect, it } from "vitest";
import { randomStarts } from "./random-runs.ts";

const LENGTH = 424;
const covers = (bytes: Uint8Array, offset: number) =>
  randomStarts(bytes, 0, bytes.length, LENGTH, 0x4000).some(
    ({ start, end }) => start <= offset && offset < end,
  );

describe("randomStarts", () => {
  it("covers the start of a blob of nine slots wherever it stands among zeros, code and text", () => {
    const code = (i: number) => [0x55, 0x89, 0xe5, 0x83, 0xec, 0x18, 0x8b, 0x45, 0x08][i % 9] as number;
    const text = (i: number) => 0x61 + ((i * 7) % 23);
    let found = 0;
    for (let seed = 0; seed < 300; seed++) {
      const around = [() => 0, code, text][seed % 3] as (i: number) => number;
      const bytes = Uint8Array.from({ length: 6000 }, (_, i) => around(i));
      const offset = 1000 + ((seed * 131) % 2000);
      bytes.set(noise(1320, seed + 9000), offset);
      if (covers(bytes, offset)) found++;
    }
    expect(found).toBeGreaterThanOrEqual(299);
  });

  it("gives nothing for zeros, text, tables, permutations and whole payloads", () => {
    const of = (length: number, value: (i: number) => number) =>
      Uint8Array.from({ length }, (_, i) => value(i));
    for (const bytes of [
      of(8000, () => 0),
      of(8000, (i) => 0x20 + ((i * 31) % 90)),
      of(8000, (i) => (i % 4 === 3 ? 0 : (i * 7) & 0x3f)),
      of(1024, (i) => (i * 167) & 0xff),
      noise(0x8000, 77),
    ])
      expect(randomStarts(bytes, 0, bytes.length, LENGTH, 0x4000)).toEqual([]);
  });
});
