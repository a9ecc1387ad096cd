import { writeCfb } from "@assay/carriers/cfb-writer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1Bytes, View } from "../bytes/index.ts";
import { type Cfb, parseCfb } from "./cfb.ts";

const large = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) & 0xff);
const small = latin1Bytes("Attribute VB_Name");
const file = writeCfb({
  "VBA/dir": small,
  "VBA/ThisDocument": large,
  WordDocument: latin1Bytes("word"),
  empty: new Uint8Array(0),
});

function read(bytes: Uint8Array): Cfb {
  const parsed = parseCfb(new View(bytes));
  if (!parsed.ok) throw new Error(`${parsed.error.code} ${parsed.error.field}`);
  return parsed.value;
}

function readAll(bytes: Uint8Array): number {
  const parsed = parseCfb(new View(bytes));
  return parsed.ok ? parsed.value.entries.reduce((sum, entry) => sum + entry.bytes().length, 0) : 0;
}

const u32 = (bytes: Uint8Array, at: number, value: number): void =>
  new DataView(bytes.buffer).setUint32(at, value, true);

describe("compound files", () => {
  it("give every stream under its path, small and large alike", () => {
    const { entries, anomalies } = read(file);
    expect(anomalies).toEqual([]);
    expect(entries.map((entry) => entry.path)).toEqual([
      "VBA",
      "WordDocument",
      "empty",
      "VBA/dir",
      "VBA/ThisDocument",
    ]);
    expect(entries[3]?.bytes()).toEqual(small);
    expect(entries[4]?.bytes()).toEqual(large);
    expect(entries[2]?.bytes().length).toBe(0);
  });

  it("say where a stream's bytes lie", () => {
    const dir = read(file).entries.find((entry) => entry.name === "dir");
    const [span] = dir?.spans() ?? [];
    expect(span).toEqual({ artifact: 0, offset: file.indexOf(0x41, 512 + 10_240), length: small.length });
  });

  it("name the class of the root", () => {
    const clsid = Uint8Array.of(0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46);
    expect(read(writeCfb({ a: small }, { clsid })).clsid).toBe("000C1084-0000-0000-C000-000000000046");
  });

  it("keep streams that no directory link reaches, as orphans", () => {
    const bytes = file.slice();
    const root = 512 * (1 + (new View(bytes).u32(48) as number));
    u32(bytes, root + 76, 0xffff_ffff);
    const orphans = read(bytes).entries;
    expect(orphans.map((entry) => [entry.path, entry.orphan])).toContainEqual(["ThisDocument", true]);
  });

  it("end a FAT chain that loops, and say so", () => {
    const bytes = file.slice();
    const fat = 512 * (1 + (new View(bytes).u32(76) as number));
    for (let i = 0; i < 128; i++) u32(bytes, fat + 4 * i, i % 3);
    const parsed = parseCfb(new View(bytes));
    if (parsed.ok) expect(parsed.value.anomalies).toContain("FAT chain loops");
    expect(readAll(bytes)).toBeLessThan(bytes.length * 2);
  });

  it("cut streams off that all claim the same sectors", () => {
    const streams: Record<string, Uint8Array> = { big: new Uint8Array(400_000).fill(1) };
    for (let i = 0; i < 1000; i++) streams[`s${i}`] = new Uint8Array(0);
    const bytes = writeCfb(streams);
    const directory = 512 * (1 + (new View(bytes).u32(48) as number));
    for (let i = 1; i <= 1001; i++) {
      u32(bytes, directory + 128 * i + 116, 0);
      u32(bytes, directory + 128 * i + 120, 400_000);
    }
    expect(readAll(bytes)).toBeLessThan(bytes.length * 5);
  });

  it("read what is there of a truncated file", () => {
    const data = new Uint8Array(100_000).fill(3);
    const whole = writeCfb({ data });
    const { entries } = read(whole.slice());
    expect(entries[0]?.bytes()).toEqual(data);
    for (const cut of [0, 8, 511, 512, 5000, whole.length - 600]) readAll(whole.subarray(0, cut));
  });

  it("are refused when they are something else", () => {
    const parsed = parseCfb(new View(new Uint8Array(600)));
    expect(parsed).toMatchObject({ ok: false, error: { code: "bad-magic" } });
  });

  it("never throw, hang or grow on corrupted bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        fc.nat(file.length),
        (edits, cut) => {
          const bytes = file.slice(0, cut < 8 ? file.length : cut);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          expect(readAll(bytes)).toBeLessThanOrEqual(bytes.length * 5 + 4096);
        },
      ),
      { numRuns: Number(process.env.ASSAY_FUZZ ?? 300), seed: 7 },
    );
  });
});
