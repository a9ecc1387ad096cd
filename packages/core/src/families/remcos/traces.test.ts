import { HeapWriter } from "@assay/carriers/heap-writer";
import { type RemcosOptions, remcosBlob, wide } from "@assay/carriers/remcos";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1, latin1Bytes, View } from "../../bytes/index.ts";
import { rc4 } from "../../codecs/index.ts";
import { Ledger } from "../../model/index.ts";
import { tracesOf } from "../../triage/memory/traces.ts";
import { remcos } from "./remcos.ts";

const FAMILIES = [remcos];

function tracesIn(bytes: Uint8Array, opens = false) {
  const ledger = new Ledger(bytes);
  return tracesOf(FAMILIES, ledger.sample, undefined, opens, ledger).findings;
}

/** What Remcos's heap holds once it has decrypted its resource. */
function plainOf(options: RemcosOptions): Uint8Array {
  const blob = remcosBlob(options);
  const start = 1 + (blob[0] as number);
  return rc4(blob.subarray(1, start), blob.subarray(start));
}

const OPTIONS: Readonly<Record<string, RemcosOptions>> = {
  R3: {
    layout: "R3",
    c2s: [
      { host: "first.example", port: 2404, tls: true },
      { host: "198.51.100.7", port: 443, tls: false },
    ],
  },
  R2: { layout: "R2", c2s: [{ host: "second.example", port: 1990, password: "pass" }] },
  R1: { layout: "R1", c2s: [{ host: "203.0.113.4", port: 5888, password: "a:b" }] },
};
const modern = OPTIONS.R3 as RemcosOptions;

function heapWith(plain: Uint8Array): Uint8Array {
  const heap = new HeapWriter().blocks(400);
  heap.block(concatBytes(plain, Uint8Array.of(0)));
  return heap.blocks(400).bytes();
}

describe.each(Object.entries(OPTIONS))("a heap that holds a decrypted config of %s", (layout, options) => {
  const bytes = heapWith(plainOf(options));
  const [finding, ...more] = tracesIn(bytes);

  it("yields it once, as heuristic, with every C2", () => {
    expect(more).toEqual([]);
    expect(finding?.c2).toEqual(options.c2s.map(({ host, port }) => `tcp://${host}:${port}`));
    expect([finding?.layout, finding?.confidence]).toEqual(["memory", "heuristic"]);
    expect(finding?.config.other).toMatchObject({ settings_layout: layout });
  });

  it("yields the fields that the resource's own extraction yields", () => {
    expect(finding?.config.mutex).toHaveLength(1);
    expect(finding?.config.campaign_id).toEqual([layout === "R1" ? "Host" : "RemoteHost"]);
    expect(finding?.config.capability_enabled).toContain("keylogger");
  });

  it("points at bytes that read as the C2s", () => {
    const ledger = new Ledger(bytes);
    for (const [i, { host, port }] of options.c2s.entries()) {
      const evidence = finding?.evidence.find(({ pointer }) => pointer === `/c2/${i}`);
      expect(latin1(ledger.read(evidence?.at ?? []) ?? new Uint8Array(0))).toBe(`${host}:${port}`);
    }
  });

  it("names the facts that it stands on", () => {
    expect(finding?.reasons.find(({ code }) => code === "memory-block")?.text).toMatch(/fields between/);
  });
});

describe("where the list begins", () => {
  const plain = plainOf(modern);

  it("is not sure behind readable bytes off the allocator's grid: the first entry is left out", () => {
    const [finding] = tracesIn(
      concatBytes(new Uint8Array(65).fill(0x80), latin1Bytes("xyz"), plain, new Uint8Array(64)),
    );
    expect(finding?.c2).toEqual(["tcp://198.51.100.7:443"]);
    expect(finding?.reasons.map(({ code }) => code)).toContain("start-unknown");
  });

  it("is not sure at a window's edge, but at the beginning of memory", () => {
    expect(tracesIn(plain)[0]?.c2).toEqual(["tcp://198.51.100.7:443"]);
    expect(tracesIn(plain, true)[0]?.c2).toHaveLength(2);
  });

  it("takes no address from memory before a list with one entry when it is not sure", () => {
    const single = plainOf({ ...modern, c2s: [{ host: "first.example", port: 2404, tls: true }] });
    expect(tracesIn(concatBytes(latin1Bytes("\x80\x80xyz"), single))).toEqual([]);
  });
});

