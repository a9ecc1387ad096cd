import { HeapWriter } from "@assay/carriers/heap-writer";
import { remcosBlob, remcosCarrier } from "@assay/carriers/remcos";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../bytes/index.ts";
import { pbkdf2Sha1, rc4 } from "../codecs/index.ts";
import { remcos } from "../families/remcos/remcos.ts";
import { openImage } from "../formats/open-image.ts";
import { type Confidence, type Endpoint, type Finding, FindingBuilder, Ledger } from "../model/index.ts";
import { tracesOf } from "./memory/traces.ts";
import { mergeTraces } from "./merge-traces.ts";

const FAMILY = { id: "win.sample", name: "Sample", aliases: [], category: ["rat"] } as const;
const LEDGER = new Ledger(new Uint8Array(0x10000));

interface Options {
  readonly layout?: string;
  readonly confidence?: Confidence;
  readonly mutex?: string;
  readonly family?: string;
  readonly at?: number;
}

function finding(addresses: readonly Endpoint[], options: Options = {}): Finding {
  const { layout = "L1", confidence = "proved", mutex, family = FAMILY.id, at = 0 } = options;
  const builder = new FindingBuilder({ ...FAMILY, id: family }, layout, 0);
  addresses.forEach((address, i) => {
    builder.endpoint(address, [{ artifact: 0, offset: at + 64 * i, length: 20 }], { as: "latin1" });
  });
  if (mutex !== undefined)
    builder.text(
      "mutex",
      { value: mutex, at: [{ artifact: 0, offset: at + 0x800, length: mutex.length }] },
      { as: "latin1" },
    );
  return builder.build(confidence, LEDGER);
}

const trace = (addresses: readonly Endpoint[], options: Options = {}): Finding =>
  finding(addresses, { layout: "memory", confidence: "heuristic", at: 0x4000, ...options });

const tcp = (host: string, port: number): Endpoint => ({ scheme: "tcp", host, port, usage: "c2" });
const web = (host: string, path?: string): Endpoint => ({
  scheme: "https",
  host,
  ...(path === undefined ? {} : { path }),
  usage: "c2",
});
const A = tcp("a.example", 1);
const B = tcp("b.example", 2);
const C = tcp("c.example", 3);

const codes = ({ reasons }: Finding): string[] => reasons.map(({ code }) => code);

describe("a trace that names no more than a proved finding does", () => {
  const sure = finding([A, B], { mutex: "M1" });
  const [merged, ...more] = mergeTraces([sure, trace([B], { mutex: "M1" })]);

  it("is taken into it: its places are evidence of the same values", () => {
    expect(more).toEqual([]);
    expect(merged?.c2).toEqual(sure.c2);
    expect(merged?.config).toEqual(sure.config);
    expect(merged?.evidence.slice(0, sure.evidence.length)).toEqual(sure.evidence);
    const added = merged?.evidence.slice(sure.evidence.length);
    expect(added?.map(({ pointer, at }) => [pointer, at[0]?.offset])).toEqual([
      ["/c2/1", 0x4000],
      ["/config/tcp/1", 0x4000],
      ["/config/mutex/0", 0x4800],
    ]);
    expect(codes(merged as Finding)).toEqual(["memory-agrees"]);
  });

  it("does not change what it is given", () => {
    expect(codes(sure)).toEqual([]);
    expect(mergeTraces([sure])).toEqual([sure]);
  });

  it("may know the host alone where the finding knows a path, or a port that goes without saying", () => {
    const full = finding([web("c2.example", "/auyw"), { ...web("d.example"), scheme: "http" }]);
    const bare = trace([web("c2.example"), { ...web("d.example"), scheme: "http", port: 80 }]);
    const [one, ...rest] = mergeTraces([full, bare]);
    expect(rest).toEqual([]);
    expect(one?.evidence.length).toBe(2 * full.evidence.length);
    expect(mergeTraces([finding([web("c2.example")]), trace([web("c2.example", "/x")])])).toHaveLength(2);
  });

  it("stays beside a finding with another mutex, and both say so", () => {
    const [sure, own] = mergeTraces([finding([A], { mutex: "M1" }), trace([A], { mutex: "M2" })]);
    expect([sure?.config.mutex, own?.config.mutex]).toEqual([["M1"], ["M2"]]);
    expect(sure?.reasons[0]?.text).toContain("M2");
  });

  it("adds a place once, however often it is merged", () => {
    const once = mergeTraces([finding([A]), trace([A])]);
    const twice = mergeTraces([...once, trace([A])]);
    expect(twice[0]?.evidence).toEqual(once[0]?.evidence);
  });

  it("goes to the one of several that covers it", () => {
    const merged = mergeTraces([finding([A]), finding([B, C]), trace([C])]);
    expect(merged.map(codes)).toEqual([[], ["memory-agrees"]]);
  });
});

