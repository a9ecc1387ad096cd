import { execFileSync, spawnSync } from "node:child_process";
import { deflateSync, gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import {
  type Junk,
  junk,
  toAplib,
  toBase64,
  toLznt1,
  withAp32,
  withCertificateData,
  withOverlay,
  withResources,
  withSectionData,
} from "@assay/carriers/wrap";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, hex, latin1Bytes, utf16leBytes } from "../../bytes/index.ts";
import { xor } from "../../codecs/index.ts";
import { classify, openImage } from "../../formats/index.ts";
import { applySteps, Ledger } from "../../model/index.ts";
import { Budget } from "../budget.ts";
import { AROUND_PE } from "./index.ts";

interface Peeled {
  readonly ledger: Ledger;
  /** Ids of all inner artifacts, parents first. */
  readonly ids: readonly number[];
  readonly codes: readonly string[];
}

/** Asks every layer, and again of what they give, as triage does. */
function peel(sample: Uint8Array): Peeled {
  const ledger = new Ledger(sample);
  const budget = new Budget();
  const ids: number[] = [];
  const codes: string[] = [];
  const queue = [{ view: ledger.sample, depth: 0 }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (next.depth > budget.limits.depth) continue;
    const image = openImage(next.view);
    const format = image.pe === undefined ? classify(next.view) : image.format;
    for (const layer of AROUND_PE) {
      const { inner, reasons } = layer.peel({ image, format, name: undefined, ledger, budget });
      codes.push(...reasons.map(({ code }) => code));
      for (const { view } of inner) {
        ids.push(view.artifact);
        queue.push({ view, depth: next.depth + 1 });
      }
    }
  }
  return { ledger, ids, codes };
}

/** The way to the artifact that is `wanted`; undefined when there is none. */
function wayTo({ ledger, ids }: Peeled, wanted: Uint8Array): string | undefined {
  const id = ids.find((one) => equalBytes(ledger.entries[one]?.view.bytes ?? new Uint8Array(0), wanted));
  return id === undefined ? undefined : ledger.chain(id).join(" > ");
}

const carriers = demoBatch();
const payload = carriers[0]?.bytes ?? new Uint8Array(0);
const noise = (size: number, seed = 7): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) ^ (i >> 5)).map(
    (b) => b & 0xff,
  );
const embedded = (data: Uint8Array): Uint8Array => concatBytes(noise(3333), data, noise(1111));
const KEY_64 = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 11) & 0xff);

describe("carve", () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["clear", payload, "PE32 exe at 0xd05"],
    ["XOR with one byte", xor(payload, Uint8Array.of(0x5f)), "> xor"],
    ["XOR with 0xff", xor(payload, Uint8Array.of(0xff)), "> xor"],
    ["XOR with a word", xor(payload, latin1Bytes("Password1")), "> xor"],
    ["XOR with UTF-16 text", xor(payload, utf16leBytes("secret")), "> xor"],
    ["XOR with 37 bytes", xor(payload, KEY_64.subarray(0, 37)), "> xor"],
    ["XOR with 64 bytes", xor(payload, KEY_64), "> xor"],
    ["base64", concatBytes(latin1Bytes('x="'), toBase64(payload), latin1Bytes('"')), "> base64"],
    [
      "base64 in UTF-16",
      utf16leBytes(`x='${Buffer.from(payload).toString("base64")}'`),
      "> utf16le > base64",
    ],
    [
      "base64, reversed",
      concatBytes(latin1Bytes("'"), toBase64(payload).reverse(), latin1Bytes("'")),
      "> reverse > base64",
    ],
    [
      "base64 in lines",
      latin1Bytes(`[${Buffer.from(payload).toString("base64").replace(/.{76}/g, "$&\r\n")}]`),
      "> base64",
    ],
    ["hex", latin1Bytes(`(${hex(payload)})`), "> hex"],
    ["hex, reversed", latin1Bytes(`(${[...hex(payload)].reverse().join("")})`), "> reverse > hex"],
    ["reversed", Uint8Array.from(payload).reverse(), "> reverse"],
    ["gzip", gzipSync(payload), "> gunzip"],
    ["zlib", deflateSync(payload), "> zlib"],
    ["aPLib", toAplib(payload), "> aplib"],
    ["aPLib with its header", withAp32(toAplib(payload), payload.length), "> aplib"],
    ["LZNT1", toLznt1(payload), "> lznt1"],
  ];

  it.each(cases)("finds a program within data: %s", (_, data, way) => {
    expect(wayTo(peel(embedded(data)), payload)).toContain(way);
  });

  it.each(cases)("finds a program in a resource: %s", (_, data) => {
    expect(wayTo(peel(withResources(noise(500), data)), payload)).toMatch(/resource RCDATA\/2/);
  });

  it.each(cases)("finds a program in an overlay: %s", (_, data) => {
    expect(wayTo(peel(withOverlay(withResources(noise(80)), embedded(data))), payload)).toMatch(/^overlay/);
  });
});

