import { describe, expect, it } from "vitest";
import { latin1Bytes } from "../../bytes/index.ts";
import { parseC2List } from "./c2.ts";

const read = (list: string, newest = true) =>
  parseC2List(latin1Bytes(list), newest).entries.map(({ host, port, tls, password }) => ({
    host,
    port,
    ...(tls === undefined ? {} : { tls }),
    ...(password === undefined ? {} : { password }),
  }));

describe("a C2 list", () => {
  it.each(["|", "\x1e", "\xff\xff\xff\xff"])(
    "has entries between %j, behind the last one or not",
    (separator) => {
      const entries = ["a.example:1:0", "b.example:65535:1"];
      const expected = [
        { host: "a.example", port: 1, tls: false },
        { host: "b.example", port: 65535, tls: true },
      ];
      expect(read(entries.join(separator))).toEqual(expected);
      expect(read(entries.join(separator) + separator)).toEqual(expected);
      expect(read(`${entries.join(separator)}${separator}\0`)).toEqual(expected);
    },
  );

  it("has a password as the third part in older builds, colons and digits and all", () => {
    expect(read("a.example:2404:1", false)).toEqual([{ host: "a.example", port: 2404, password: "1" }]);
    expect(read("10.0.0.1:80:p:w:9")).toEqual([{ host: "10.0.0.1", port: 80, password: "p:w:9" }]);
    expect(read("a.example:2404:|b-c_d:5:", false)).toEqual([
      { host: "a.example", port: 2404 },
      { host: "b-c_d", port: 5 },
    ]);
  });

  it("may do without a third part", () => {
    expect(read("a.example:2404")).toEqual([{ host: "a.example", port: 2404 }]);
  });

  it("may hold hosts with spaces around them or the root's dot behind", () => {
    expect(read(" a.example:2404:1|b.example :5:0|c.example.:6:0")).toEqual([
      { host: "a.example", port: 2404, tls: true },
      { host: "b.example", port: 5, tls: false },
      { host: "c.example", port: 6, tls: false },
    ]);
    const [, second] = parseC2List(latin1Bytes("a:1:x|  b:22:secret"), false).entries;
    expect(second).toMatchObject({
      offset: 8,
      length: 4,
      thirdOffset: 13,
      thirdLength: 6,
      password: "secret",
    });
  });

  it("may hold IPv6 addresses, bare or in brackets", () => {
    expect(read("2001:db8::1:2404:1|[fe80::1]:443:0|::ffff:192.0.2.1:80:1|1:2:3:4:5:6:7:8:99:0")).toEqual([
      { host: "2001:db8::1", port: 2404, tls: true },
      { host: "fe80::1", port: 443, tls: false },
      { host: "::ffff:192.0.2.1", port: 80, tls: true },
      { host: "1:2:3:4:5:6:7:8", port: 99, tls: false },
    ]);
  });

  it.each([
    "",
    "|",
    "host",
    ":80:1",
    "a.example::1",
    "a.example:0:1",
    "a.example:65536:1",
    "1.2.3:80:1",
    "300.1.1.1:80:1",
    "10.0.0a.1:80:1",
  ])("reads no controller out of %j", (list) => expect(read(list)).toEqual([]));

  it("says where host and port stand", () => {
    const [, second] = parseC2List(latin1Bytes("a:1:x|[::1]:22:secret"), false).entries;
    expect(second).toMatchObject({ offset: 6, length: 8, thirdOffset: 15, thirdLength: 6 });
  });
});
