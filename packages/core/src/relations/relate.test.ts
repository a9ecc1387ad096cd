import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { indicatorsOf } from "../indicators/index.ts";
import {
  ClusterSchema,
  type Endpoint,
  FindingBuilder,
  Ledger,
  RelationSchema,
  type Sample,
} from "../model/index.ts";
import { configId } from "./config-id.ts";
import { relate } from "./relate.ts";
import { MIN_CLUSTER_WEIGHT, tieWeight } from "./weight.ts";

const TEXT = { as: "latin1" as const };

/** A sample of `family` with these C2s: `host`, `host:port` (tcp), a URL, or a dead-drop URL after `drop `. */
function sample(
  name: string,
  family: string,
  addresses: readonly string[],
  extra?: (b: FindingBuilder) => void,
): Sample {
  const b = new FindingBuilder({ id: family, name: family, aliases: [], category: ["rat"] }, "L1", 0);
  for (const text of addresses)
    b.endpoint(endpoint(text), [{ artifact: 0, offset: 0, length: text.length }], TEXT);
  extra?.(b);
  const finding = b.build("proved", new Ledger(new Uint8Array(0)));
  return {
    sha256: [...name]
      .map((c) => c.charCodeAt(0).toString(16))
      .join("")
      .padEnd(64, "0"),
    sha1: null,
    md5: null,
    size: 1,
    names: [name],
    format: "pe32",
    outcome: "config",
    families: [family],
    findings: [finding],
    indicators: indicatorsOf(finding, { campaign_id: ["Office04"] }),
    artifacts: [],
    reasons: [],
    rules: [],
    elapsedMs: 1,
  };
}

function endpoint(text: string): Endpoint {
  const url = /^(drop )?(https?):\/\/([^/:]+)(?::(\d+))?(\/.*)?$/.exec(text);
  const [, drop, scheme, host, port, path] = url ?? [];
  if (url !== null)
    return {
      scheme: scheme as "http",
      host: host as string,
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(path === undefined ? {} : { path }),
      usage: drop === undefined ? "c2" : "dead_drop_resolver",
    };
  const [name, tcp] = text.split(":");
  return tcp === undefined
    ? { scheme: "https", host: name as string, usage: "c2" }
    : { scheme: "tcp", host: name as string, port: Number(tcp), usage: "c2" };
}

/** The published campaign: ten samples of five families. */
const STEAM = "drop https://steamcommunity.com/profiles/76561199588685141";
const CAMPAIGN: readonly Sample[] = [
  sample("forum.exe", "win.lumma", [
    "opposesicknessopw.pw",
    "politefrightenpowoa.pw",
    "assaultseekwoodywod.pw",
    "104.21.32.12",
  ]),
  sample("NativeX.exe", "win.lumma", [
    "opposesicknessopw.pw",
    "politefrightenpowoa.pw",
    "cakecoldsplurgrewe.pw",
    "172.67.182.33",
  ]),
  sample("lumma3.exe", "win.lumma", [
    "chincenterblandwka.pw",
    "pinkipinevazzey.pw",
    "reviveincapablewew.pw",
    "104.21.32.12",
  ]),
  sample("lumma4.exe", "win.lumma", [
    "dayfarrichjwclik.fun",
    "diagramfiremonkeyowwa.fun",
    "neighborhoodfeelsa.fun",
    "172.67.182.33",
  ]),
  sample("gbrem.exe", "win.remcos", ["77.105.132.70:2404", "177.105.132.124:2404"]),
  sample(
    "gbquas.exe",
    "win.quasar_rat",
    ["77.105.132.70:4782", "177.105.132.124:4782", "177.105.132.70:4782"],
    (b) => b.text("campaign_id", { value: "Office04", at: [] }, TEXT),
  ),
  sample("redline1.exe", "win.redline_stealer", ["5.42.64.67:19071"]),
  sample("redline2.exe", "win.redline_stealer", ["82.147.85.205:19071", "142.132.232.235:19071"]),
  sample("vidar1.exe", "win.vidar", ["http://128.140.69.37:80", STEAM]),
  sample("vidar2.exe", "win.vidar", ["http://128.140.69.37:80", STEAM]),
];
const nameOf = new Map(CAMPAIGN.map((s) => [s.sha256, s.names[0]]));

