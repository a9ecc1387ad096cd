import { type HeapOptions, HeapWriter } from "@assay/carriers/heap-writer";
import { QUASAR_CERTIFICATE, thumbprint } from "@assay/carriers/quasar";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes, utf16le, utf16leBytes } from "../../bytes/index.ts";
import { Ledger } from "../../model/index.ts";
import { tracesOf } from "../../triage/memory/traces.ts";
import { quasar } from "./quasar.ts";

const FAMILIES = [quasar];

function tracesIn(bytes: Uint8Array) {
  const ledger = new Ledger(bytes);
  return tracesOf(FAMILIES, ledger.sample, undefined, false, ledger).findings;
}

const HOSTS = "c2.quasar.example:4782;[2001:db8::7]:8443;203.0.113.9:1604;";
const C2 = ["tcp://c2.quasar.example:4782", "tcp://[2001:db8::7]:8443", "tcp://203.0.113.9:1604"];
const GUID = "5f1c7a3e-0b52-4b61-9a54-1c2f0d9b7e11";

/** In the order of Settings.Initialize at tag v1.4.1. */
const SETTINGS_1_4 = ["Spring24", "1.4.1", HOSTS, "Sub", "svc.exe", GUID, "Updater", "Journal"];
/** At tag v1.3.0.0, all defaults. */
const SETTINGS_1_3 = [
  "Office04",
  "1.3.0.0",
  HOSTS,
  "SubDir",
  "Client.exe",
  "QSR_MUTEX_M6ajmD3hhoJo7CTsvN",
  "Quasar Client Startup",
  "Logs",
];

function heapOf(settings: readonly string[], options: HeapOptions = {}, garbage = 40): HeapWriter {
  const heap = new HeapWriter(options).clrObjects(500);
  for (const name of ["System.Security.Cryptography", "mscorlib", "1.0.0.0", "SHA256"]) heap.clrString(name);
  for (const text of settings) {
    heap.clrObjects(garbage);
    if (text !== "") heap.clrString(text);
  }
  return heap.clrObjects(500);
}

describe.each([
  ["32-bit", { pointerSize: 4 }, 40],
  ["64-bit", { pointerSize: 8 }, 40],
  ["compacted 32-bit", { pointerSize: 4 }, 0],
  ["compacted 64-bit", { pointerSize: 8 }, 0],
] as const)("a %s heap of a client of 1.3", (_, options, garbage) => {
  const bytes = heapOf(SETTINGS_1_3, options, garbage).bytes();
  const [finding, ...more] = tracesIn(bytes);

  it("yields its hosts once, as heuristic", () => {
    expect(more).toEqual([]);
    expect(finding?.c2).toEqual(C2);
    expect([finding?.layout, finding?.confidence, finding?.version]).toEqual([
      "memory",
      "heuristic",
      "1.3.0.0",
    ]);
  });

  it("names settings by the order in which they are decrypted, and says so", () => {
    expect(finding?.config.campaign_id).toEqual(["Office04"]);
    expect(finding?.config.mutex).toEqual(["QSR_MUTEX_M6ajmD3hhoJo7CTsvN"]);
    expect(finding?.config.other).toMatchObject({
      SUBDIRECTORY: "SubDir",
      INSTALLNAME: "Client.exe",
      STARTUPKEY: "Quasar Client Startup",
      LOGDIRECTORYNAME: "Logs",
    });
    expect(finding?.reasons.map(({ code }) => code)).toContain("told-by-order");
  });

  it("points at the characters of every value", () => {
    const ledger = new Ledger(bytes);
    for (const { pointer, at, as } of finding?.evidence ?? []) {
      const text = utf16le(ledger.read(at) ?? new Uint8Array(0));
      if (pointer === "/c2/0") expect(text).toBe("c2.quasar.example:4782");
      if (as === "utf16le" && pointer === "/config/mutex/0") expect(text).toBe(SETTINGS_1_3[5]);
    }
  });
});

describe("a client of 1.4", () => {
  it("is told by the thumbprint of the certificate beside it, whatever its operator changed", () => {
    const heap = heapOf(SETTINGS_1_4);
    heap.clrString(thumbprint(QUASAR_CERTIFICATE));
    heap.clrObjects(20).clrString(QUASAR_CERTIFICATE);
    const [finding] = tracesIn(heap.bytes());
    expect(finding?.c2).toEqual(C2);
    expect(finding?.config.campaign_id).toEqual(["Spring24"]);
    expect(finding?.config.mutex).toEqual([GUID]);
    expect(finding?.config.other).toMatchObject({
      ENCRYPTIONKEY: thumbprint(QUASAR_CERTIFICATE),
      certificate_matches_key: true,
    });
    expect(finding?.reasons.find(({ code }) => code === "memory-strings")?.text).toContain("thumbprint");
  });

  it("is told by its version and the order of its settings alone", () => {
    expect(tracesIn(heapOf(SETTINGS_1_4).bytes())[0]?.c2).toEqual(C2);
  });

  it("may lack settings: an empty string is not on the heap, and what may be another is left unnamed", () => {
    const signature = "A".repeat(683).concat("=");
    const [finding] = tracesIn(
      heapOf(["Spring24", "1.4.1", HOSTS, "", "svc.exe", GUID, "", "Journal", signature]).bytes(),
    );
    expect(finding?.config.mutex).toEqual([GUID]);
    expect(Object.keys(finding?.config.other ?? {})).toEqual(["INSTALLNAME"]);
  });
});

