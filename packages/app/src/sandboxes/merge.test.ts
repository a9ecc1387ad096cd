import type { Evidence, Finding, Sample } from "@assay/core/model/index";
import { unread } from "@assay/core/triage/unread";
import { describe, expect, it } from "vitest";
import { mergeRun, type Part } from "./merge.ts";
import type { Artefact, MemoryHint } from "./sandbox.ts";

const RUN = { sandbox: "cape", task: "12" };
const evidence = (pointer: string, artifact: number): Evidence => ({
  pointer,
  at: [{ artifact, offset: 16, length: 4 }],
  as: "latin1",
  steps: ["rc4"],
});
const finding = (more: Partial<Finding> = {}): Finding => ({
  family: "win.remcos",
  aliases: [],
  layout: "R3",
  confidence: "proved",
  artifact: 1,
  subject: 0,
  c2: ["tcp://evil.example:2404"],
  config: { family: "win.remcos", mutex: ["m"] },
  evidence: [evidence("/c2/0", 1), evidence("/config/mutex/0", 1)],
  reasons: [],
  rules: ["r"],
  ...more,
});
const root = (sha256: string): Sample["artifacts"][number] => ({
  id: 0,
  kind: "sample",
  sha256,
  size: 100,
  format: "pe",
});
const inner: Sample["artifacts"][number] = {
  id: 1,
  kind: "resource",
  by: "rc4",
  from: [{ artifact: 0, offset: 4, length: 50 }],
  steps: [{ op: "rc4", at: [{ artifact: 0, offset: 1, length: 2 }] }],
  sha256: "ii",
  size: 50,
  format: "data",
};
function sample(sha256: string, findings: Finding[], more: Partial<Sample> = {}): Sample {
  return {
    sha256,
    sha1: "",
    md5: "",
    size: 100,
    names: ["sample.exe"],
    format: "pe",
    outcome: findings.length > 0 ? "config" : "unknown",
    families: findings.map(({ family }) => family),
    findings,
    indicators: findings.flatMap(({ c2 }) =>
      c2.map((value) => ({
        type: "socket" as const,
        value,
        usage: "c2" as const,
        family: "win.remcos",
        blockable: true,
        linkable: true,
        subject: 0,
        defanged: value,
        at: [{ artifact: 1, offset: 16, length: 4 }],
      })),
    ),
    artifacts: [root(sha256), ...(findings.length > 0 ? [inner] : [])],
    reasons: [],
    rules: findings.length > 0 ? ["r"] : [],
    elapsedMs: 1,
    ...more,
  };
}
function part(name: string, hint: MemoryHint, own: Sample): Part {
  const artefact: Artefact = {
    path: `/x/${name}`,
    name,
    size: 100,
    sha256: name,
    hint,
    description: `${hint.kind} ${name}`,
  };
  return { places: [artefact], sample: own };
}

describe("a run as one sample", () => {
  it("carries a dump's config under the submitted file, with every span on the bytes it was read from", () => {
    const hint: MemoryHint = { kind: "payload", process: { name: "RegAsm.exe", pid: 4711 }, base: 0x400000n };
    const merged = mergeRun(sample("own", []), [part("a", hint, sample("pp", [finding()]))], RUN);
    expect(merged.outcome).toBe("config");
    expect(merged.families).toEqual(["win.remcos"]);
    expect(
      merged.artifacts.map(({ id, kind, sha256, by, from }) => [id, kind, sha256, by, from?.[0]?.artifact]),
    ).toEqual([
      [0, "sample", "own", undefined, undefined],
      [1, "payload", "pp", "detonate", 0],
      [2, "resource", "ii", "rc4", 1],
    ]);
    expect(merged.artifacts[1]?.steps).toEqual([
      {
        op: "detonate",
        params: { sandbox: "cape", task: "12", process: "RegAsm.exe", pid: 4711, base: "0x400000" },
      },
    ]);
    expect(merged.artifacts[2]?.steps?.[0]?.at).toEqual([{ artifact: 1, offset: 1, length: 2 }]);
    expect(merged.findings[0]).toMatchObject({ artifact: 2, subject: 0 });
    expect(merged.findings[0]?.evidence[0]).toEqual({ ...evidence("/c2/0", 2), steps: ["payload a", "rc4"] });
    expect(merged.indicators[0]?.at).toEqual([{ artifact: 2, offset: 16, length: 4 }]);
  });

  it("folds one config in many dumps into one finding with all its places", () => {
    const parts = ["a", "b", "c"].map((name) => part(name, { kind: "memory" }, sample(name, [finding()])));
    const merged = mergeRun(sample("own", [finding()]), parts, RUN);
    expect(merged.findings).toHaveLength(1);
    expect(merged.findings[0]?.artifact).toBe(1);
    expect(merged.findings[0]?.also?.map(({ artifact }) => artifact)).toEqual([3, 5, 7]);
    expect(merged.indicators).toHaveLength(1);
    expect(merged.indicators[0]?.at).toHaveLength(4);
  });

  it("takes nothing but its place from a weaker finding", () => {
    const weak = finding({
      confidence: "heuristic",
      config: { family: "win.remcos", mutex: ["other"] },
    });
    const merged = mergeRun(
      sample("own", [finding()]),
      [part("a", { kind: "memory" }, sample("a", [weak]))],
      RUN,
    );
    expect(merged.findings).toHaveLength(1);
    expect(merged.findings[0]).toMatchObject({ confidence: "proved", config: { mutex: ["m"] } });
    expect(merged.findings[0]?.evidence.map(({ at }) => at[0]?.artifact)).toEqual([1, 1]);
    expect(merged.findings[0]?.also).toEqual([{ artifact: 3, offset: 16, length: 4 }]);
  });

  it("keeps a guess with other addresses beside the proof, and says that they disagree", () => {
    const guess = finding({ confidence: "heuristic", c2: ["tcp://decoy.example:1"] });
    const merged = mergeRun(
      sample("own", [finding()]),
      [part("a", { kind: "memory" }, sample("a", [guess]))],
      RUN,
    );
    expect(
      merged.findings.map(({ confidence, reasons }) => [confidence, reasons.map(({ code }) => code)]),
    ).toEqual([
      ["proved", []],
      ["heuristic", ["disagrees"]],
    ]);
  });

  it("says which dumps were not seen to their end, and keeps the others' noise out", () => {
    const dead = unread(["a"], "failed", {
      stage: "analyse",
      code: "crashed",
      text: "the analysis process died",
    });
    const noisy = sample("b", [], { reasons: [{ stage: "identify", code: "not-a-pe", text: "no PE" }] });
    const merged = mergeRun(
      sample("own", []),
      [part("a", { kind: "memory" }, dead), part("b", { kind: "memory" }, noisy)],
      RUN,
    );
    expect(merged.reasons).toEqual([
      { stage: "analyse", code: "crashed", text: "memory a: the analysis process died" },
    ]);
    expect(merged.outcome).toBe("unknown");
  });

  it("calls a sample identified when only a dump shows the family", () => {
    const known = sample("a", [], { families: ["win.vidar"], outcome: "identified" });
    expect(mergeRun(sample("own", []), [part("a", { kind: "memory" }, known)], RUN)).toMatchObject({
      outcome: "identified",
      families: ["win.vidar"],
    });
  });
});