describe("relate on the published campaign", () => {
  const { relations, clusters } = relate(CAMPAIGN);
  const found = clusters.map((c) => ({
    names: c.samples.map((s) => nameOf.get(s)).sort(),
    shared: c.shared,
    families: c.families,
  }));

  it("finds the groups that share their C2s, and no other", () => {
    expect(found).toContainEqual({
      names: ["NativeX.exe", "forum.exe"],
      shared: ["domain:opposesicknessopw.pw", "domain:politefrightenpowoa.pw"],
      families: ["win.lumma"],
    });
    expect(found).toContainEqual({
      names: ["gbquas.exe", "gbrem.exe"],
      shared: ["ipv4:177.105.132.124", "ipv4:77.105.132.70"],
      families: ["win.quasar_rat", "win.remcos"],
    });
    expect(found).toContainEqual({
      names: ["vidar1.exe", "vidar2.exe"],
      shared: [
        "url:http://128.140.69.37:80",
        "url:https://steamcommunity.com/profiles/76561199588685141",
        "ipv4:128.140.69.37",
      ],
      families: ["win.vidar"],
    });
    expect(found).toHaveLength(3);
  });

  it("flags the address with a digit too many, and nothing else", () => {
    expect(relations.filter((r) => r.kind === "near-duplicate")).toEqual([
      {
        from: "ipv4:177.105.132.70",
        to: "ipv4:77.105.132.70",
        kind: "near-duplicate",
        weight: 0,
        why: "octet 1 has one digit more or less: 77 and 177",
      },
    ]);
  });

  it("reports the CDN's addresses with weight 0, and ties nothing by them or by the Steam host", () => {
    const cdn = relations.filter((r) => r.to === "ipv4:104.21.32.12");
    expect(cdn.map((r) => [r.kind, r.weight])).toEqual([
      ["has-indicator", 0],
      ["has-indicator", 0],
    ]);
    expect(cdn[0]?.why).toBe("c2; address of a CDN (Cloudflare)");
    expect(
      relations.filter((r) => r.kind === "shares" && /104\.21|172\.67|domain:steam|Office04/.test(r.to)),
    ).toEqual([]);
  });

  it("draws sample → config → indicator", () => {
    const rem = CAMPAIGN[4] as Sample;
    const config = relations.find((r) => r.kind === "has-config" && r.from === `sha256:${rem.sha256}`);
    expect(config).toMatchObject({ weight: 1, why: "win.remcos, layout L1, proved" });
    const held = relations
      .filter((r) => r.kind === "has-indicator" && r.from === config?.to)
      .map((r) => r.to);
    expect(held).toEqual([
      "ipv4:177.105.132.124",
      "ipv4:77.105.132.70",
      "socket:177.105.132.124:2404",
      "socket:77.105.132.70:2404",
    ]);
    const ends = new Set(
      relations.filter((r) => r.kind === "shares").map((r) => `${nameOf.get(r.from.slice(7))} ${r.to}`),
    );
    expect(ends.has("gbrem.exe ipv4:77.105.132.70")).toBe(true);
    expect(ends.has("gbquas.exe ipv4:77.105.132.70")).toBe(true);
    for (const r of relations) expect(Value.Check(RelationSchema, r)).toBe(true);
    for (const c of clusters) expect(Value.Check(ClusterSchema, c)).toBe(true);
  });

  it("says the same whatever the order of the samples", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...CAMPAIGN], { minLength: CAMPAIGN.length }), (shuffled) => {
        expect(relate(shuffled)).toEqual({ relations, clusters });
      }),
      { seed: 29, numRuns: 20 },
    );
  });

  it("keeps a cluster's id when unrelated samples come along", () => {
    const more = relate([...CAMPAIGN, sample("other.exe", "win.remcos", ["9.1.1.9:1"])]);
    expect(more.clusters.map((c) => c.id)).toEqual(clusters.map((c) => c.id));
    expect(clusters[0]?.id).toMatch(/^cluster-[0-9a-f]{12}$/);
  });
});

