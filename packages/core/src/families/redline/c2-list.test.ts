import { describe, expect, it } from "vitest";
import { parseC2List } from "./c2-list.ts";

const hosts = (text: string, dotless = false) =>
  parseC2List(text, dotless)?.map(({ host, port }) => [host, port]);

describe("parseC2List", () => {
  it("reads addresses, names and bracketed IPv6, in order, with their places", () => {
    expect(hosts("192.0.2.1:80|c2.example.org:19071|[2001:db8::1]:443")).toEqual([
      ["192.0.2.1", 80],
      ["c2.example.org", 19071],
      ["2001:db8::1", 443],
    ]);
    expect(parseC2List("192.0.2.1:80| c2.example.org:1", false)?.[1]).toMatchObject({
      offset: 14,
      length: 16,
    });
  });

  it("leaves out empty entries", () => {
    expect(hosts("192.0.2.1:80||")).toEqual([["192.0.2.1", 80]]);
    expect(hosts("|")).toBeUndefined();
    expect(hosts("")).toBeUndefined();
  });

  it("refuses the whole list for one entry that is no host and port", () => {
    for (const text of [
      "192.0.2.1",
      "192.0.2.1:0",
      "192.0.2.1:65536",
      "192.0.2.1:080",
      "192.0.2.256:80",
      "192.0.2:80",
      "1.2.3.4.5:80",
      "http://a.example:80",
      "a b.example:80",
      "-a.example:80",
      "a..example:80",
      "[2001:db8:::1]:80",
      "2001:db8::1:80",
      "00:00:00",
      "192.0.2.1:80|x",
    ])
      expect(hosts(text), text).toBeUndefined();
  });

  it("takes a name without a dot only when told", () => {
    expect(hosts("localhost:6677")).toBeUndefined();
    expect(hosts("localhost:6677", true)).toEqual([["localhost", 6677]]);
  });
});
