import { describe, expect, it } from "vitest";
import { hostKind } from "./trace-hosts.ts";

describe("hostKind", () => {
  it.each([
    [
      "public",
      ["203.0.113.9", "8.8.4.4", "172.32.0.1", "100.63.0.1", "c2.duckdns.org", "a-b.co.uk", "x.example"],
    ],
    ["public", ["2001:db8::7", "2a02:26f0::1", "c2.test", "xn--e1afmkfd.xn--p1ai"]],
    [
      "private",
      ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "0.0.0.0"],
    ],
    [
      "private",
      ["100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fd00::1", "localhost", "pc.local"],
    ],
    [
      "vendor",
      ["ctldl.windowsupdate.com", "login.LIVE.com", "ocsp.digicert.com", "www.google.com", "github.com"],
    ],
    [
      "unknown",
      ["256.1.1.1", "1.2.3", "01.2.3.4", "a..example", "-a.example", "host.zzzz", "a b.example", "", "1:2"],
    ],
    ["unknown", ["update.exe", "x:::1", "2001::db8::7", "notgoogle_com"]],
  ] as const)("%s: %j", (kind, hosts) => {
    for (const host of hosts) expect([host, hostKind(host)]).toEqual([host, kind]);
  });

  it("takes no host for a vendor's that only ends as one does", () => {
    expect(hostKind("notmicrosoft.com")).toBe("public");
    expect(hostKind("microsoft.com.evil.example")).toBe("public");
  });
});