describe("a trace that names something else", () => {
  const [sure, own] = mergeTraces([finding([A, B]), trace([B, C])]) as [Finding, Finding];

  it("stays beside the finding, neither changed in its C2s", () => {
    expect([sure.c2, own.c2]).toEqual([
      ["tcp://a.example:1", "tcp://b.example:2"],
      ["tcp://b.example:2", "tcp://c.example:3"],
    ]);
    expect([sure.confidence, own.confidence]).toEqual(["proved", "heuristic"]);
  });

  it("gives each a reason that names the difference", () => {
    for (const one of [sure, own]) {
      expect(codes(one)).toEqual(["memory-differs"]);
      expect(one.reasons[0]?.text).toContain("tcp://c.example:3");
      expect(one.reasons[0]?.text).not.toContain("b.example");
      expect(one.reasons[0]?.at?.length).toBeGreaterThan(0);
    }
  });

  it("may be a dead drop, or a C2 that a dead drop has led to", () => {
    const drop: Endpoint = { scheme: "https", host: "t.me", path: "/some", usage: "dead_drop_resolver" };
    expect(mergeTraces([finding([drop, A]), trace([drop])])).toHaveLength(1);
    expect(mergeTraces([finding([drop]), trace([drop, A])]).map(codes)).toEqual([
      ["memory-differs"],
      ["memory-differs"],
    ]);
    expect(mergeTraces([finding([A]), trace([A, drop])])).toHaveLength(2);
  });
});

describe("what is left alone", () => {
  it("is a trace of another family or another subject, or one with no sure finding beside it", () => {
    const other = { ...finding([A]), subject: 7 };
    for (const findings of [
      [finding([A]), trace([A], { family: "win.other" })],
      [other, trace([A])],
      [trace([A]), trace([A, B])],
      [finding([A], { confidence: "heuristic" }), trace([A])],
    ])
      expect(mergeTraces(findings)).toEqual(findings);
  });
});

describe("Remcos in one dump, its program and its heap", () => {
  const options = { layout: "R3", c2s: [{ host: "first.example", port: 2404, tls: true }] } as const;
  const blob = remcosBlob(options);
  const start = 1 + (blob[0] as number);
  const heap = new HeapWriter().blocks(100);
  heap.block(concatBytes(rc4(blob.subarray(1, start), blob.subarray(start)), Uint8Array.of(0)));

  const ledger = new Ledger(concatBytes(remcosCarrier(options), heap.bytes()));
  const extraction = remcos.extract({
    image: openImage(ledger.sample),
    rules: [],
    matches: [],
    ledger,
    pbkdf2Sha1,
  });
  const traces = tracesOf([remcos], ledger.sample, undefined, true, ledger).findings;

  it("is one finding, proved, with the heap as a second place of nearly every value", () => {
    expect([extraction.status, traces.length]).toEqual(["config", 1]);
    if (extraction.status !== "config") return;
    const [merged, ...more] = mergeTraces([extraction.finding, ...traces]);
    expect(more).toEqual([]);
    expect([merged?.confidence, merged?.config]).toEqual(["proved", extraction.finding.config]);
    const places = merged?.evidence.filter(({ pointer }) => pointer === "/config/mutex/0") ?? [];
    expect(places.map(({ at }) => at[0]?.artifact)).toEqual([1, 0]);
    expect(merged?.reasons.at(-1)?.text).toBe("Memory holds it in clear as well");
  });
});
