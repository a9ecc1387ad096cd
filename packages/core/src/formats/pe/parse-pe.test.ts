import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { View } from "../../bytes/index.ts";
import { edited } from "./fixtures/edit.ts";
import type { Pe } from "./model.ts";
import { parsePe } from "./parse-pe.ts";

const fixture = (name: string) => new View(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const hello32 = fixture("hello32.exe");
const hello64 = fixture("hello64.exe");

/** Where hello32.exe keeps them: e_lfanew is 0x80, the optional header behind it at 0x98, the section table at 0x178. */
const OPTIONAL = 0x98;
const SECTIONS = 0x178;

function pe(view: View): Pe {
  const parsed = parsePe(view);
  if (!parsed.ok) throw new Error(parsed.error.field);
  return parsed.value;
}

const codes = (view: View) => pe(view).anomalies.map((anomaly) => anomaly.code);

describe("parsePe", () => {
  it("reads the headers of a PE32 program as objdump does", () => {
    expect(pe(hello32)).toMatchObject({
      lfanew: 0x80,
      machine: 0x14c,
      is64: false,
      timeDateStamp: 0,
      characteristics: 0x30e,
      sizeOfOptionalHeader: 0xe0,
      subsystem: 2,
      dllCharacteristics: 0x140,
      imageBase: 0x400000n,
      addressOfEntryPoint: 0x1000,
      sectionAlignment: 0x1000,
      fileAlignment: 0x200,
      sizeOfImage: 0xb000,
      sizeOfHeaders: 0x400,
      checkSum: 0x7210,
      anomalies: [],
    });
  });

  it("reads the headers of a PE32+ program as objdump does", () => {
    expect(pe(hello64)).toMatchObject({
      machine: 0x8664,
      is64: true,
      characteristics: 0x22e,
      sizeOfOptionalHeader: 0xf0,
      dllCharacteristics: 0x160,
      imageBase: 0x140000000n,
      addressOfEntryPoint: 0x1000,
      sizeOfImage: 0xa000,
      checkSum: 0x2c36,
      anomalies: [],
    });
  });

  it("reads sections and data directories", () => {
    const { sections, dataDirectories } = pe(hello32);
    expect(sections.map((section) => section.name)).toEqual([
      ".text",
      ".data",
      ".rdata",
      ".buildid",
      ".bss",
      ".idata",
      ".rsrc",
      ".reloc",
    ]);
    expect(sections[6]).toEqual({
      name: ".rsrc",
      virtualSize: 0x2d8,
      virtualAddress: 0x9000,
      sizeOfRawData: 0x400,
      pointerToRawData: 0xe00,
      characteristics: 0xc0000040,
    });
    expect(dataDirectories).toHaveLength(16);
    expect(dataDirectories[1]).toEqual({ virtualAddress: 0x8000, size: 0xd4 });
    expect(dataDirectories[2]).toEqual({ virtualAddress: 0x9000, size: 0x2d8 });
  });

  it("says that something else is not a PE", () => {
    expect(parsePe(new View(new Uint8Array(4096)))).toMatchObject({
      ok: false,
      error: { code: "bad-magic" },
    });
    expect(parsePe(new View(new Uint8Array(0)))).toMatchObject({ ok: false, error: { code: "bad-magic" } });
  });

  it("gives up the sections that a truncated file lacks, and only then the PE", () => {
    let last = 0;
    for (let length = 0; length <= hello32.length; length++) {
      const parsed = parsePe(hello32.clip(0, length));
      expect(parsed.ok).toBe(length >= OPTIONAL + 96);
      const sections = parsed.ok ? parsed.value.sections.length : 0;
      expect(sections).toBeGreaterThanOrEqual(last);
      last = sections;
    }
    expect(last).toBe(8);
    expect(codes(hello32.clip(0, SECTIONS + 100))).toContain("section-table-cut");
    expect(codes(hello32.clip(0, OPTIONAL + 100))).toContain("directories-cut");
  });
});

describe("parsePe on damaged headers", () => {
  const erasures: readonly (readonly [string, View, readonly string[]])[] = [
    ["MZ", edited(hello32, [0, 2, 0]), ["no-mz"]],
    ["the PE signature", edited(hello32, [0x80, 4, 0]), ["no-pe-signature"]],
    ["MZ and the PE signature", edited(hello32, [0, 2, 0], [0x80, 4, 0]), ["no-mz", "no-pe-signature"]],
    ["e_lfanew", edited(hello32, [0x3c, 4, 0]), ["e-lfanew"]],
    [
      "MZ, e_lfanew and the PE signature",
      edited(hello32, [0, 2, 0], [0x3c, 4, 0], [0x80, 4, 0]),
      ["no-mz", "e-lfanew", "no-pe-signature"],
    ],
    ["e_lfanew, past the end,", edited(hello32, [0x3c, 4, 0xfffffff0]), ["e-lfanew"]],
  ];
  for (const [what, view, anomalies] of erasures) {
    it(`finds them with ${what} gone`, () => {
      const { anomalies: found, ...rest } = pe(view);
      const { anomalies: _, ...whole } = pe(hello32);
      expect(rest).toEqual(whole);
      expect(found.map((anomaly) => anomaly.code)).toEqual(anomalies);
    });
  }

  it("finds PE32+ ones by structure as well", () => {
    const wiped = edited(hello64, [0, 2, 0], [0x3c, 4, 0], [0x80, 4, 0]);
    expect(pe(wiped).sections).toEqual(pe(hello64).sections);
  });

  it("leaves alone the headers of an image that stands further in", () => {
    const bytes = new Uint8Array(0x100 + hello32.length);
    bytes.set(hello32.bytes, 0x100);
    expect(parsePe(new View(bytes)).ok).toBe(false);
  });
});

describe("anomalies", () => {
  const cases: readonly (readonly [string, View])[] = [
    ["zero-sections", edited(hello32, [0x86, 2, 0])],
    ["section-table-cut", edited(hello32, [0x86, 2, 0xffff])],
    ["number-of-rva-and-sizes", edited(hello32, [OPTIONAL + 92, 4, 0x7fffffff])],
    ["size-of-optional-header", edited(hello32, [0x94, 2, 0x60])],
    ["machine", edited(hello32, [0x84, 2, 0x1234])],
    ["low-alignment", edited(hello32, [OPTIONAL + 36, 4, 0x10])],
    ["file-alignment", edited(hello32, [OPTIONAL + 36, 4, 0x300])],
    ["section-alignment", edited(hello32, [OPTIONAL + 32, 4, 0x1001])],
    ["image-base", edited(hello32, [OPTIONAL + 28, 4, 0x400001])],
    ["image-base", edited(hello64, [OPTIONAL + 24, 4, 0], [OPTIONAL + 28, 4, 0xffff_8000])],
    ["size-of-headers", edited(hello32, [OPTIONAL + 60, 4, 0x20])],
    ["directory-outside", edited(hello32, [OPTIONAL + 96 + 8, 4, 0x10000000])],
    ["entry-point", edited(hello32, [OPTIONAL + 16, 4, 0x5fffff])],
    ["section-overlap", edited(hello32, [SECTIONS + 40 + 12, 4, 0x1000])],
    ["section-past-end", edited(hello32, [SECTIONS + 20, 4, 0x100000])],
    ["section-past-end", hello32.clip(0, 0x1000)],
    ["section-pointer", edited(hello32, [SECTIONS + 20, 4, 0x410])],
  ];
  for (const [code, view] of cases) {
    it(`notes ${code}`, () => expect(codes(view)).toContain(code));
  }

  it("keeps 16 data directories when more are stated", () => {
    expect(pe(edited(hello32, [OPTIONAL + 92, 4, 0x7fffffff])).dataDirectories).toHaveLength(16);
    expect(pe(edited(hello32, [OPTIONAL + 92, 4, 3])).dataDirectories).toHaveLength(3);
  });

  it("points at the field", () => {
    const [anomaly] = pe(edited(hello32, [0x84, 2, 0x1234])).anomalies;
    expect(anomaly?.at).toEqual({ artifact: 0, offset: 0x84, length: 2 });
  });
});