describe("settings with strings of another thread between them", () => {
  const mixed = SETTINGS_1_4.flatMap((text, i) => [`thread ${i}`, text, "mscorlib"]);
  const [finding] = tracesIn(heapOf(mixed).bytes());

  it("are told by their order, but only those named whose form tells them", () => {
    expect([finding?.c2, finding?.version, finding?.config.mutex]).toEqual([C2, "1.4.1", [GUID]]);
    expect(finding?.config.campaign_id).toBeUndefined();
    expect(Object.keys(finding?.config.other ?? {})).toEqual(["INSTALLNAME"]);
    expect(finding?.reasons.map(({ code }) => code)).toContain("told-by-form");
  });

  it("are not told when they stand the other way round", () => {
    expect(tracesIn(heapOf([...mixed].reverse()).bytes())).toEqual([]);
  });
});

describe("strings out of order", () => {
  const shuffled = [
    "Quasar Client Startup",
    "Logs",
    HOSTS,
    "QSR_MUTEX_M6ajmD3hhoJo7CTsvN",
    "Office04",
    "1.3.0.0",
  ];
  const [finding] = tracesIn(heapOf(shuffled).bytes());

  it("still tell the C2s, but no setting that only its place would name", () => {
    expect(finding?.c2).toEqual(C2);
    expect(finding?.config.campaign_id).toBeUndefined();
    expect(finding?.config.mutex).toEqual(["QSR_MUTEX_M6ajmD3hhoJo7CTsvN"]);
    expect(finding?.reasons.map(({ code }) => code)).toContain("told-by-form");
  });
});

describe("what is no config", () => {
  it("is a host list beside fewer than two facts, or beside none of Quasar's own", () => {
    expect(tracesIn(heapOf([HOSTS, "1.4.1"]).bytes())).toEqual([]);
    expect(tracesIn(heapOf([HOSTS, "Quasar Client Startup"]).bytes())).toEqual([]);
    expect(
      tracesIn(heapOf([HOSTS, GUID, "1.4.1", "svc.exe", "26A6C07FE7354BCD244B108D2E3538DCF04477F5"]).bytes()),
    ).toEqual([]);
  });

  it("is a list without a public host", () => {
    for (const hosts of [
      "127.0.0.1:4782;",
      "localhost:4782;192.168.0.7:4782;",
      "crl.microsoft.com:80;",
      "a.zzzz:1;",
    ]) {
      const settings = SETTINGS_1_3.map((text) => (text === HOSTS ? hosts : text));
      expect([hosts, tracesIn(heapOf(settings).bytes())]).toEqual([hosts, []]);
    }
  });

  it("is a list among strings of another process, whose type word differs", () => {
    const other = heapOf(SETTINGS_1_3.filter((text) => text !== HOSTS)).bytes();
    const list = new HeapWriter({ pointerSize: 8 });
    list.clrString(HOSTS);
    expect(tracesIn(concatBytes(other, list.bytes()))).toEqual([]);
  });

  it("is text: a note, a rule file, a #US heap, in one byte a character or two", () => {
    const text = `${SETTINGS_1_3.join("\r\n")}\r\n${SETTINGS_1_4.join("\r\n")}\r\n$a = "QSR_MUTEX_" wide\r\n`;
    expect(tracesIn(latin1Bytes(text))).toEqual([]);
    expect(tracesIn(utf16leBytes(text))).toEqual([]);
    expect(tracesIn(utf16leBytes(text.replaceAll("\r\n", "\0")))).toEqual([]);
    const us = SETTINGS_1_3.flatMap((s) => [
      Uint8Array.of(2 * s.length + 1),
      utf16leBytes(s),
      Uint8Array.of(0),
    ]);
    expect(tracesIn(concatBytes(...us))).toEqual([]);
  });

  it("is a list that lies farther away than one decryption leaves room for", () => {
    const heap = heapOf(SETTINGS_1_3.filter((text) => text !== HOSTS)).zeros(0x80000);
    heap.clrString(HOSTS);
    expect(tracesIn(heap.bytes())).toEqual([]);
  });
});

describe("what is made against us", () => {
  it("costs time linear in the window", () => {
    const units = ["QSR_MUTEX_", "MIIE", "QSR_MUTEX_1:2;\0\0", "1:2;\0\0"].map(utf16leBytes);
    const list = new HeapWriter();
    list.clrString("Quasar Client Startup");
    list.clrString("a.example:1;");
    for (const unit of [...units, list.bytes()]) {
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
      const began = performance.now();
      tracesIn(bytes);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  it("may be cut anywhere without a throw", () => {
    const bytes = heapOf(SETTINGS_1_4).bytes();
    for (let cut = 0; cut < bytes.length; cut += 997) tracesIn(bytes.subarray(0, cut));
    for (let cut = 0; cut < 8; cut++) tracesIn(bytes.subarray(cut));
  });
});
