import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIpv6, inRange, mappedIpv4, parseIpv4, parseIpv6, range } from "./address.ts";

const canonical = (text: string) => {
  const bytes = parseIpv6(text);
  return bytes && formatIpv6(bytes);
};

describe("IPv4 text", () => {
  it("is four decimal octets and nothing else", () => {
    expect([...(parseIpv4("77.105.132.70") ?? [])]).toEqual([77, 105, 132, 70]);
    for (const bad of [
      "077.105.132.70",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "0x7f.0.0.1",
      "1.2.3.",
      " 1.2.3.4",
      "1.2.3.4\n",
      "2130706433",
      "1.2.3.00",
    ])
      expect(parseIpv4(bad), bad).toBeUndefined();
  });

  it("is what Node takes for one", () => {
    const octet = fc.oneof(
      fc.nat({ max: 300 }).map(String),
      fc.constantFrom("", "00", "01", "a", "-1", "1e1"),
    );
    fc.assert(
      fc.property(fc.array(octet, { minLength: 3, maxLength: 5 }), (octets) => {
        expect(parseIpv4(octets.join(".")) !== undefined).toBe(isIPv4(octets.join(".")));
      }),
      { seed: 21, numRuns: 1000 },
    );
  });
});

describe("IPv6 text", () => {
  // The examples of RFC 5952, sections 1, 4 and 5.
  it.each([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::ffff:c000:0201", "::ffff:192.0.2.1"],
    ["::FFFF:192.0.2.1", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1::", "1::"],
  ])("writes %s as %s", (text, expected) => expect(canonical(text)).toBe(expected));

  it("is not anything shorter, longer or with other signs", () => {
    for (const bad of [
      "",
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "12345::",
      "g::",
      "fe80::1%eth0",
      "1:2:3:4:5:6:7::8",
      "::1.2.3",
      "::1.2.3.256",
      "1.2.3.4",
      "[::1",
    ])
      expect(parseIpv6(bad), bad).toBeUndefined();
  });

  it("is what Node takes for one, and reads back from its canonical form", () => {
    const group = fc.constantFrom("0", "0", "1", "ffff", "DB8", "0001", "", "g", "12345", "1.2.3.4");
    fc.assert(
      fc.property(fc.array(group, { minLength: 2, maxLength: 9 }), (groups) => {
        const text = groups.join(":");
        expect(parseIpv6(text) !== undefined, text).toBe(isIPv6(text));
      }),
      { seed: 22, numRuns: 3000 },
    );
    const bytes = fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
      .map((b) => Uint8Array.from(b));
    fc.assert(
      fc.property(bytes, (address) => {
        expect(isIPv6(formatIpv6(address))).toBe(true);
        expect(parseIpv6(formatIpv6(address))).toEqual(address);
      }),
      { seed: 23, numRuns: 1000 },
    );
  });

  it("tells an IPv4 address mapped into it", () => {
    expect([...(mappedIpv4(parseIpv6("::ffff:10.0.0.1") as Uint8Array) ?? [])]).toEqual([10, 0, 0, 1]);
    expect(mappedIpv4(parseIpv6("1::ffff:10.0.0.1") as Uint8Array)).toBeUndefined();
  });
});

describe("ranges", () => {
  it("hold the addresses with their prefix and no others", () => {
    const holds = (text: string, address: string) =>
      inRange((parseIpv4(address) ?? parseIpv6(address)) as Uint8Array, range(text));
    expect(holds("172.16.0.0/12", "172.31.255.255")).toBe(true);
    expect(holds("172.16.0.0/12", "172.32.0.0")).toBe(false);
    expect(holds("8.8.8.8", "8.8.8.8")).toBe(true);
    expect(holds("8.8.8.8", "8.8.8.9")).toBe(false);
    expect(holds("0.0.0.0/0", "1.2.3.4")).toBe(true);
    expect(holds("fc00::/7", "fdff::1")).toBe(true);
    expect(holds("fc00::/7", "fe00::1")).toBe(false);
    expect(holds("10.0.0.0/8", "a00::")).toBe(false);
  });

  it("are source code: a bad one is a bug", () => {
    for (const bad of ["10.0.0.0/33", "10.0.0/8", "x", "::/129", "1.2.3.4/a"])
      expect(() => range(bad)).toThrow(RangeError);
  });
});
