import { readFileSync } from "node:fs";
import { buildPe } from "@assay/carriers/pe-writer";
import { remcosCarriers } from "@assay/carriers/remcos";
import { packUpx, type UpxOptions } from "@assay/carriers/upx-pack";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latin1Bytes } from "../../bytes/index.ts";
import type { Image } from "../../formats/image.ts";
import { openImage } from "../../formats/index.ts";
import { Ledger } from "../../model/index.ts";
import { Budget, DEFAULT_LIMITS } from "../budget.ts";
import { upx } from "./upx.ts";

function peel(file: Uint8Array, budget = new Budget()) {
  const ledger = new Ledger(file);
  const image = openImage(ledger.sample);
  const output = upx.peel({ image, format: image.format, name: undefined, ledger, budget });
  const inner = output.inner[0];
  return {
    ...output,
    ledger,
    image: inner && openImage(inner.view),
    codes: output.reasons.map((r) => r.code),
  };
}

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../formats/pe/fixtures/${name}`, import.meta.url)));

/** Code with calls, jumps and long conditional jumps, so that filters have something to do. */
function code(): Uint8Array {
  const bytes = new Uint8Array(0x1800).fill(0x90);
  const data = new DataView(bytes.buffer);
  for (let at = 0; at < 0x1700; at += 24) {
    bytes.set([0xe8, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0x0f, 0x85], at);
    data.setInt32(at + 1, 0x200 - at, true);
    data.setInt32(at + 6, 0x300 - at, true);
    data.setInt32(at + 12, 0x400 - at, true);
  }
  return bytes;
}

const program = (is64: boolean) =>
  buildPe({
    is64,
    sections: [{ name: ".text", data: code() }],
    imports: { "KERNEL32.dll": ["ExitProcess", "Sleep"], "USER32.dll": ["MessageBoxA"] },
    resources: [
      { type: 10, name: "SETTINGS", data: latin1Bytes("the settings") },
      { type: 10, name: 101, data: new Uint8Array(500).fill(7) },
      { type: 24, name: 1, data: latin1Bytes("<assembly/>") },
    ],
    overlay: latin1Bytes("overlay"),
  });

function sectionBytes(image: Image, name: string): Uint8Array | undefined {
  const section = image.pe?.sections.find((s) => s.name === name);
  return section && image.readRva(section.virtualAddress, section.sizeOfRawData)?.bytes;
}

const resourcesOf = (image: Image) =>
  image.resources.map(({ type, name, language, rva, data }) => [type, name, language, rva, data.bytes]);
const importsOf = (image: Image) =>
  image.imports.map(({ name, functions }) => [name, functions.map((f) => f.name ?? f.ordinal)]);

const METHODS = ["nrv2b", "nrv2d", "nrv2e", "lzma"] as const;

describe("the UPX layer", () => {
  for (const is64 of [false, true])
    for (const method of METHODS)
      it(`gives back a ${is64 ? "PE32+" : "PE32"} that ${method} compressed`, () => {
        const original = openImage(new Ledger(program(is64)).sample);
        const { image, codes, ledger } = peel(packUpx(program(is64), { method, filter: 0x49 }));
        if (image === undefined) throw new Error("nothing unpacked");
        expect(codes).toEqual([]);
        expect(ledger.entries[1]).toMatchObject({
          kind: "unpacked",
          source: "UPX data",
          steps: [{ op: "upx", params: { method, filter: "49", checksums: "hold" } }],
        });
        for (const name of [".text", ".rsrc"])
          expect(sectionBytes(image, name)).toEqual(sectionBytes(original, name));
        expect(image.pe?.sections).toEqual(original.pe?.sections);
        expect(image.pe?.addressOfEntryPoint).toBe(original.pe?.addressOfEntryPoint);
        expect(importsOf(image)).toEqual(importsOf(original));
        expect(resourcesOf(image)).toEqual(resourcesOf(original));
        expect(image.overlay?.bytes).toEqual(latin1Bytes("overlay"));
      });

  it.each(["hello32.exe", "hello64.exe", "lib32.dll", "lib64.dll"])(
    "gives back %s: imports, exports, relocations, resources",
    (name) => {
      const original = openImage(new Ledger(fixture(name)).sample);
      const { image, codes } = peel(packUpx(fixture(name), { method: "nrv2e", keepNames: true }));
      if (image === undefined) throw new Error("nothing unpacked");
      expect(codes).toEqual([]);
      expect(importsOf(image)).toEqual(importsOf(original));
      expect(image.exports).toEqual(original.exports);
      expect(resourcesOf(image)).toEqual(resourcesOf(original));
      for (const section of original.pe?.sections ?? [])
        if (section.name !== ".idata")
          expect([section.name, sectionBytes(image, section.name)]).toEqual([
            section.name,
            sectionBytes(original, section.name),
          ]);
    },
  );

  it("undoes each filter that UPX picks for PE", () => {
    const text = sectionBytes(openImage(new Ledger(program(false)).sample), ".text");
    for (const filter of [0x24, 0x26, 0x46, 0x49])
      for (const header of ["whole", "wiped"] as const) {
        const { image } = peel(packUpx(program(false), { method: "nrv2b", filter, header }));
        expect(image && sectionBytes(image, ".text")).toEqual(text);
      }
  });

  it("does without the header, its magic and the section names", () => {
    const whole = peel(packUpx(program(true), { method: "nrv2e", filter: 0x49 })).image?.view.bytes;
    for (const method of METHODS)
      for (const header of ["magic", "wiped"] as const) {
        const sectionNames = [".text", ".data", ".rsrc"] as const;
        const packed = packUpx(program(true), { method, filter: 0x49, header, sectionNames });
        const { image, codes } = peel(packed);
        expect(codes).toEqual(["upx-header"]);
        expect(image?.view.bytes).toEqual(whole);
      }
  });

  it("finds the stub when the entry point leads elsewhere", () => {
    const packed = packUpx(program(false), { method: "nrv2d", header: "wiped" });
    new DataView(packed.buffer).setUint32(0x80 + 40, 0x10, true);
    expect(peel(packed).image?.pe?.sections.map((s) => s.name)).toEqual([".text", ".idata", ".rsrc"]);
  });

  it("says when Adler-32 does not hold, and accepts what its structure proves", () => {
    const { image, codes, ledger } = peel(packUpx(program(false), { method: "nrv2e", wrongAdler: true }));
    expect(codes).toEqual(["upx-checksum"]);
    expect(ledger.entries[1]?.steps[0]?.params?.checksums).toBe("differ");
    expect(image?.pe).toBeDefined();
  });

  it("names what it cannot unpack, and makes nothing of it", () => {
    const { inner, codes } = peel(packUpx(program(false), { method: "lzma", corruptAt: 40 }));
    expect([inner, codes]).toEqual([[], ["packer"]]);
  });

  it("keeps the config of a packed Remcos where its extractor looks", () => {
    for (const carrier of remcosCarriers())
      for (const method of METHODS) {
        const { image } = peel(packUpx(carrier.bytes, { method, filter: 0x26 }));
        const original = openImage(new Ledger(carrier.bytes).sample);
        expect(image && resourcesOf(image)).toEqual(resourcesOf(original));
      }
  });

  it("stops at the budget and says so", () => {
    const packed = packUpx(program(false), { method: "nrv2b" });
    const budget = new Budget({ ...DEFAULT_LIMITS, bytes: 1000 });
    expect(peel(packed, budget).codes).toEqual(["limit"]);
    expect(budget.cuts).not.toEqual([]);
    const none = new Budget({ ...DEFAULT_LIMITS, artifacts: 0 });
    expect(peel(packed, none).inner).toEqual([]);
  });

  it("lets what is not UPX pass", () => {
    for (const file of [
      program(true),
      fixture("hello32.exe"),
      latin1Bytes("UPX! and text"),
      new Uint8Array(0),
    ])
      expect(peel(file)).toMatchObject({ inner: [], reasons: [] });
  });

  it("survives any damage", () => {
    const packed = METHODS.map((method) =>
      packUpx(program(false), { method, filter: 0x26 } satisfies UpxOptions),
    );
    const edit = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(
        fc.nat(METHODS.length - 1),
        fc.array(edit, { minLength: 1, maxLength: 12 }),
        (which, edits) => {
          const file = (packed[which] as Uint8Array).slice();
          for (const [at, value] of edits) file[at % file.length] = value;
          const { inner } = peel(file);
          expect(inner.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  });
});
