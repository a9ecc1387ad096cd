import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery, rangeOf } from "./query.ts";

const terms = (text: string) => {
  const parsed = parseQuery(text);
  if (!parsed.ok) throw new Error(parsed.error.text);
  return parsed.value;
};
const only = (text: string) => terms(text)[0]?.anyOf;
const error = (text: string) => {
  const parsed = parseQuery(text);
  return parsed.ok ? undefined : parsed.error;
};

describe("the language of searches", () => {
  it("reads family, range and date", () => {
    expect(terms("family:remcos c2:77.105.132.0/24 since:2024-01")).toEqual([
      {
        negated: false,
        anyOf: [
          { kind: "property", property: "family", match: { is: "exactly", text: "remcos" } },
          { kind: "property", property: "family", match: { is: "like", parts: ["", ".remcos"] } },
          { kind: "property", property: "family", match: { is: "like", parts: ["", ".remcos_", ""] } },
        ],
      },
      { negated: false, anyOf: [{ kind: "range", first: "77.105.132.0", last: "77.105.132.255", c2: true }] },
      { negated: false, anyOf: [{ kind: "seen", since: "2024-01-01T00:00:00.000Z" }] },
    ]);
  });

  it("reads negation, alternatives, quotes and stars", () => {
    expect(terms('-version:"4.9 Pro",5*')).toEqual([
      {
        negated: true,
        anyOf: [
          { kind: "property", property: "version", match: { is: "exactly", text: "4.9 Pro" } },
          { kind: "property", property: "version", match: { is: "like", parts: ["5", ""] } },
        ],
      },
    ]);
  });

  it("takes no scheme, port or unknown word for a key", () => {
    expect(only("tcp://77.105.132.70:2404")).toMatchObject([
      { kind: "indicator", keys: expect.arrayContaining([{ type: "socket", value: "77.105.132.70:2404" }]) },
      { kind: "config" },
    ]);
    expect(only("c2:hxxps://a[.]example/x")).toEqual([
      { kind: "indicator", keys: [{ type: "url", value: "https://a.example/x" }], c2: true },
    ]);
    expect(only("evil[.]example:443")?.[0]).toMatchObject({
      keys: expect.arrayContaining([{ type: "socket", value: "evil.example:443" }]),
    });
  });

  it("names config fields and every type of indicator", () => {
    expect(only("config.other.install_flag:1")).toEqual([
      { kind: "config", name: "other.install_flag", match: { is: "exactly", text: "1" } },
    ]);
    expect(only("campaign:Office04")).toEqual([
      { kind: "indicator", keys: [{ type: "campaign_id", value: "Office04" }], c2: false },
    ]);
    expect(only("domain:*.Evil[.]example")).toEqual([
      {
        kind: "indicator-like",
        types: ["domain"],
        match: { is: "like", parts: ["", ".evil.example"] },
        c2: false,
      },
    ]);
  });

  it("ends a month, a year and a day where the next begins", () => {
    for (const [text, before] of [
      ["2024", "2025-01-01"],
      ["2024-12", "2025-01-01"],
      ["2024-02-29", "2024-03-01"],
    ])
      expect(only(`until:${text}`)).toEqual([{ kind: "seen", before: `${before}T00:00:00.000Z` }]);
  });

  it("says what is wrong and where", () => {
    expect(error("")).toEqual({ at: 0, text: "nothing is asked for" });
    expect(error('name:"x')).toEqual({ at: 5, text: "a quotation mark is not closed" });
    expect(error("family:x since:yesterday")?.at).toBe(9);
    expect(error("since:2024-13")?.text).toContain("a date");
    expect(error("since:2023-02-29")?.text).toContain("a date");
    expect(error("ip:nothing")?.text).toBe("ip: nothing is none");
    expect(error("c2:")?.text).toBe("a value is missing");
    expect(error("a ".repeat(33))?.text).toContain("32 terms");
    expect(error("x".repeat(5000))?.text).toContain("4096");
  });

  it("reads ranges of both kinds, whatever their length", () => {
    expect(rangeOf("10.1.2.3/8")).toEqual({ first: "10.0.0.0", last: "10.255.255.255" });
    expect(rangeOf("1.2.3.4/32")).toEqual({ first: "1.2.3.4", last: "1.2.3.4" });
    expect(rangeOf("1.2.3.4/0")).toEqual({ first: "0.0.0.0", last: "255.255.255.255" });
    expect(rangeOf("1.2.3[.]4/23")).toEqual({ first: "1.2.2.0", last: "1.2.3.255" });
    expect(rangeOf("2001:db8::/33")).toEqual({
      first: "2001:db8::",
      last: "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
    });
    for (const text of ["1.2.3.4", "1.2.3/24", "1.2.3.4/33", "x/8", "/8"])
      expect(rangeOf(text)).toBeUndefined();
  });

  it("ends in terms or an error, whatever it is given", () => {
    const piece = fc.constantFrom(
      '"',
      ",",
      ":",
      "-",
      " ",
      "*",
      "c2:",
      "family:",
      "since:2024",
      "1.2.3.4/8",
      "\u0000",
      "config.a:",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 20 }), (parts) => {
        const parsed = parseQuery(parts.join(""));
        if (parsed.ok) expect(parsed.value.every(({ anyOf }) => anyOf.length > 0)).toBe(true);
        else expect(parsed.error.at).toBeLessThanOrEqual(parts.join("").length);
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});
