import { describe, expect, it } from "vitest";
import type { Evidence, Finding } from "../api-types.ts";
import { connectionText, leaves, sectionsOf } from "./config-model.ts";

function proof(pointer: string): Evidence {
  return { pointer, at: [{ artifact: 0, offset: 0, length: 1 }], as: "latin1", steps: [] };
}

function finding(part: Partial<Finding>): Finding {
  return {
    ...{ family: "win.x", aliases: [], layout: "1", confidence: "proved", artifact: 0, subject: 0 },
    ...{ c2: [], config: { family: "win.x" }, evidence: [], reasons: [], rules: [] },
    ...part,
  };
}

describe("a config as it is read", () => {
  const sections = sectionsOf(
    finding({
      c2: ["tcp://198.51.100.7:2404"],
      config: {
        family: "win.x",
        mutex: ["m"],
        tcp: [{ server_ip: "198.51.100.7", server_port: 2404, usage: "c2" }],
        http: [{ uri: "https://example.com/a", usage: "dead_drop_resolver" }],
        paths: [{ path: "%TEMP%\\a", usage: "install" }],
        sleep_delay: 5,
        encryption: [{ algorithm: "rc4", key: "00ff", usage: "config" }],
        other: { "a/b": { deep: [1, null] } },
      },
      evidence: [
        proof("/c2/0"),
        proof("/config/paths/0"),
        proof("/config/mutex/0"),
        proof("/config/other/a~1b/deep/0"),
      ],
    }),
  );

  it("begins with the C2s and ends with the raw fields", () => {
    expect(sections.map(({ id }) => id)).toEqual([
      ...["c2", "connections", "identity", "install", "behaviour", "secrets", "raw"],
    ]);
  });

  it("tells a C2 once, and other connections with what they are for", () => {
    expect(sections[1]?.rows).toMatchObject([{ value: "https://example.com/a", note: "dead_drop_resolver" }]);
  });

  it("gives every value its proof, and its parts that of the whole", () => {
    const raw = sections.at(-1)?.rows ?? [];
    const of = (pointer: string) =>
      raw.find((row) => row.pointer === pointer)?.evidence.map((one) => one.pointer);
    expect(sections[0]?.rows[0]?.evidence).toHaveLength(1);
    expect(of("/config/paths/0/path")).toEqual(["/config/paths/0"]);
    expect(of("/config/other/a~1b/deep/0")).toEqual(["/config/other/a~1b/deep/0"]);
    expect(of("/config/sleep_delay")).toEqual([]);
  });
});

describe("leaves", () => {
  it("name every value by its JSON Pointer, in order", () => {
    expect(leaves({ a: [1, { "b/~": "x" }], c: false }, "")).toEqual([
      ["/a/0", "1"],
      ["/a/1/b~1~0", "x"],
      ["/c", "false"],
    ]);
  });

  it("go as deep as a sample likes", () => {
    let deep: [] | [unknown] = [];
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(leaves(deep as never, "")).toEqual([]);
  });
});

describe("a connection", () => {
  it("reads as its C2 does", () => {
    expect(connectionText("tcp", { server_domain: "a.example", server_port: 1 })).toBe("tcp://a.example:1");
    expect(connectionText("tcp", { server_ip: "2001:db8::1", server_port: 1 })).toBe("tcp://[2001:db8::1]:1");
    expect(connectionText("http", { uri: "https://a.example/x", hostname: "a.example" })).toBe(
      "https://a.example/x",
    );
  });
});