describe("relate", () => {
  it("gives equal configs one identity, whatever the order of their fields", () => {
    expect(configId({ family: "x", mutex: ["a"] })).toBe(configId({ mutex: ["a"], family: "x" }));
    expect(configId({ family: "x", mutex: ["a"] })).not.toBe(configId({ family: "x", mutex: ["b"] }));
    const [a, b] = [sample("a", "win.x", ["a.pw"]), sample("b", "win.x", ["a.pw"])];
    expect(
      new Set(
        relate([a, b])
          .relations.filter((r) => r.kind === "has-config")
          .map((r) => r.to),
      ).size,
    ).toBe(1);
  });

  it("chains samples through different indicators into one cluster", () => {
    const { clusters } = relate([
      sample("a", "f", ["one.pw"]),
      sample("b", "f", ["one.pw", "two.pw"]),
      sample("c", "f", ["two.pw"]),
      sample("d", "f", ["three.pw"]),
    ]);
    expect(clusters.map((c) => [c.samples.length, c.shared])).toEqual([
      [3, ["domain:one.pw", "domain:two.pw"]],
    ]);
  });

  it("lists what is rarer, or says more, first", () => {
    const samples = Array.from({ length: 8 }, (_, i) =>
      sample(`s${i}`, "f", ["all.pw", ...(i < 2 ? ["two.pw"] : [])], (b) =>
        b.text("password", { value: "secret99", at: [] }, TEXT),
      ),
    );
    expect(relate(samples).clusters[0]?.shared).toEqual([
      "domain:two.pw",
      "domain:all.pw",
      "password:secret99",
    ]);
  });

  it("weighs by rarity and kind, between 0 and 1, and lets a C2 of all samples tie them still", () => {
    expect(tieWeight("url", 1, 10)).toBe(1);
    for (const type of ["domain", "mutex", "file"] as const)
      for (let n = 2; n < 1000; n++)
        expect(tieWeight(type, n, 1000)).toBeGreaterThanOrEqual(tieWeight(type, n + 1, 1000));
    expect(tieWeight("domain", 10_000, 10_000)).toBeGreaterThan(MIN_CLUSTER_WEIGHT);
    expect(tieWeight("file", 5000, 10_000)).toBeLessThan(MIN_CLUSTER_WEIGHT);
    expect(tieWeight("file", 2, 10_000)).toBeGreaterThan(MIN_CLUSTER_WEIGHT);
    expect(tieWeight("user_agent", 2, 10)).toBe(0);
  });

  it("takes no default of one family as a tie to another", () => {
    const [a, b] = [sample("a", "f", ["x.pw"]), sample("b", "g", ["x.pw"])];
    for (const indicator of b?.indicators ?? []) indicator.linkable = false;
    expect(relate([a, b] as Sample[]).clusters).toEqual([]);
  });

  it("makes nothing of samples without a config or a hash", () => {
    const unread = { ...sample("a", "f", ["x.pw"]), sha256: null };
    const unknown = { ...sample("b", "f", []), findings: [], indicators: [] };
    expect(relate([unread, unknown])).toEqual({ relations: [], clusters: [] });
    expect(relate([])).toEqual({ relations: [], clusters: [] });
  });

  it("takes ten thousand samples of one C2 as a star, not as pairs", () => {
    const first = sample("0", "f", ["one.pw"]);
    const samples = Array.from({ length: 10_000 }, (_, i) => ({
      ...first,
      sha256: i.toString(16).padStart(64, "0"),
    }));
    const { relations, clusters } = relate(samples);
    expect(relations.filter((r) => r.kind === "shares")).toHaveLength(10_000);
    expect(clusters.map((c) => [c.samples.length, c.shared])).toEqual([[10_000, ["domain:one.pw"]]]);
  });
});
