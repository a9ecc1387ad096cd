import { HeapWriter } from "@assay/carriers/heap-writer";
import { describe, expect, it } from "vitest";
import { latin1, latin1Bytes } from "../../bytes/index.ts";
import { Ledger } from "../../model/index.ts";
import { tracesOf } from "../../triage/memory/traces.ts";
import { vidar } from "./vidar.ts";

const FAMILIES = [vidar];

function tracesIn(bytes: Uint8Array) {
  const ledger = new Ledger(bytes);
  return tracesOf(FAMILIES, ledger.sample, undefined, false, ledger).findings;
}

const TEXTS = ["MachineID: ", "Work Dir: In memory", "[Hardware]", "[Software]", "build_id", "file_data"];
const ID = "7f9a3c51e8b24d60a1c2d3e4f5061728";
const STEAM = "https://steamcommunity.com/profiles/76561199000000001";
const TELEGRAM = "https://t.me/somechannel";
const C2 = "http://203.0.113.44:80";

/** A heap on which Vidar's own texts and then its config were decrypted, string by string. */
function heapOf(config: readonly string[], texts: readonly string[] = TEXTS): HeapWriter {
  const heap = new HeapWriter().blocks(200);
  for (const text of [...texts, "wallet.dat", "Opera Stable", ...config]) heap.cString(text);
  return heap.blocks(200);
}

describe("a heap with Vidar's strings", () => {
  const bytes = heapOf([C2, STEAM, ID, "13.2"]).bytes();
  const [finding, ...more] = tracesIn(bytes);

  it("yields C2, dead drop, build id and version once, as heuristic", () => {
    expect(more).toEqual([]);
    expect(finding?.c2).toEqual([C2]);
    expect(finding?.config.http?.map(({ uri, usage }) => [uri, usage])).toEqual([
      [C2, "c2"],
      [STEAM, "dead_drop_resolver"],
    ]);
    expect([finding?.layout, finding?.confidence, finding?.version]).toEqual(["memory", "heuristic", "13.2"]);
    expect(finding?.config.identifier).toEqual([ID]);
  });

  it("points at the bytes of every value and names the facts", () => {
    const ledger = new Ledger(bytes);
    for (const [pointer, text] of [
      ["/c2/0", C2],
      ["/version", "13.2"],
      ["/config/identifier/0", ID],
    ]) {
      const evidence = finding?.evidence.find((entry) => entry.pointer === pointer);
      expect(latin1(ledger.read(evidence?.at ?? []) ?? new Uint8Array(0))).toBe(text);
    }
    expect(finding?.reasons.find(({ code }) => code === "memory-strings")?.text).toContain(
      "Work Dir: In memory",
    );
  });

  it("is one finding where the strings were copied", () => {
    const heap = heapOf([C2, ID, "13.2"]).blocks(30);
    for (const text of [C2, ID, "13.2"]) heap.cString(text);
    expect(tracesIn(heap.bytes())).toHaveLength(1);
  });
});

describe("without the texts of its report", () => {
  it("two dead drops of different services, or one and an address, are told", () => {
    expect(tracesIn(heapOf([STEAM, TELEGRAM, ID, "1.5"], []).bytes())[0]?.c2).toEqual([]);
    expect(tracesIn(heapOf([STEAM, C2, ID, "1.5"], []).bytes())[0]?.c2).toEqual([C2]);
  });

  it("one dead drop is, beside three of the texts, and alone is not", () => {
    expect(tracesIn(heapOf([STEAM, ID, "1.5"], TEXTS.slice(0, 3)).bytes())).toHaveLength(1);
    expect(tracesIn(heapOf([STEAM, ID, "1.5"], []).bytes())).toEqual([]);
    expect(tracesIn(heapOf([STEAM, "https://host.example", ID, "1.5"], []).bytes())).toEqual([]);
  });

  it("a C2 is not, however many others stand there", () => {
    expect(tracesIn(heapOf([C2, "http://198.51.100.9", ID, "1.5"], TEXTS.slice(0, 5)).bytes())).toEqual([]);
  });
});

describe("what is no config", () => {
  it("lacks one of the three facts", () => {
    for (const config of [
      [C2, ID],
      [C2, "13.2"],
      [ID, "13.2"],
      [C2, ID.toUpperCase(), "13.2"],
      [C2, ID, "13.2.1.4"],
    ])
      expect([config, tracesIn(heapOf(config).bytes())]).toEqual([config, []]);
  });

  it("has its facts farther apart than 0x400 bytes", () => {
    const heap = heapOf([C2, ID]).zeros(0x400);
    heap.cString("13.2");
    expect(tracesIn(heap.bytes())).toEqual([]);
  });

  it("names a vendor, a private address or a whole page", () => {
    for (const url of [
      "http://192.168.1.4:80",
      "http://127.0.0.1",
      "https://ocsp.digicert.com",
      "http://ctldl.windowsupdate.com",
      "https://steamcommunity.com",
      "http://203.0.113.44/news/index.html",
      "https://host.zzzz",
    ])
      expect([url, tracesIn(heapOf([url, ID, "13.2"]).bytes())]).toEqual([url, []]);
  });

  it("is text: a list of indicators, a rule file, a report", () => {
    const list = [...TEXTS, C2, STEAM, TELEGRAM, ID, "13.2"];
    for (const text of [
      list.join("\r\n"),
      list.map((line, i) => `$s${i} = "${line}" ascii`).join("\n"),
      JSON.stringify(list),
      `${list.join("\n")}\0`,
    ])
      expect(tracesIn(latin1Bytes(text))).toEqual([]);
  });
});

describe("what is made against us", () => {
  it("costs time linear in the window", () => {
    for (const text of [STEAM, `${STEAM}\0`, `${C2}\0${ID}\0`, `${C2}\0${TEXTS.join("\0")}\0${ID}\0`]) {
      const unit = latin1Bytes(text);
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
      const began = performance.now();
      tracesIn(bytes);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  it("may be cut anywhere without a throw", () => {
    const bytes = heapOf([C2, STEAM, ID, "13.2"]).bytes();
    for (let cut = 0; cut < bytes.length; cut += 997) tracesIn(bytes.subarray(cut / 2, cut));
  });
});
