import type { Finding } from "@assay/core/model/index";
import { describe, expect, it } from "vitest";
import { differences, formsOf } from "./compare.ts";

const finding: Finding = {
  family: "win.remcos",
  aliases: [],
  layout: "R3",
  confidence: "proved",
  artifact: 0,
  subject: 0,
  c2: ["tcp://evil.example:2404", "tcp://192.0.2.7:443"],
  config: {
    family: "win.remcos",
    category: ["rat"],
    mutex: ["Rmc-ABC"],
    campaign_id: ["host-1"],
    tcp: [{ server_domain: "evil.example", server_port: 2404, usage: "c2" }],
    other: { licence: "55AA" },
  },
  evidence: [],
  reasons: [],
  rules: [],
};

describe("what the sandbox says beside what we found", () => {
  it("tells values of both, of the sandbox alone, and of ours alone", () => {
    const said = [
      {
        family: "Remcos",
        values: [
          { name: "C2", value: "EVIL.example:2404" },
          { name: "C2", value: "other.example:1" },
          { name: "Mutex", value: "Rmc-ABC" },
        ],
      },
    ];
    expect(differences(said, [finding])).toEqual([
      { in: "both", value: "EVIL.example:2404", ours: "/findings/0/c2/0", theirs: "/configs/0/values/0" },
      { in: "both", value: "Rmc-ABC", ours: "/findings/0/config/mutex", theirs: "/configs/0/values/2" },
      { in: "sandbox", value: "other.example:1", theirs: "/configs/0/values/1" },
      { in: "assay", value: "tcp://192.0.2.7:443", ours: "/findings/0/c2/1" },
      { in: "assay", value: "host-1", ours: "/findings/0/config/campaign_id" },
    ]);
  });

  it("lists all of theirs when we found nothing", () => {
    const said = [{ family: "X", values: [{ name: "C2", value: "a.example" }] }];
    expect(differences(said, [])).toEqual([
      { in: "sandbox", value: "a.example", theirs: "/configs/0/values/0" },
    ]);
  });

  it("never takes another port, path or host for the same address", () => {
    const same = (a: string, b: string): boolean => formsOf(a).some((form) => formsOf(b).includes(form));
    expect(same("https://a.example", "a.example")).toBe(true);
    expect(same("https://a.example/x", "a.example:443/x")).toBe(true);
    expect(same("tcp://a.example:1", "a.example:1")).toBe(true);
    expect(same("tcp://a.example:1", "a.example:2")).toBe(false);
    expect(same("tcp://a.example:1", "a.example")).toBe(false);
    expect(same("http://a.example/x", "http://a.example/y")).toBe(false);
    expect(same("a.example", "b.a.example")).toBe(false);
    expect(same("http://a.example/Xy", "http://a.example/xY")).toBe(false);
  });
});
