import { describe, expect, it } from "vitest";
import type { IndicatorType } from "../model/index.ts";
import { type Host, normaliseHost, normaliseUrl, type Url } from "./normalise.ts";
import { DEFAULT_POLICY, isDefault, judgeHost, judgeName, judgeSocket, judgeUrl } from "./policy.ts";
import { CDN, RESERVED, RESOLVERS, SHARED_HOSTS, SINKHOLES, SPECIAL_NAMES } from "./policy-tables.ts";

const host = (text: string) => judgeHost(normaliseHost(text) as Host);
const url = (text: string) => judgeUrl(normaliseUrl(text) as Url);
const socket = (text: string) => judgeSocket(normaliseHost(text) as Host);
const free = { blockable: true, linkable: true };
const neither = (why: string | RegExp) => ({
  blockable: false,
  linkable: false,
  why: typeof why === "string" ? why : expect.stringMatching(why),
});

describe("addresses", () => {
  it("of operators may be blocked and tie samples together", () => {
    for (const text of ["77.105.132.70", "128.140.69.37", "172.32.0.1", "11.0.0.1", "2a01:4f8::1"])
      expect(host(text), text).toEqual(free);
  });

  it("that are private, reserved or for documentation do neither", () => {
    for (const text of [
      "10.0.0.1",
      "172.16.9.9",
      "192.168.1.1",
      "127.0.0.1",
      "0.0.0.0",
      "169.254.1.1",
      "100.64.0.1",
      "192.0.2.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::1",
      "::",
      "fe80::1",
      "fd00::1",
      "2001:db8::1",
      "ff02::1",
      "2002::1",
      "::ffff:10.0.0.1",
    ])
      expect(host(text), text).toEqual(neither(/./));
    expect(host("10.1.2.3")).toEqual(neither("private address (RFC 1918)"));
  });

  it("of a CDN do neither, and say whose they are", () => {
    for (const text of ["104.21.32.12", "172.67.182.33", "2606:4700:3030::6815:200c", "::ffff:104.21.32.12"])
      expect(host(text), text).toEqual(neither("address of a CDN (Cloudflare)"));
    expect(host("151.101.1.1")).toEqual(neither("address of a CDN (Fastly)"));
    expect(host("23.45.1.1")).toEqual(neither("address of a CDN (Akamai)"));
    expect(url("http://104.21.32.12/gate.php")).toEqual(neither(/Cloudflare/));
    expect(socket("104.21.32.12")).toEqual(neither(/Cloudflare/));
  });

  it("of open resolvers do neither", () => {
    expect(host("8.8.8.8")).toEqual(neither("public DNS resolver (Google)"));
    expect(host("2606:4700:4700::1111")).toEqual(neither("public DNS resolver (Cloudflare)"));
  });
});

describe("names", () => {
  it("of operators may be blocked and tie samples together, under any suffix and of dynamic DNS too", () => {
    for (const text of [
      "opposesicknessopw.pw",
      "evil.bit",
      "x.duckdns.org",
      "x.ddns.net",
      "operator.github.io",
      "x.pages.dev",
      "x.blob.core.windows.net",
      "x.onion",
      "notsteamcommunity.com",
      "steamcommunity.com.evil.pw",
    ])
      expect(host(text), text).toEqual(free);
  });

  it("that everybody shares do neither, with all under them", () => {
    for (const text of [
      "steamcommunity.com",
      "t.me",
      "api.telegram.org",
      "raw.githubusercontent.com",
      "mastodon.social",
      "www.google.com",
      "docs.google.com",
      "api.ipify.org",
    ])
      expect(host(text), text).toEqual(neither(/shared host|service/));
  });

  it("that are suffixes, special or lack a domain do neither", () => {
    expect(host("duckdns.org")).toEqual(neither(/public suffix/));
    expect(host("co.uk")).toEqual(neither(/public suffix/));
    for (const text of ["localhost", "nas.local", "a.invalid", "fritz.lan", "x.internal"])
      expect(host(text), text).toEqual(neither(/name/));
    expect(host("desktop-1")).toEqual(neither("name without a domain"));
  });
});