describe("inflated", () => {
  const MIB = 0x10_0000;
  const kinds: readonly Junk[] = ["zeros", "nops", "block"];

  it.each(kinds)("cuts %s in the overlay", (kind) => {
    const peeled = peel(withOverlay(payload, junk(kind, 5 * MIB)));
    const image = peeled.ledger.entries[1];
    expect(peeled.codes).toContain("inflated");
    expect(image?.view.length).toBeLessThan(payload.length + 0x2_0000);
    expect(
      equalBytes(
        (image?.view.bytes ?? new Uint8Array(0)).subarray(0x400, payload.length),
        payload.subarray(0x400),
      ),
    ).toBe(true);
  });

  it.each(kinds)("cuts %s at the end of a section, and what the family reads is unharmed", (kind) => {
    const { ledger } = peel(withSectionData(payload, 0, junk(kind, 5 * MIB)));
    const [before, after] = [
      openImage(new Ledger(payload).sample),
      openImage(new Ledger(ledger.entries[1]?.view.bytes ?? payload).sample),
    ];
    expect(after.view.length).toBeLessThan(payload.length + 0x2_0000);
    for (const region of before.regions.slice(1)) {
      const there = after.readRva(region.rva, region.size);
      expect(hex(there?.bytes ?? new Uint8Array(0))).toBe(
        hex(before.readRva(region.rva, region.size)?.bytes ?? noise(1)),
      );
    }
  });

  it.each(kinds)(
    "cuts %s out of the middle of the resources: what stands behind keeps its address",
    (kind) => {
      const host = withResources(payload, junk(kind, 5 * MIB), payload.subarray(0, payload.length - 512));
      const peeled = peel(host);
      expect(peeled.ledger.entries[1]?.view.length).toBeLessThan(3 * payload.length + 0x4_0000);
      expect(wayTo(peeled, payload)).toContain("inflated image > cut > patch > resource RCDATA/1");
      expect(wayTo(peeled, payload.subarray(0, payload.length - 512))).toContain("resource RCDATA/3");
    },
  );

  it("keeps what stands behind the padding", () => {
    const tail = embedded(payload);
    const peeled = peel(withOverlay(payload, concatBytes(junk("zeros", 5 * MIB), tail)));
    expect(wayTo(peeled, payload)).toContain("inflated image > cut > patch > overlay > PE32 exe");
  });

  it("says how the image is made again", () => {
    const sample = withOverlay(payload, junk("block", 5 * MIB));
    const { ledger } = peel(sample);
    const entry = ledger.entries[1];
    expect(hex(applySteps(entry?.steps ?? [], sample) ?? noise(1))).toBe(hex(entry?.view.bytes ?? noise(2)));
  });

  it("leaves a large file alone that repeats nothing", () => {
    expect(peel(withOverlay(payload, noise(2 * MIB))).codes).not.toContain("inflated");
  });

  it("cuts 300 MB down in little time, without a copy of them", () => {
    const sample = withOverlay(payload, junk("block", 300 * 1_000_000));
    const ledger = new Ledger(sample);
    const image = openImage(ledger.sample);
    const held = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    const counts = AROUND_PE.map(
      (layer) =>
        layer.peel({ image, format: image.format, name: undefined, ledger, budget: new Budget() }).inner
          .length,
    );
    expect(performance.now() - start).toBeLessThan(3000);
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(50_000_000);
    expect(counts).toEqual([1, 0, 0, 0, 0]);
  });
});