describe("what is no config", () => {
  it("is a list without a public address", () => {
    for (const host of [
      "127.0.0.1",
      "192.168.1.20",
      "10.0.0.3",
      "localhost",
      "update.microsoft.com",
      "nowhere.zzzz",
    ])
      expect([
        host,
        tracesIn(heapWith(plainOf({ ...modern, c2s: [{ host, port: 2404, tls: true }] }))),
      ]).toEqual([host, []]);
  });

  it("is a block whose fields do not read as they should", () => {
    const fields = Object.fromEntries([3, 4, 5, 12, 15].map((index) => [index, "maybe"]));
    expect(tracesIn(heapWith(plainOf({ ...modern, fields })))).toEqual([]);
  });

  it("is a note that quotes the separators, or a rule file", () => {
    const note = [
      "Remcos config: c2.example.org:2404:1, separator |\\x1e\\x1e\\x1f|",
      'rule remcos { strings: $a = { 7C 1E 1E 1F 7C } $b = "|\x1e\x1e\x1f|" condition: #b > 20 }',
      "first.example:2404:1|\x1e\x1e\x1f|Host|\x1e\x1e\x1f|1|\x1e\x1e\x1f|\x01|\x1e\x1e\x1f|",
    ].join("\r\n");
    expect(tracesIn(latin1Bytes(note))).toEqual([]);
  });

  it("is a run of 16-bit numbers that look like separators and switches", () => {
    const numbers = new Uint8Array(1 << 20);
    for (let i = 0; i < numbers.length; i += 2) numbers[i] = 0x1e;
    expect(tracesIn(numbers)).toEqual([]);
  });
});

describe("a config met twice", () => {
  it("is one finding that says where the other copy lies", () => {
    const plain = plainOf(modern);
    const found = tracesIn(concatBytes(heapWith(plain), heapWith(plain)));
    expect(found).toHaveLength(1);
    expect(found[0]?.reasons.find(({ code }) => code === "copies")?.at).toHaveLength(1);
  });

  it("is two findings when the lists differ", () => {
    const other = plainOf({ ...modern, c2s: [{ host: "third.example", port: 80, tls: true }] });
    expect(
      tracesIn(concatBytes(heapWith(plainOf(modern)), heapWith(other))).map(({ c2 }) => c2.length),
    ).toEqual([2, 1]);
  });
});

describe("what is made against us", () => {
  it("costs time linear in the window", () => {
    const start = "first.example:2404:1";
    const hostile = [
      "|\x1e\x1e\x1f|\x01",
      `${start}|\x1e\x1e\x1f|a|\x1e\x1e\x1f|1|\x1e\x1e\x1f|\x01|\x1e\x1e\x1f|`,
      "\x1e\x00\x1e\x01\x1e\x01",
      "@@\x00@@\x01",
      `\x80${start}|@@@@1@@\x00@@\x00@@`,
    ];
    for (const text of hostile) {
      const unit = latin1Bytes(text);
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
      const began = performance.now();
      tracesIn(bytes);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  it("may be cut anywhere without a throw", () => {
    const bytes = heapWith(plainOf({ ...modern, fields: { 23: wide("a;b") } }));
    const at = bytes.length / 2;
    for (let cut = 0; cut < 600; cut += 7) tracesIn(bytes.subarray(0, Math.floor(at + cut)));
    expect(tracesIn(new View(bytes).clip(0, 64).bytes)).toEqual([]);
  });
});
