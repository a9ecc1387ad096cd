import { type HeapOptions, HeapWriter } from "@assay/carriers/heap-writer";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes, utf8Bytes, utf16le, utf16leBytes } from "../../bytes/index.ts";
import { Ledger } from "../../model/index.ts";
import { tracesOf } from "../../triage/memory/traces.ts";
import { redline } from "./redline.ts";

const FAMILIES = [redline];

function tracesIn(bytes: Uint8Array) {
  const ledger = new Ledger(bytes);
  return tracesOf(FAMILIES, ledger.sample, undefined, false, ledger).findings;
}

const PLACE = "203.0.113.20:19071";
const ADDRESS = `net.tcp://${PLACE}/`;
const TOKEN = "9059ea331e4599de3746df73ccb24514";
const HEADER = ["localhost", TOKEN, "Authorization", "ns1"];
const ACTIONS = [1, 2, 3].flatMap((n) => [
  `http://tempuri.org/Entity/Id${n}`,
  `http://tempuri.org/Entity/Id${n}Response`,
]);

/** StringDecrypt.Read the other way round: base64, XOR with the key's characters, base64. */
function seal(text: string, key: string): string {
  const inner = btoa(String.fromCharCode(...utf8Bytes(text)));
  return btoa(
    [...inner].map((c, i) => String.fromCharCode(c.charCodeAt(0) ^ key.charCodeAt(i % key.length))).join(""),
  );
}

function heapOf(texts: readonly string[], options: HeapOptions = {}): HeapWriter {
  const heap = new HeapWriter(options).clrObjects(300);
  for (const text of [
    "System.ServiceModel",
    "http://tempuri.org/",
    "1.0.0.0",
    "Formative",
    "net.tcp://",
    ...texts,
  ])
    heap.clrObjects(12).clrString(text);
  return heap.clrObjects(300);
}

describe.each([
  ["32-bit", { pointerSize: 4 }],
  ["64-bit", { pointerSize: 8 }],
] as const)("a %s heap of a client", (_, options) => {
  const bytes = heapOf([PLACE, ADDRESS, ...ACTIONS, ...HEADER], options).bytes();
  const [finding, ...more] = tracesIn(bytes);

  it("yields its address once, as heuristic", () => {
    expect(more).toEqual([]);
    expect(finding?.c2).toEqual([`tcp://${PLACE}`]);
    expect([finding?.layout, finding?.confidence]).toEqual(["memory", "heuristic"]);
    expect(finding?.config.other).toEqual({ authorization_token: TOKEN });
  });

  it("points at every place of it, and names the facts", () => {
    const ledger = new Ledger(bytes);
    const places =
      finding?.evidence.filter(({ pointer }) => pointer === "/c2/0").flatMap(({ at }) => at) ?? [];
    expect(places.map((span) => utf16le(ledger.read([span]) ?? new Uint8Array(0)))).toEqual([PLACE, PLACE]);
    const text = finding?.reasons.find(({ code }) => code === "memory-strings")?.text;
    expect(text).toMatch(/string of their own.*actions.*token/);
  });
});

describe("the literals of its code", () => {
  const list = `${PLACE}|panel.redline.example:6677|192.168.0.9:80`;
  const key = "Formidable";
  const literals = [seal(list, key), seal("krast", key), key];
  const [finding] = tracesIn(heapOf([...literals, list, PLACE, ADDRESS]).bytes());

  it("open with the key beside them and tell the id, which nothing else does", () => {
    expect(finding?.config.campaign_id).toEqual(["krast"]);
    expect(finding?.config.encryption).toEqual([{ algorithm: "xor", key, usage: "config" }]);
  });

  it("bring the whole list, but for what is no public host", () => {
    expect(finding?.c2).toEqual([`tcp://${PLACE}`, "tcp://panel.redline.example:6677"]);
    expect(finding?.reasons.map(({ code }) => code)).toContain("host-not-taken");
  });
});

