import { describe, expect, it } from "vitest";
import { askedFor, meant, pick } from "./paste.ts";

describe("the box for anything", () => {
  it("takes one value for a pivot, defanged or not, with a type or without", () => {
    for (const value of ["evil[.]example", "77.105.132.70", "mutex:Rmc-1", "mutex:two words", "a".repeat(64)])
      expect(askedFor(` ${value} `)).toEqual({ kind: "value", value });
  });
  it("takes what has keys of the search for a search", () => {
    for (const query of [
      "family:remcos",
      "family:remcos c2:77.105.132.0/24 since:2024-01",
      "-outcome:config",
    ])
      expect(askedFor(query)).toEqual({ kind: "search", query });
  });
  it("takes lines, and sentences with indicators, for a text", () => {
    expect(askedFor("one[.]example\ntwo[.]example").kind).toBe("text");
    expect(askedFor("It calls at evil-host[.]com every hour").kind).toBe("text");
    expect(askedFor("My Campaign Two")).toEqual({ kind: "value", value: "My Campaign Two" });
    expect(askedFor("  \n ")).toEqual({ kind: "nothing" });
  });
});

describe("a pasted report", () => {
  const report = `Lumma calls at opposesicknessopw[.]pw and hxxp://128.140.69[.]37:80, see https://example.org/blog.
    SHA-256: ${"ab".repeat(32)}, MD5 ${"0C".repeat(16)}.`;
  it("gives its indicators and hashes, each once", () => {
    const { found } = pick(`${report}\n${report}`);
    const keys = found.map(({ key }) => key);
    expect(keys).toEqual(
      expect.arrayContaining([
        "domain:opposesicknessopw.pw",
        "ipv4:128.140.69.37",
        "ab".repeat(32),
        "0c".repeat(16),
      ]),
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(found.find(({ value }) => value.length === 32)?.type).toBe("md5");
  });
  it("does not take a reference for an indicator, but tells it", () => {
    const { found, leftOut } = pick(report);
    expect(found.some(({ value }) => value.includes("example.org"))).toBe(false);
    expect(leftOut.map(({ what }) => meant(what))).toEqual(["https://example.org/blog"]);
  });
  it("finds hashes where nothing else stands", () => {
    expect(pick(`${"ab".repeat(32)}\n${"cd".repeat(32)}`).found).toHaveLength(2);
  });
});
