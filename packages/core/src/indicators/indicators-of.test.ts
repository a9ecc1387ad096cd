import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { found, type Span } from "../bytes/index.ts";
import { FindingBuilder, IndicatorSchema, Ledger } from "../model/index.ts";
import { indicatorsOf } from "./indicators-of.ts";

const TEXT = { as: "latin1" as const };
const at = (offset: number): Span[] => [{ artifact: 1, offset, length: 4 }];
const builder = () =>
  new FindingBuilder({ id: "win.test", name: "Test", aliases: [], category: ["rat"] }, "L1", 0);
const ledger = () => new Ledger(new Uint8Array(0));
const of = (b: FindingBuilder, defaults = {}) => indicatorsOf(b.build("proved", ledger()), defaults);
const keys = (b: FindingBuilder, defaults = {}) => of(b, defaults).map((i) => `${i.type}:${i.value}`);

describe("indicatorsOf", () => {
  it("gives URL and host, or socket and host, with usage and place", () => {
    const b = builder()
      .endpoint({ scheme: "http", host: "128.140.69.37", port: 80, usage: "c2" }, at(0), TEXT)
      .endpoint(
        { scheme: "https", host: "SteamCommunity.com", path: "/profiles/7", usage: "dead_drop_resolver" },
        at(8),
        TEXT,
      )
      .endpoint({ scheme: "tcp", host: "C2.pw", port: 4782, usage: "c2" }, at(16), TEXT)
      .endpoint({ scheme: "tcp", host: "2001:4f8:0::1", port: 80, usage: "c2" }, at(24), TEXT);
    const all = of(b);
    expect(all.map((i) => [i.type, i.value, i.usage, i.blockable, i.linkable, i.at[0]?.offset])).toEqual([
      ["url", "http://128.140.69.37:80", "c2", true, true, 0],
      ["ipv4", "128.140.69.37", "c2", true, true, 0],
      ["url", "https://steamcommunity.com/profiles/7", "dead_drop_resolver", false, true, 8],
      ["domain", "steamcommunity.com", "dead_drop_resolver", false, false, 8],
      ["socket", "c2.pw:4782", "c2", true, true, 16],
      ["domain", "c2.pw", "c2", true, true, 16],
      ["socket", "[2001:4f8::1]:80", "c2", true, true, 24],
      ["ipv6", "2001:4f8::1", "c2", true, true, 24],
    ]);
    for (const indicator of all) expect(Value.Check(IndicatorSchema, indicator)).toBe(true);
    expect(all[0]?.defanged).toBe("hxxp://128.140.69[.]37:80");
    expect(all[0]?.family).toBe("win.test");
  });

  it("gives the host alone for a URL that says no more", () => {
    expect(
      keys(builder().endpoint({ scheme: "https", host: "opposesicknessopw.pw", usage: "c2" }, at(0), TEXT)),
    ).toEqual(["domain:opposesicknessopw.pw"]);
  });

  it("folds what comes twice, with both places, and a host of a C2 is a C2", () => {
    const b = builder()
      .endpoint({ scheme: "https", host: "a.pw", path: "/x", usage: "download" }, at(0), TEXT)
      .endpoint({ scheme: "https", host: "A.pw", path: "/y", usage: "c2" }, at(9), TEXT);
    const domain = of(b).find((i) => i.type === "domain");
    expect([domain?.usage, domain?.at.map((span) => span.offset)]).toEqual(["c2", [0, 9]]);
  });

  it("blocks no host of a dead drop that no table knows, and no decoy", () => {
    const b = builder()
      .endpoint(
        { scheme: "https", host: "new.social", path: "/@x", usage: "dead_drop_resolver" },
        at(0),
        TEXT,
      )
      .endpoint({ scheme: "https", host: "victim.pw", usage: "decoy" }, at(1), TEXT);
    expect(of(b)).toMatchObject([
      { type: "url", blockable: false, linkable: true, why: "page of a dead drop" },
      { type: "domain", blockable: false, linkable: false, why: "host of a dead drop" },
      { value: "victim.pw", blockable: false, linkable: false, why: expect.stringMatching(/decoy/) },
    ]);
    b.endpoint({ scheme: "https", host: "victim.pw", usage: "c2" }, at(2), TEXT);
    expect(of(b).at(-1)).toMatchObject({
      value: "victim.pw",
      usage: "c2",
      blockable: true,
      at: [...at(1), ...at(2)],
    });
  });

  it("makes none of what is no host, no port or nothing at all", () => {
    const b = builder()
      .endpoint({ scheme: "tcp", host: "not a host", port: 80, usage: "c2" }, at(0), TEXT)
      .endpoint({ scheme: "tcp", host: "010.1.1.1", port: 80, usage: "c2" }, at(0), TEXT)
      .endpoint({ scheme: "tcp", host: "5.5.5.5", port: 0, usage: "c2" }, at(0), TEXT)
      .text("mutex", found("   ", ...at(0)), TEXT)
      .text("campaign_id", found("", ...at(0)), TEXT)
      .text("identifier", found("x".repeat(2000), ...at(0)), TEXT);
    expect(keys(b)).toEqual(["ipv4:5.5.5.5"]);
  });

  it("names mutexes, campaigns, files, keys, passwords and what families keep in `other`", () => {
    const b = builder()
      .text("mutex", found("Rmc-ABCDEF", ...at(0)), TEXT)
      .text("campaign_id", found("krast", ...at(1)), TEXT)
      .text("identifier", found("z9sSW4", ...at(2)), TEXT)
      .text("password", found("hunter22", ...at(3)), TEXT)
      .path({ path: "%AppData%\\x\\y.exe", usage: "install" }, at(4), TEXT)
      .registry({ key: "HKCU\\Software\\Rmc-ABCDEF", usage: "store_data" }, at(5), TEXT)
      .other("certificate_sha1", found("AA", ...at(6)), TEXT)
      .other("certificate_sha256", found("BB", ...at(7)), TEXT)
      .other("tls_certificates", found([{ field: 54, sha1: "aa", sha256: "CC" }], ...at(8)), TEXT)
      .other("license", found("12AB", ...at(9)), TEXT)
      .other("authorization_token", found("9059ea331e4599de3746df73ccb24514", ...at(10)), TEXT)
      .other("dead_drop_tag", found("hu76fa", ...at(12)), TEXT)
      .other("dead_drop_tag_2", found("0gj3ll", ...at(13)), TEXT)
      .other("unheard_of", found("no", ...at(11)), TEXT);
    expect(of(b).map((i) => [`${i.type}:${i.value}`, i.at[0]?.offset])).toEqual([
      ["mutex:Rmc-ABCDEF", 0],
      ["campaign_id:krast", 1],
      ["identifier:z9sSW4", 2],
      ["password:hunter22", 3],
      ["file:%AppData%\\x\\y.exe", 4],
      ["registry:HKCU\\Software\\Rmc-ABCDEF", 5],
      ["certificate:bb", 7],
      ["certificate:cc", 8],
      ["licence:12AB", 9],
      ["token:9059ea331e4599de3746df73ccb24514", 10],
      ["identifier:hu76fa", 12],
      ["identifier:0gj3ll", 13],
    ]);
    expect(of(b).every((i) => i.linkable && !i.blockable)).toBe(true);
  });

  it("knows a certificate by SHA-1 when that is all there is", () => {
    expect(keys(builder().other("certificate_sha1", found("AA", ...at(0)), TEXT))).toEqual([
      "certificate:aa",
    ]);
  });

  it("reports a builder's defaults as such", () => {
    const b = builder()
      .text("campaign_id", found("OFFICE04", ...at(0)), TEXT)
      .endpoint({ scheme: "tcp", host: "free.pw", usage: "c2" }, at(1), TEXT);
    expect(of(b, { campaign_id: ["Office04"], domain: ["free.pw"] })).toMatchObject([
      { value: "free.pw", blockable: false, linkable: false, why: "default of the builder" },
      { value: "OFFICE04", blockable: false, linkable: false, why: "default of the builder" },
    ]);
  });
});