describe("facts", () => {
  it("may be actions in a request, in UTF-8", () => {
    const heap = heapOf([PLACE, ADDRESS]);
    for (const n of [1, 12]) heap.block(`\x44${`http://tempuri.org/Entity/Id${n}`}\x9f\x01`);
    expect(tracesIn(heap.bytes())).toHaveLength(1);
  });

  it("may be an address over HTTP, when it stands alone too", () => {
    expect(tracesIn(heapOf([PLACE, `http://${PLACE}/`, ...ACTIONS]).bytes())[0]?.c2).toEqual([
      `http://${PLACE}`,
    ]);
    expect(tracesIn(heapOf([`http://${PLACE}/`, ...ACTIONS, ...HEADER]).bytes())).toEqual([]);
  });

  it("must be two beside the address, one of them RedLine's own", () => {
    expect(tracesIn(heapOf([ADDRESS]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([ADDRESS, PLACE]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([ADDRESS, PLACE, ...HEADER]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([ADDRESS, ...ACTIONS]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([ADDRESS, PLACE, ACTIONS[0] as string]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([PLACE, ...ACTIONS, ...HEADER]).bytes())).toEqual([]);
  });

  it("must be of one process", () => {
    const other = heapOf([ADDRESS], { pointerSize: 8 }).bytes();
    expect(tracesIn(concatBytes(heapOf([PLACE, ...ACTIONS, ...HEADER]).bytes(), other))).toEqual([]);
  });
});

describe("what is no config", () => {
  it("is an address of another service of the same process", () => {
    const [finding] = tracesIn(
      heapOf([PLACE, ADDRESS, "net.tcp://198.51.100.77:808/", ...ACTIONS, ...HEADER]).bytes(),
    );
    expect(finding?.c2).toEqual([`tcp://${PLACE}`]);
  });

  it("is a private address, a vendor's, or one without a port", () => {
    for (const place of [
      "127.0.0.1:19071",
      "localhost:808",
      "192.168.1.2:80",
      "login.live.com:443",
      "203.0.113.20",
    ])
      expect([
        place,
        tracesIn(heapOf([place, `net.tcp://${place}/`, ...ACTIONS, ...HEADER]).bytes()),
      ]).toEqual([place, []]);
  });

  it("is MetaStealer's", () => {
    expect(tracesIn(heapOf([PLACE, ADDRESS, ...ACTIONS, ...HEADER, "MSValue1"]).bytes())).toEqual([]);
  });

  it("is text: notes, a rule file, a #US heap, in one byte a character or two", () => {
    const all = [ADDRESS, PLACE, ...ACTIONS, ...HEADER];
    const text = `${all.join("\r\n")}\r\n${all.map((line, i) => `$s${i} = "${line}" wide`).join("\n")}`;
    expect(tracesIn(latin1Bytes(text))).toEqual([]);
    expect(tracesIn(utf16leBytes(text))).toEqual([]);
    expect(tracesIn(utf16leBytes(all.join("\0")))).toEqual([]);
    const us = all.flatMap((s) => [Uint8Array.of(2 * s.length + 1), utf16leBytes(s), Uint8Array.of(0)]);
    expect(tracesIn(concatBytes(...us))).toEqual([]);
  });
});

describe("what is made against us", () => {
  it("costs time linear in the window", () => {
    const strings = (...texts: string[]) => {
      const heap = new HeapWriter();
      for (const text of texts) heap.clrString(text);
      return heap.bytes();
    };
    for (const unit of [
      utf16leBytes("net.tcp://"),
      strings(ADDRESS),
      strings(ADDRESS, seal(PLACE, "Formidable"), TOKEN, "ns1"),
      latin1Bytes("http://tempuri.org/Entity/Id1\x9f"),
    ]) {
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
      const began = performance.now();
      tracesIn(bytes);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  it("may be cut anywhere without a throw", () => {
    const bytes = heapOf([PLACE, ADDRESS, ...ACTIONS, ...HEADER]).bytes();
    for (let cut = 0; cut < bytes.length; cut += 499) tracesIn(bytes.subarray(cut / 2, cut));
  });
});
