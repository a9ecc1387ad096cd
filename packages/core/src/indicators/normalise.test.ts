import { domainToASCII } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseDomain, normaliseHost, normaliseUrl, socketText } from "./normalise.ts";
import { toAsciiLabel } from "./punycode.ts";

describe("domains", () => {
  it("are lower-case without the trailing dot, `xn--` labels as they are", () => {
    expect(normaliseDomain("OpposeSicknessOpw.PW.")).toBe("opposesicknessopw.pw");
    expect(normaliseDomain("XN--E1AFMKFD.xn--p1ai")).toBe("xn--e1afmkfd.xn--p1ai");
    expect(normaliseDomain("_dmarc.a-b.example")).toBe("_dmarc.a-b.example");
    expect(normaliseDomain("localhost")).toBe("localhost");
  });

  it("of other scripts become the `xn--` name that the DNS knows", () => {
    for (const name of [
      "пример.рф",
      "bücher.example",
      "例え.テスト",
      "Bücher。example",
      "ñandú.cl",
      "aé-ü9.example",
      "😀.ws",
    ])
      expect(normaliseDomain(name), name).toBe(domainToASCII(name));
  });

  it("have no empty, overlong or malformed label", () => {
    for (const bad of [
      "",
      ".",
      "a..b",
      ".a",
      "-a.com",
      "a-.com",
      `${"a".repeat(64)}.com`,
      "a b.com",
      "a/b.com",
      "a:1",
      "a.com\n",
      `${"a.".repeat(127)}com`,
    ])
      expect(normaliseDomain(bad), bad).toBeUndefined();
  });

  it("are no addresses gone wrong", () => {
    for (const bad of ["1.2.3", "1.2.3.256", "010.1.1.1", "1.2.3.4.5", "127.1", "0x7f.0x1"])
      expect(normaliseHost(bad), bad).toBeUndefined();
  });
});

describe("Punycode", () => {
  // RFC 3492, 7.1.
  it.each([
    ["ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"],
    ["他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"],
    ["Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"],
    ["3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"],
    ["-with-SUPER-MONKEYS", undefined],
  ])("encodes %s", (label, encoded) => {
    expect(toAsciiLabel(label)).toBe(encoded === undefined ? label : `xn--${encoded}`);
  });

  it("refuses what no label can hold", () => {
    expect(toAsciiLabel("é".repeat(64))).toBeUndefined();
  });
});

describe("hosts", () => {
  it("are told apart, IPv6 in its canonical form", () => {
    expect(normaliseHost("77.105.132.70")).toEqual({ type: "ipv4", value: "77.105.132.70" });
    expect(normaliseHost("[2001:DB8:0::1]")).toEqual({ type: "ipv6", value: "2001:db8::1" });
    expect(normaliseHost("A.pw")).toEqual({ type: "domain", value: "a.pw" });
  });

  it("make sockets, IPv6 in brackets, with real ports only", () => {
    expect(socketText({ type: "ipv4", value: "1.2.3.4" }, 4782)).toBe("1.2.3.4:4782");
    expect(socketText({ type: "ipv6", value: "2001:db8::1" }, 80)).toBe("[2001:db8::1]:80");
    for (const port of [0, -1, 65536, 1.5, Number.NaN])
      expect(socketText({ type: "ipv4", value: "1.2.3.4" }, port)).toBeUndefined();
  });
});

describe("URLs", () => {
  it.each([
    ["HTTP://128.140.69.37:80", "http://128.140.69.37:80"],
    [
      "https://SteamCommunity.com/profiles/76561199588685141",
      "https://steamcommunity.com/profiles/76561199588685141",
    ],
    ["https://a.pw/", "https://a.pw"],
    ["https://a.pw/?q=A#F", "https://a.pw/?q=A#F"],
    ["https://a.pw?q", "https://a.pw?q"],
    ["http://[2001:DB8::1]:8080/X", "http://[2001:db8::1]:8080/X"],
    ["ftp://User:Pw@A.example/F", "ftp://User:Pw@a.example/F"],
    ["tcp://77.105.132.70:2404", "tcp://77.105.132.70:2404"],
  ])("%s is %s", (text, expected) => expect(normaliseUrl(text)?.value).toBe(expected));

  it("keep a port that is there, also the scheme's own, and add none", () => {
    expect(normaliseUrl("https://a.pw:443/x")?.port).toBe(443);
    expect(normaliseUrl("https://a.pw/x")?.port).toBeUndefined();
  });

  it("have a scheme, a host and a real port, and no blanks", () => {
    for (const bad of [
      "a.pw/x",
      "http://",
      "http:///x",
      "http://a b/",
      "http://a.pw:0",
      "http://a.pw:99999",
      "http://1.2.3/",
      "://a.pw",
      "http://a.pw/a b",
      "http://[::1/x",
      `http://a.pw/${"x".repeat(5000)}`,
    ])
      expect(normaliseUrl(bad), bad).toBeUndefined();
  });

  it("normalise to themselves", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const once = normaliseUrl(text)?.value;
        if (once !== undefined) expect(normaliseUrl(once)?.value).toBe(once);
      }),
      { seed: 24, numRuns: 500 },
    );
  });
});
