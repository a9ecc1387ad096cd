import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { found, latin1, latin1Bytes, type Span } from "../bytes/index.ts";
import { endpointUrl, FindingBuilder } from "./finding.ts";
import { Ledger } from "./ledger.ts";
import { type Finding, FindingSchema } from "./report.ts";

const FAMILY = { id: "win.test", name: "Test", aliases: ["Tst"], category: ["rat" as const] };
const TEXT = { as: "latin1" as const };
const at = (offset: number, length = 4): Span[] => [{ artifact: 0, offset, length }];
const ledger = () => new Ledger(new Uint8Array(256));
const builder = () => new FindingBuilder(FAMILY, "L1", 0);

/** RFC 6901. */
function resolve(finding: Finding, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (value, token) => (value as Record<string, unknown>)[token.replaceAll("~1", "/").replaceAll("~0", "~")],
      finding,
    );
}

describe("FindingBuilder", () => {
  it("builds a finding that fits its schema and whose every value has evidence that resolves to it", () => {
    const finding = builder()
      .version(found("4.9.3 Pro", ...at(0)), TEXT)
      .endpoint({ scheme: "tcp", host: "77.105.132.70", port: 2404, usage: "c2" }, at(4), TEXT)
      .endpoint(
        { scheme: "https", host: "a.example", path: "/x?y=1", usage: "c2", userAgent: "UA" },
        at(8),
        TEXT,
      )
      .endpoint({ scheme: "https", host: "t.me", path: "/chan", usage: "dead_drop_resolver" }, at(12), TEXT)
      .text("mutex", found("Rmc-ABC", ...at(16)), TEXT)
      .sleepDelay(found(3000, ...at(20)), { as: "int" })
      .other("odd/na~me", found(["kept"], ...at(24)), { as: "hex", steps: ["field 51"] })
      .path({ path: "%AppData%\\x.exe", usage: "install" }, at(28), TEXT)
      .registry({ key: "HKCU\\Run", usage: "persistence" }, at(32), TEXT)
      .encryption({ algorithm: "rc4", key: "00", usage: "config" }, at(36), TEXT)
      .reason("odd", "an odd thing", at(40))
      .build("structural", ledger());
    expect(Value.Check(FindingSchema, finding)).toBe(true);
    expect(finding.version).toBe("4.9.3 Pro");
    expect(finding.aliases).toEqual(["Test", "Tst"]);
    expect(Object.fromEntries(finding.evidence.map((e) => [e.pointer, resolve(finding, e.pointer)]))).toEqual(
      {
        "/config/version": "4.9.3 Pro",
        "/version": "4.9.3 Pro",
        "/c2/0": "tcp://77.105.132.70:2404",
        "/config/tcp/0": { usage: "c2", server_ip: "77.105.132.70", server_port: 2404 },
        "/c2/1": "https://a.example/x?y=1",
        "/config/http/0": {
          uri: "https://a.example/x?y=1",
          protocol: "https",
          hostname: "a.example",
          usage: "c2",
          path: "/x",
          query: "y=1",
          user_agent: "UA",
        },
        "/config/http/1": {
          uri: "https://t.me/chan",
          protocol: "https",
          hostname: "t.me",
          usage: "dead_drop_resolver",
          path: "/chan",
        },
        "/config/mutex/0": "Rmc-ABC",
        "/config/sleep_delay": 3000,
        "/config/other/odd~1na~0me": ["kept"],
        "/config/paths/0": { path: "%AppData%\\x.exe", usage: "install" },
        "/config/registry/0": { key: "HKCU\\Run", usage: "persistence" },
        "/config/encryption/0": { algorithm: "rc4", key: "00", usage: "config" },
      },
    );
    expect(finding.reasons).toEqual([{ stage: "win.test", code: "odd", text: "an odd thing", at: at(40) }]);
  });

  it("keeps C2s in config order and folds repeats, with the evidence of both", () => {
    const b = builder();
    for (const [host, offset] of [
      ["b.example", 0],
      ["a.example", 10],
      ["b.example", 20],
    ] as const)
      b.endpoint({ scheme: "https", host, usage: "c2" }, at(offset), TEXT);
    const finding = b.build("proved", ledger());
    expect(b.c2Count).toBe(2);
    expect(finding.c2).toEqual(["https://b.example", "https://a.example"]);
    expect(finding.config.http).toHaveLength(2);
    const places = (pointer: string) =>
      finding.evidence.filter((e) => e.pointer === pointer).map((e) => e.at[0]?.offset);
    expect(places("/c2/0")).toEqual([0, 20]);
    expect(places("/config/http/0")).toEqual([0, 20]);
  });

  it("keeps one URL once as C2 but twice as entries when they differ in their user agent", () => {
    const finding = builder()
      .endpoint({ scheme: "http", host: "a.example", usage: "c2", userAgent: "1" }, at(0), TEXT)
      .endpoint({ scheme: "http", host: "a.example", usage: "c2", userAgent: "2" }, at(9), TEXT)
      .build("proved", ledger());
    expect(finding.c2).toEqual(["http://a.example"]);
    expect(finding.config.http?.map((h) => h.user_agent)).toEqual(["1", "2"]);
  });

  it("lets no dead drop into c2", () => {
    const finding = builder()
      .endpoint({ scheme: "https", host: "t.me", path: "/x", usage: "dead_drop_resolver" }, at(0), TEXT)
      .build("proved", ledger());
    expect(finding.c2).toEqual([]);
  });

  it("calls a host an address only when it is one", () => {
    const hosts = [
      "1.2.3.4",
      "255.255.255.255",
      "256.1.1.1",
      "1.2.3",
      "1.2.3.4.",
      "1.2.3.4.5",
      "::1",
      "a.b.c.d",
    ];
    const b = builder();
    for (const host of hosts) b.endpoint({ scheme: "tcp", host, port: 1, usage: "c2" }, at(0), TEXT);
    const { tcp } = b.build("proved", ledger()).config;
    expect(tcp?.map((c) => c.server_ip !== undefined)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  it("writes URLs with brackets around IPv6, and keeps all of a query and fragment", () => {
    expect(endpointUrl({ scheme: "tcp", host: "2001:db8::1", port: 80 })).toBe("tcp://[2001:db8::1]:80");
    expect(endpointUrl({ scheme: "tcp", host: "[::1]" })).toBe("tcp://[::1]");
    const finding = builder()
      .endpoint({ scheme: "http", host: "h", path: "/p?a=1?b#c?d", usage: "c2" }, at(0), TEXT)
      .build("proved", ledger());
    expect(finding.config.http?.[0]).toMatchObject({ path: "/p", query: "a=1?b", fragment: "c?d" });
  });

  it("folds repeated texts, leaves out empty ones, and replaces a single value with its evidence", () => {
    const finding = builder()
      .text("campaign_id", found("", ...at(0)), TEXT)
      .text("mutex", found("m", ...at(1)), TEXT)
      .text("mutex", found("m", ...at(2)), TEXT)
      .version(found("1", ...at(3)), TEXT)
      .version(found("2", ...at(4)), TEXT)
      .build("proved", ledger());
    expect(finding.config.campaign_id).toBeUndefined();
    expect(finding.config.mutex).toEqual(["m"]);
    expect(finding.version).toBe("2");
    expect(finding.evidence.map((e) => [e.pointer, e.at[0]?.offset])).toEqual([
      ["/config/mutex/0", 1],
      ["/config/mutex/0", 2],
      ["/config/version", 4],
      ["/version", 4],
    ]);
  });

  it("tells the way from the sample before the reading's own steps", () => {
    const l = new Ledger(latin1Bytes("..bW9vLnB3"));
    const view = l.derive([{ artifact: 0, offset: 2, length: 8 }], [{ op: "base64" }], "slot 0");
    const span = view?.span() as Span;
    const finding = new FindingBuilder(FAMILY, "L1", 0)
      .endpoint({ scheme: "https", host: latin1(view?.bytes as Uint8Array), usage: "c2" }, [span], {
        as: "latin1",
        steps: ["host"],
      })
      .build("structural", l);
    expect(finding.c2).toEqual(["https://moo.pw"]);
    expect(finding.evidence[0]?.steps).toEqual(["slot 0", "base64", "host"]);
  });
});