describe("URLs and sockets", () => {
  it("are as good as their host", () => {
    expect(url("http://128.140.69.37:80")).toEqual(free);
    expect(url("https://evil.pw/gate.php")).toEqual(free);
    expect(url("http://192.168.0.1/x")).toEqual(neither(/private/));
    expect(socket("77.105.132.70")).toEqual(free);
    expect(socket("localhost")).toEqual(neither(/special-use/));
  });

  it("on a shared host tie samples together by the operator's own page, but are not blocked", () => {
    expect(url("https://steamcommunity.com/profiles/76561199588685141")).toEqual({
      blockable: false,
      linkable: true,
      why: "page on a shared host (Steam profiles)",
    });
    expect(url("https://t.me/channel").linkable).toBe(true);
    expect(url("https://docs.google.com/document/d/abc").linkable).toBe(true);
    expect(url("https://t.me:443")).toEqual(neither(/Telegram/));
    expect(url("https://www.google.com/search?q=x")).toEqual(neither(/service/));
    expect(url("https://api.ipify.org/?format=json")).toEqual(neither(/service/));
  });

  it("on a tunnel are one customer's port", () => {
    expect(socket("4.tcp.eu.ngrok.io")).toMatchObject({ blockable: false, linkable: true });
    expect(host("4.tcp.eu.ngrok.io")).toEqual(neither(/tunnel/));
    expect(socket("t.me")).toEqual(neither(/Telegram/));
  });
});

describe("names of the machine and of operators", () => {
  it("are for no network to block, and tie samples together when they are not anybody's", () => {
    const tie = { blockable: false, linkable: true };
    for (const [type, value] of [
      ["mutex", "Rmc-ABCDEF"],
      ["certificate", "00ff"],
      ["licence", "AB"],
      ["campaign_id", "krast"],
      ["file", "%AppData%\\x\\y.exe"],
      ["registry", "HKCU\\Software\\Rmc-ABCDEF"],
    ] as const)
      expect(judgeName(type, value), value).toEqual(tie);
    for (const [type, value] of [
      ["campaign_id", "Test"],
      ["password", "1234"],
      ["identifier", "7"],
      ["mutex", "abc"],
      ["user_agent", "TeslaBrowser/5.5"],
      ["registry", "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"],
    ] as const)
      expect(judgeName(type, value), value).toEqual(neither(/./));
  });

  it("are defaults in any case, a path also when its own parts all are", () => {
    const defaults = {
      campaign_id: ["Office04"],
      file: ["SubDir", "Client.exe", "%AppData%\\remcos\\logs.dat"],
    };
    const is = (type: IndicatorType, value: string) => isDefault(type, value, defaults);
    expect(is("campaign_id", "office04")).toBe(true);
    expect(is("campaign_id", "office05")).toBe(false);
    expect(is("mutex", "office04")).toBe(false);
    expect(is("file", "%APPDATA%\\SubDir\\client.exe")).toBe(true);
    expect(is("file", "%appdata%\\REMCOS\\logs.dat")).toBe(true);
    expect(is("file", "C:\\Client.exe")).toBe(true);
    expect(is("file", "%APPDATA%\\SubDir\\svchost.exe")).toBe(false);
    expect(is("file", "%APPDATA%")).toBe(false);
  });
});

describe("the tables", () => {
  it("hold well-formed entries, each once", () => {
    const ranges = [...RESERVED, ...CDN, ...RESOLVERS, ...SINKHOLES].flatMap((entry) => entry.ranges);
    expect(new Set(ranges).size).toBe(ranges.length);
    const hosts = [...SPECIAL_NAMES, ...SHARED_HOSTS].flatMap((entry) => entry.hosts);
    expect(new Set(hosts).size).toBe(hosts.length);
    for (const name of hosts) expect(normaliseHost(name)).toEqual({ type: "domain", value: name });
  });

  it("can be added to by whoever asks", () => {
    const policy = {
      ranges: [...DEFAULT_POLICY.ranges, { why: "ours", ranges: ["5.5.0.0/16"] }],
      hosts: [...DEFAULT_POLICY.hosts, { why: "ours", ownPages: false, hosts: ["corp.pw"] }],
    };
    expect(judgeHost({ type: "ipv4", value: "5.5.1.1" }, policy)).toEqual(neither("ours"));
    expect(judgeHost({ type: "domain", value: "x.corp.pw" }, policy)).toEqual(neither("ours"));
    expect(judgeHost({ type: "ipv4", value: "5.5.1.1" })).toEqual(free);
  });
});
