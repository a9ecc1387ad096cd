import { describe, expect, it } from "vitest";
import type { ExportOptions } from "./form.ts";
import { gather } from "./gather.ts";
import { blockingOf } from "./policy.ts";
import { finding, indicator, ordinaryReport, reportOf, sample } from "./testing.ts";
import { parseUserList } from "./user-list.ts";

const list = (text: string) => parseUserList(text).list;
const empty = finding({ family: "win.some" });

function blocked(values: ReturnType<typeof indicator>[], options: ExportOptions = {}) {
  const report = reportOf([sample(1, [empty], { indicators: values })]);
  const { block, omissions } = blockingOf(gather(report), report.relations, options);
  return {
    values: block.map((one) => one.value),
    why: Object.fromEntries(omissions.list.map((o) => [o.value, o.reason])),
  };
}

describe("the blocking policy", () => {
  it("keeps dead drops, CDN addresses, private ranges and decoys off, each with its reason", () => {
    const { block, omissions } = blockingOf(gather(ordinaryReport()), [], {});
    expect(block.map((one) => one.value)).toEqual([
      "77.105.132.70",
      "77.105.132.70:4782",
      "2a01:4f8::1",
      "[2a01:4f8::1]:8080",
      "c2.bad-example.ru",
      "128.140.69.37",
      "c2.bad-example.ru:443",
      "http://128.140.69.37:80/gate.php?a=1#x",
      "weak.bad-example.org",
      "weak.bad-example.org:80",
    ]);
    const why = Object.fromEntries(omissions.list.map((one) => [one.value, one.reason]));
    expect(why["steamcommunity.com"]).toMatch(/Steam/);
    expect(why["https://steamcommunity.com/profiles/76561199588685141"]).toMatch(/Steam/);
    expect(why["104.21.32.12"]).toMatch(/Cloudflare/);
    expect(why["104.21.32.12:443"]).toMatch(/Cloudflare/);
    expect(why["192.168.1.7"]).toMatch(/private/);
    expect(why["decoy.bad-example.com"]).toMatch(/decoy/);
  });

  it("does not believe a report that calls a shared host, a sinkhole or a resolver blockable", () => {
    const { values, why } = blocked([
      indicator("domain", "steamcommunity.com"),
      indicator("ipv4", "148.81.111.9"),
      indicator("ipv4", "8.8.8.8"),
      indicator("url", "https://pastebin.com/raw/x"),
      indicator("socket", "10.0.0.1:80"),
      indicator("domain", "host.bad-example.ru", { usage: "dead_drop_resolver" }),
    ]);
    expect(values).toEqual([]);
    expect(why["148.81.111.9"]).toBe("sinkhole (CERT Polska)");
    expect(why["host.bad-example.ru"]).toBe("host of a dead drop");
  });

  it("does not block what is no address in normal form, whatever its type says", () => {
    const forms = ["BAD.ru", "a b.ru", "1.2.3", "01.2.3.4", "evil.ru\n8.8.8.8", "*.ru", ""];
    const { values, why } = blocked(forms.map((value) => indicator("domain", value)));
    expect(values).toEqual([]);
    expect(Object.keys(why)).toHaveLength(forms.length);
    expect(blocked([indicator("ipv4", "evil.ru"), indicator("socket", "1.2.3.4:99999")]).values).toEqual([]);
  });

  it("spares what one of two samples calls a dead drop", () => {
    const value = "a.bad-example.ru";
    const report = reportOf([
      sample(1, [empty], { indicators: [indicator("domain", value)] }),
      sample(2, [empty], {
        indicators: [
          indicator("domain", value, {
            usage: "dead_drop_resolver",
            blockable: false,
            why: "host of a dead drop",
          }),
        ],
      }),
    ]);
    expect(blockingOf(gather(report), report.relations, {}).block).toEqual([]);
  });

  it("lets the deny list block what the policy spares, and the allow list spare what either blocks", () => {
    const values = [
      indicator("domain", "steamcommunity.com", { blockable: false, why: "shared host" }),
      indicator("domain", "a.bad-example.ru"),
      indicator("ipv4", "77.105.132.70"),
    ];
    expect(blocked(values).values).toEqual(["a.bad-example.ru", "77.105.132.70"]);
    expect(blocked(values, { deny: list("steamcommunity.com") }).values).toContain("steamcommunity.com");
    const allowed = blocked(values, {
      deny: list("steamcommunity.com\nbad-example.ru"),
      allow: list("bad-example.ru\n77.105.0.0/16"),
    });
    expect(allowed.values).toEqual(["steamcommunity.com"]);
    expect(allowed.why["a.bad-example.ru"]).toBe("on the allow list (bad-example.ru)");
    expect(allowed.why["77.105.132.70"]).toBe("on the allow list (77.105.0.0/16)");
  });

  it("does not block a host of which the allow list wants one page or port", () => {
    const values = [indicator("domain", "a.bad-example.ru"), indicator("ipv4", "77.105.132.70")];
    const options = { allow: list("https://a.bad-example.ru/ok\n77.105.132.70:443") };
    expect(blocked(values, options).values).toEqual([]);
  });

  it("never lets a deny list make an address of what is none", () => {
    expect(blocked([indicator("mutex", "bad-example.ru")], { deny: list("bad-example.ru") }).values).toEqual(
      [],
    );
  });

  it("tells of addresses that one slip tells apart", () => {
    const report = reportOf(
      [
        sample(1, [empty], {
          indicators: [indicator("ipv4", "77.105.132.70"), indicator("ipv4", "177.105.132.70")],
        }),
      ],
      [
        {
          from: "ipv4:177.105.132.70",
          to: "ipv4:77.105.132.70",
          kind: "near-duplicate",
          weight: 1,
          why: "a digit",
        },
      ],
    );
    expect(blockingOf(gather(report), report.relations, {}).notes).toEqual([
      "look before you block: 177.105.132.70 and 77.105.132.70 are nearly the same (a digit)",
    ]);
  });
});

describe("a user's list", () => {
  it("reads domains, addresses, ranges, sockets and URLs, defanged or not, among comments", () => {
    const { list, bad } = parseUserList(
      "\ufeff# ours\r\nexample.com ; main site\n*.Example.ORG.\nhxxp://evil[.]example[.]net/a\n10.0.0.0/8\n2001:db8::/32\n1[.]2.3.4\n[::1]:80\nhost.example:443\n\n",
    );
    expect(bad).toEqual([]);
    expect(list.size).toBe(8);
    expect(list.covers("domain", "www.example.com")).toBe("example.com");
    expect(list.covers("domain", "notexample.com")).toBeUndefined();
    expect(list.covers("url", "https://x.example.org/p")).toBe("example.org");
    expect(list.covers("url", "http://evil.example.net/a")).toBe("http://evil.example.net/a");
    expect(list.covers("url", "http://evil.example.net/b")).toBeUndefined();
    expect(list.covers("socket", "10.9.9.9:1")).toBe("10.0.0.0/8");
    expect(list.covers("ipv6", "2001:db8::5")).toBe("2001:db8::/32");
    expect(list.covers("ipv4", "1.2.3.4")).toBe("1.2.3.4");
    expect(list.covers("socket", "host.example:443")).toBe("host.example:443");
    expect(list.covers("socket", "host.example:444")).toBeUndefined();
  });

  it("tells every line that is no entry, with its number", () => {
    const { list, bad } = parseUserList("ok.example\nnot a domain\n1.2.3.4/33\n300.1.1.1\n1.2.3.4:0\n");
    expect(list.size).toBe(1);
    expect(bad.map((line) => line.line)).toEqual([2, 3, 4, 5]);
  });
});
