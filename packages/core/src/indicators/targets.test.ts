import { describe, expect, it } from "vitest";
import { targetsOf } from "./targets.ts";

const first = (text: string) => targetsOf(text).indicators[0];

describe("what a value may be", () => {
  it("reads addresses as they are written in reports", () => {
    expect(first("hxxps://roriwfq[.]xyz/auyw")).toEqual({ type: "url", value: "https://roriwfq.xyz/auyw" });
    expect(first("Evil[.]Example.")).toEqual({ type: "domain", value: "evil.example" });
    expect(first("77.105.132[.]70")).toEqual({ type: "ipv4", value: "77.105.132.70" });
    expect(first("77.105.132[.]70[:]2404")).toEqual({ type: "socket", value: "77.105.132.70:2404" });
    expect(first("2001:DB8::1")).toEqual({ type: "ipv6", value: "2001:db8::1" });
    expect(targetsOf("tcp://a.example:1").indicators.slice(0, 2)).toEqual([
      { type: "url", value: "tcp://a.example:1" },
      { type: "socket", value: "a.example:1" },
    ]);
  });

  it("takes a type in front, and the text whole as well", () => {
    const { indicators } = targetsOf("mutex:Rmc-1");
    expect(indicators[0]).toEqual({ type: "mutex", value: "Rmc-1" });
    expect(indicators).toContainEqual({ type: "mutex", value: "mutex:Rmc-1" });
    expect(first("cert:AB:CD 01")).toEqual({ type: "certificate", value: "abcd01" });
  });

  it("knows hashes by their length", () => {
    const sha256 = "AB".repeat(32);
    expect(targetsOf(sha256).hash).toEqual({ kind: "sha256", value: sha256.toLowerCase() });
    expect(targetsOf(`config:${sha256}`).hash?.value).toBe(sha256.toLowerCase());
    expect(targetsOf("ab".repeat(16)).hash?.kind).toBe("md5");
    expect(targetsOf("ab".repeat(15)).hash).toBeUndefined();
    expect(targetsOf("").indicators).toEqual([]);
    expect(targetsOf("x".repeat(5000)).indicators).toEqual([]);
  });
});
