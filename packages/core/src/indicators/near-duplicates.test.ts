import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearDuplicates, slipsOf } from "./near-duplicates.ts";

const pairs = (...values: string[]) => nearDuplicates(values).map(({ a, b }) => [a, b]);

describe("near duplicates", () => {
  it("flag the address with a digit too many", () => {
    expect(nearDuplicates(["77.105.132.70", "5.42.64.67", "177.105.132.70", "177.105.132.124"])).toEqual([
      { a: "177.105.132.70", b: "77.105.132.70", why: "octet 1 has one digit more or less: 77 and 177" },
    ]);
    expect(pairs("10.20.30.40", "10.20.3.40", "10.2.3.40")).toEqual([
      ["10.2.3.40", "10.20.3.40"],
      ["10.20.3.40", "10.20.30.40"],
    ]);
  });

  it("leave neighbours in a network alone", () => {
    expect(pairs("1.2.3.4", "1.2.3.5", "1.2.3.14", "1.2.4.4", "2.2.3.4")).toEqual([]);
    // Two octets differ, though one character moved would do it.
    expect(pairs("11.2.3.4", "1.12.3.4")).toEqual([]);
  });

  it("flag names one edit apart in a long registrable label", () => {
    expect(pairs("pinkipinevazzey.pw", "pinkipinevazey.pw")).toEqual([
      ["pinkipinevazey.pw", "pinkipinevazzey.pw"],
    ]);
    expect(pairs("assaultseekwoodywod.pw", "assaultseekwoodywob.pw")).toHaveLength(1);
    expect(pairs("a.opposesickness.pw", "a.opposesicknes.pw")).toHaveLength(1);
    expect(nearDuplicates(["diagramfire.fun", "diagramfires.fun"])[0]?.why).toBe(
      'one character more or less: "s" at place 12',
    );
  });

  it("leave names alone that are short, numbered, far apart, or differ elsewhere", () => {
    for (const [a, b] of [
      ["abcdef.pw", "abcdeg.pw"],
      ["gate-server1.pw", "gate-server2.pw"],
      ["gate-server.pw", "gate-server1.pw"],
      ["opposesickness.pw", "oppossesicknes.pw"],
      ["opposesickness.pw", "opposeiscknes.pw"],
      ["opposesickness.pw", "poposesickness.pw"],
      ["opposesickness.pw", "opposesickness.fun"],
      ["a.opposesickness.pw", "b.opposesickness.pw"],
      ["xn--e1afmkfd.pw", "xn--e1afmkfe.pw"],
      ["opposesickness.pw", "opposesickness.pw"],
    ] as const)
      expect(pairs(a, b), `${a} ${b}`).toEqual([]);
  });

  it("find every pair that comparing all with all finds", () => {
    const octet = fc.constantFrom(1, 2, 11, 12, 21, 112, 121);
    const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
    const label = fc
      .array(fc.constantFrom("a", "b"), { minLength: 7, maxLength: 10 })
      .map((letters) => `${letters.join("")}.pw`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(address, label), { maxLength: 25 }), (values) => {
        const naive = values
          .flatMap((x, i) => values.slice(i + 1).flatMap((y) => nearDuplicates([x, y])))
          .filter(({ a, b }) => distance(a, b) === 1)
          .sort((x, y) => (`${x.a} ${x.b}` < `${y.a} ${y.b}` ? -1 : 1));
        const partners = (value: string) => naive.filter(({ a, b }) => a === value || b === value).length;
        expect(nearDuplicates(values)).toEqual(
          naive.filter(({ a, b }) => partners(a) <= 4 && partners(b) <= 4),
        );
      }),
      { seed: 28, numRuns: 300 },
    );
  });

  it("are all among the slips of either value", () => {
    const octet = fc.constantFrom("1", "2", "12", "25", "112", "251");
    const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
    const label = fc
      .array(fc.constantFrom("a", "b", "-", "7"), { minLength: 7, maxLength: 9 })
      .map((letters) => `x${letters.join("")}x.pw`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(address, label), { maxLength: 20 }), (values) => {
        for (const { a, b } of nearDuplicates(values)) {
          expect(slipsOf(a)).toContain(b);
          expect(slipsOf(b)).toContain(a);
        }
      }),
      { seed: 31, numRuns: 300 },
    );
    expect(slipsOf("short.pw").size).toBe(0);
    expect(slipsOf("pinkipinevazzey.pw")).toContain("pinkipinevazey.pw");
    expect(slipsOf("177.105.132.70")).toContain("77.105.132.70");
  });

  it("leave a generated series alone, and take five thousand values in linear time", () => {
    // Comparing all with all would outlast the test's time limit many times.
    const letters = (i: number) =>
      i.toString(26).replace(/\d/g, (digit) => "qrstuvwxyz".charAt(Number(digit)));
    const series = Array.from(
      { length: 5_000 },
      (_, i) => `${letters(i).padStart(3, "q")}shop-of-horrors.com`,
    );
    expect(pairs(...series, "lonelyshop.pw", "lonelyshops.pw")).toContainEqual([
      "lonelyshop.pw",
      "lonelyshops.pw",
    ]);
    expect(pairs(...series)).toEqual([]);
  });
});

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] as number;
}
