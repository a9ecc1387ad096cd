import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defang, defangHost, defangIndicator, refang } from "./defang.ts";

describe("defang", () => {
  it.each([
    ["opposesicknessopw.pw", "opposesicknessopw[.]pw"],
    ["77.105.132.70", "77.105.132[.]70"],
    ["177.105.132.70:4782", "177.105.132[.]70:4782"],
    ["http://128.140.69.37:80", "hxxp://128.140.69[.]37:80"],
    [
      "https://steamcommunity.com/profiles/76561199588685141",
      "hxxps://steamcommunity[.]com/profiles/76561199588685141",
    ],
    ["tcp://c2.evil.bit:2404", "tcp://c2[.]evil[.]bit:2404"],
    ["a.co.uk", "a[.]co[.]uk"],
    ["HTTPS://A.PW/x.php?u=http://b.pw", "HXXPS://A[.]PW/x.php?u=hxxp://b[.]pw"],
    ["ftp://u:p@files.example.com/a", "fxp://u:p[@]files[.]example[.]com/a"],
    ["operator@evil.com", "operator[@]evil[.]com"],
    ["2001:db8::1", "2001:db8:[:]1"],
    ["http://[2001:db8::1]:80/x", "hxxp://[2001:db8:[:]1]:80/x"],
    ["a.pw;b.fun;77.1.2.3:80", "a[.]pw;b[.]fun;77.1.2[.]3:80"],
    ["пример.рф", "пример[.]рф"],
    ["\\\\evil.bit\\share", "\\\\evil[.]bit\\share"],
  ])("writes %s as %s", (text, expected) => expect(defang(text)).toBe(expected));

  it("leaves alone what is no address", () => {
    for (const text of [
      "%AppData%\\remcos\\logs.dat",
      "C:\\x\\run.sh",
      "4.9.3 Pro",
      "1.4.1",
      "chrome.exe",
      "Rmc-ABC",
      "12:30:45",
      "std::string",
      "e.g. this",
      "/usr/lib/libc.so",
      "",
      "...",
    ])
      expect(defang(text)).toBe(text);
  });

  it("does nothing more the second time", () => {
    const piece = fc.constantFrom(
      "http://",
      "a.pw",
      "1.2.3.4",
      ".",
      ":80",
      "/x.php",
      "[",
      "]",
      "2001:db8::1",
      "@",
      " ",
      "evil.co.uk",
      "://",
      "::",
      "[.]",
      "\\\\",
      "c.bit",
      "-",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const once = defang(pieces.join(""));
        expect(defang(once)).toBe(once);
      }),
      { seed: 25, numRuns: 1000 },
    );
  });

  it("takes a time that grows with the text, not with its square (which would be hours)", () => {
    for (const text of [
      "a.".repeat(100_000),
      "a".repeat(300_000),
      "1:".repeat(100_000),
      "http://".repeat(40_000),
      "-a.b".repeat(50_000),
    ]) {
      const started = performance.now();
      defang(text);
      refang(text);
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  });

  it("knows hosts from their type under any suffix, and leaves names of the machine", () => {
    expect(defangHost("c2.bit")).toBe("c2[.]bit");
    expect(defangIndicator("domain", "c2.lib")).toBe("c2[.]lib");
    expect(defangIndicator("socket", "c2.lib:80")).toBe("c2[.]lib:80");
    expect(defangIndicator("socket", "[2001:db8::1]:80")).toBe("[2001:db8:[:]1]:80");
    expect(defangIndicator("ipv6", "2001:db8::1")).toBe("2001:db8:[:]1");
    expect(defangIndicator("url", "https://c2.lib/a")).toBe("hxxps://c2[.]lib/a");
    expect(defangIndicator("file", "%Temp%\\a.com")).toBe("%Temp%\\a.com");
    expect(defangIndicator("mutex", "a.com")).toBe("a.com");
  });
});

describe("refang", () => {
  it.each([
    ["77.105.132[.]70", "77.105.132.70"],
    ["77[.]105[.]132[.]70", "77.105.132.70"],
    ["evil(.)pw", "evil.pw"],
    ["evil{.}pw", "evil.pw"],
    ["evil[dot]pw", "evil.pw"],
    ["evil(DOT)pw", "evil.pw"],
    ["evil[ . ]pw", "evil.pw"],
    ["evil [.] pw", "evil.pw"],
    ["evil dot co dot uk", "evil.co.uk"],
    ["evil[.pw", "evil.pw"],
    ["evil.]pw", "evil.pw"],
    ["evil．pw", "evil.pw"],
    ["evil。pw", "evil.pw"],
    ["evil［．］pw", "evil.pw"],
    ["hxxp://evil[.]pw", "http://evil.pw"],
    ["hXXps://evil[.]pw", "https://evil.pw"],
    ["HXXPS://evil[.]pw", "HTTPS://evil.pw"],
    ["htxp://evil.pw", "http://evil.pw"],
    ["h**p://evil.pw", "http://evil.pw"],
    ["meow://evil[.]pw", "http://evil.pw"],
    ["meows://evil[.]pw", "https://evil.pw"],
    ["fxp://evil.pw", "ftp://evil.pw"],
    ["hxxps[:]//evil[.]pw", "https://evil.pw"],
    ["hxxps[://]evil[.]pw", "https://evil.pw"],
    ["hxxp(:)//evil.pw", "http://evil.pw"],
    ["hxxp：／／evil．pw／x", "http://evil.pw/x"],
    ["hxxp:\\\\evil.pw", "http://evil.pw"],
    ["hxxp://evil[.]pw[/]gate", "http://evil.pw/gate"],
    ["a[@]evil[.]pw", "a@evil.pw"],
    ["a[at]evil[.]pw", "a@evil.pw"],
    ["2001:db8:[:]1", "2001:db8::1"],
    ["hxxp://[2001:db8:[:]1]:80", "http://[2001:db8::1]:80"],
  ])("reads %s as %s", (text, expected) => expect(refang(text)).toBe(expected));

  it("takes ` dot ` for a word in a sentence", () => {
    expect(refang("the dot matrix, and a dot pw")).toBe("the dot matrix, and a dot pw");
  });

  it("undoes defang, for every address there is", () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
    const domain = fc
      .tuple(
        fc.array(label, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("pw", "fun", "co.uk", "рф", "bit", "xn--p1ai", "duckdns.org"),
      )
      .map(([l, t]) => [...l, t].join("."));
    const host = fc.oneof(
      domain,
      fc.ipV4(),
      fc.ipV6().map((a) => `[${a}]`),
    );
    const scheme = fc.constantFrom("http", "https", "HTTP", "tcp", "ftp", "udp", "net.tcp");
    const url = fc
      .tuple(scheme, host, fc.option(fc.nat({ max: 65535 })), fc.webPath())
      .map(([s, h, p, path]) => `${s}://${h}${p === null ? "" : `:${p}`}${path}`);
    const socket = fc.tuple(host, fc.nat({ max: 65535 })).map(([h, p]) => `${h}:${p}`);
    fc.assert(
      fc.property(
        fc.oneof(
          url,
          socket,
          domain,
          fc.ipV4(),
          fc.ipV6(),
          fc.emailAddress().filter((a) => !/[*{}|]/.test(a)),
        ),
        (text) => {
          expect(refang(defang(text))).toBe(text);
        },
      ),
      { seed: 26, numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.oneof(domain, fc.ipV4(), fc.ipV6()), (text) => {
        expect(defangHost(text)).not.toBe(text);
        expect(refang(defangHost(text))).toBe(text);
      }),
      { seed: 27, numRuns: 500 },
    );
  });
});