describe("certificate table", () => {
  it("gives what stands behind the signature", () => {
    const peeled = peel(withCertificateData(withResources(noise(90)), payload));
    expect(wayTo(peeled, payload)).toMatch(/^certificate table/);
    expect(peeled.codes).toEqual(["certificate-table-data"]);
  });

  it("gives what stands in place of certificates", () => {
    expect(wayTo(peel(withCertificateData(withResources(noise(90)), payload, true)), payload)).toBe(
      "certificate table",
    );
  });

  it("finds nothing in a table with a signature and its padding", () => {
    expect(peel(withCertificateData(payload, new Uint8Array(7))).ids).toEqual([]);
  });
});

describe("overlay", () => {
  it.each([
    ["NSIS", concatBytes(Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde), latin1Bytes("NullsoftInst"))],
    ["AutoIt", Uint8Array.from(Buffer.from("a3484bbe986c4aa9994c530a86d6487d", "hex"))],
    ["Inno Setup", latin1Bytes("zlb\x1a")],
    ["WinRAR SFX", latin1Bytes("Rar!\x1a\x07\x01\x00")],
  ])("names %s", (name, magic) => {
    const host = withOverlay(withResources(noise(90)), concatBytes(magic, noise(200)));
    const ledger = new Ledger(host);
    const image = openImage(ledger.sample);
    const out = AROUND_PE.map((layer) =>
      layer.peel({ image, format: image.format, name: undefined, ledger, budget: new Budget() }),
    );
    expect(out.flatMap(({ reasons }) => reasons.map(({ text }) => text)).join()).toContain(name);
    expect(out.flatMap(({ inner }) => inner.map(({ kind }) => kind))).toEqual(["overlay"]);
  });

  it("starts at the archive that stands behind a 7z SFX module's configuration", () => {
    const archive = concatBytes(Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4), noise(100));
    const config = latin1Bytes(';!@Install@!UTF-8!\r\nRunProgram="a.exe"\r\n;!@InstallEnd@!\r\n');
    expect(wayTo(peel(withOverlay(payload, concatBytes(config, archive))), archive)).toBe("overlay");
  });
});

describe("carve, damaged and truncated", () => {
  const erased = (from: number, to: number): Uint8Array => Uint8Array.from(payload).fill(0, from, to);
  it.each([
    ["MZ", erased(0, 2)],
    ["the PE signature", erased(0x80, 0x84)],
    [
      "MZ, DOS stub and PE signature",
      concatBytes(erased(0, 0x3c).subarray(0, 0x40), erased(0x40, 0x84).subarray(0x40)),
    ],
  ])("finds a program without %s", (_, data) => {
    expect(wayTo(peel(embedded(data)), data)).toContain("at 0xd05");
  });

  it("stops at the budget and says so", () => {
    const bomb = gzipSync(concatBytes(payload, new Uint8Array(40_000_000)));
    const ledger = new Ledger(embedded(bomb));
    const budget = new Budget({ depth: 8, artifacts: 10, bytes: 1_000_000, ratio: 200 });
    const codes = AROUND_PE.flatMap((layer) =>
      layer
        .peel({ image: openImage(ledger.sample), format: "data", name: undefined, ledger, budget })
        .reasons.map(({ code }) => code),
    );
    expect(codes).toContain("cut");
    expect(budget.cuts).toEqual(["bytes"]);
    expect(ledger.entries[1]?.view.length).toBe(1_000_000);
  });

  it("survives anything", () => {
    const bases = [
      embedded(xor(payload, latin1Bytes("key"))),
      withResources(toAplib(payload), toBase64(payload)),
      withCertificateData(payload, toLznt1(payload)),
      embedded(gzipSync(payload)),
    ];
    fc.assert(
      fc.property(
        fc.nat(bases.length - 1),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 40 }),
        (which, changes) => {
          const sample = Uint8Array.from(bases[which] ?? payload);
          for (const [place, value] of changes) sample[Math.floor(place ** 4 * (sample.length - 1))] = value;
          const { ledger } = peel(sample);
          return ledger.entries.length < 100;
        },
      ),
      { seed: 20261123, numRuns: 60 },
    );
  });
});

describe.skipIf(spawnSync("xz", ["--version"]).error !== undefined)("LZMA as xz writes it", () => {
  it("finds a program", () => {
    const packed = new Uint8Array(execFileSync("xz", ["--format=lzma", "-c"], { input: payload }));
    expect(wayTo(peel(withResources(packed)), payload)).toContain("resource RCDATA/1 > ");
  });
});
