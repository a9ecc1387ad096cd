/** Bombs and traps: each ends inside its budget, says what was cut off, and leaves nothing behind. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { demoBatch } from "@assay/carriers/demo";
import { buildPe } from "@assay/carriers/pe-writer";
import { DEFAULT_LIMITS } from "@assay/core/layers/budget";
import type { Sample } from "@assay/core/model/index";
import { analyse } from "@assay/core/triage/analyse";
import { beforeAll, describe, expect, it } from "vitest";
import { type Analyser, createAnalyser, createPorts, kit } from "./analyser.ts";

let analyser: Analyser;
beforeAll(async () => {
  analyser = await createAnalyser();
});

const codes = (sample: Sample): string[] => sample.reasons.map((reason) => reason.code);
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`./containers/fixtures/${name}`, import.meta.url))));
const carrier = (): Uint8Array => demoBatch()[4]?.bytes ?? new Uint8Array();

/** CRC-32 as zip has it. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** A zip of stored members, under any names. */
function storedZip(members: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of members) {
    const label = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(label.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, label, content]);
    const central = Buffer.concat([
      Buffer.from("PK\x01\x02"),
      Buffer.from([20, 0]),
      common,
      Buffer.alloc(14),
      label,
    ]);
    central.writeUInt32LE(at, 42);
    parts.push(local);
    directory.push(central);
    at += local.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  const count = Math.min(members.length, 0xffff);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

describe("archives", () => {
  it("nested deeper than is followed: the depth is said, not passed over", async () => {
    let nested: Uint8Array = new Uint8Array(gzipSync(carrier()));
    for (let i = 0; i < DEFAULT_LIMITS.depth + 2; i++) nested = storedZip([[`${i}.zip`, nested]]);
    const sample = await analyser.analyseBytes(nested, "deep.zip");
    expect(sample.findings).toEqual([]);
    expect(sample.outcome).toBe("failed");
    expect(sample.reasons.map((reason) => reason.text).join()).toContain("--max-depth");
  });

  it("as deep as is allowed: the config comes out", async () => {
    let nested = carrier();
    for (let i = 0; i < DEFAULT_LIMITS.depth; i++) nested = storedZip([[`${i}.bin`, nested]]);
    expect((await analyser.analyseBytes(nested, "deep.zip")).outcome).toBe("config");
  });

  it("one that holds itself ends at once", async () => {
    const ports = await createPorts();
    const self = storedZip([["again.zip", new Uint8Array(8)]]);
    let opened = 0;
    const openContainer = async () => {
      opened++;
      return { members: [{ name: "again.zip", bytes: self, step: { op: "zip" } }], reasons: [] };
    };
    await analyse(self, ["quine.zip"], kit, { ...ports, openContainer });
    expect(opened).toBe(1);
  });

  it("2 GiB of zeros in 300 KB are not unpacked", async () => {
    const sample = await analyser.analyseBytes(fixture("bomb.7z"), "bomb.7z");
    expect(sample.outcome).toBe("failed");
    expect(codes(sample)).toContain("budget");
  });

  it("names that climb out of folders are names and nothing else", async () => {
    const before = readdirSync(".").length;
    const bytes = storedZip([
      ["../../../../tmp/assay-was-here.exe", carrier()],
      ["C:\\Windows\\evil.exe", new Uint8Array(4)],
      ["nul\0x", new Uint8Array(4)],
    ]);
    const sample = await analyser.analyseBytes(bytes, "slip.zip");
    expect(sample.outcome).toBe("config");
    expect(readdirSync(".").length).toBe(before);
    expect(readdirSync("/tmp")).not.toContain("assay-was-here.exe");
  });

  it("links in a tar lead nowhere", async () => {
    const sample = await analyser.analyseBytes(fixture("tar-links.tar"), "links.tar");
    expect(JSON.stringify(sample)).not.toContain("root:");
    expect(codes(sample)).toContain("links-ignored");
  });

  it("100,000 entries: as many as are kept, and the rest is said", async () => {
    const empty = Uint8Array.of(1);
    const bytes = storedZip(Array.from({ length: 65_000 }, (_, i) => [`${i}`, empty] as const));
    const sample = await analyser.analyseBytes(bytes, "many.zip");
    expect(sample.outcome).toBe("failed");
    expect(codes(sample)).toContain("budget");
  }, 60_000);
});

describe("programs", () => {
  it("65,535 sections", async () => {
    const bytes = Uint8Array.from(carrier());
    const view = new DataView(bytes.buffer);
    view.setUint16(view.getUint32(0x3c, true) + 6, 0xffff, true);
    expect((await analyser.analyseBytes(bytes, "sections.exe")).outcome).toBeTypeOf("string");
  });

  it("a resource directory that leads back to itself", async () => {
    const bytes = Uint8Array.from(
      buildPe({ sections: [], resources: [{ type: 10, name: "A", language: 0, data: new Uint8Array(64) }] }),
    );
    const at = Buffer.from(bytes).indexOf(".rsrc");
    const view = new DataView(bytes.buffer);
    const raw = view.getUint32(at + 20, true);
    // The first entry's subdirectory is the root.
    view.setUint32(raw + 16 + 4, 0x8000_0000, true);
    expect((await analyser.analyseBytes(bytes, "loop.exe")).findings).toEqual([]);
  });

  it("text made to make pattern matching explode", async () => {
    for (const unit of ["a.", "((((", "`", "%a", "+'", "aA0=", "<a ", "=\r\n"]) {
      const bytes = new Uint8Array(Buffer.alloc(1_000_000, unit));
      for (const name of ["a.txt", "a.ps1", "a.js", "a.bat", "a.vbs", "a.hta", "a.eml"]) {
        expect((await analyser.analyseBytes(bytes, name)).findings).toEqual([]);
      }
    }
  }, 120_000);
});
