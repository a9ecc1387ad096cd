/** What the readers say of the fixtures, against what objdump -p, windres and the sources beside them say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1, latin1Bytes, View } from "../../bytes/index.ts";
import { openImage } from "../open-image.ts";
import { edited, HELLO32_PLACEMENT, laidOut } from "./fixtures/edit.ts";

const fixture = (name: string) => new View(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const hello32 = fixture("hello32.exe");
const mapped32 = laidOut(hello32, HELLO32_PLACEMENT, 0xb000);
const lib32 = fixture("lib32.dll");
/** Data directory i of a PE32 whose e_lfanew is 0x80. */
const directory = (i: number) => 0x98 + 96 + 8 * i;

/** hello32.exe with its last section, RVA 0xa000 at 0x1200, grown to 1 MB of zeros. */
function withLargeLastSection(): View {
  const bytes = new Uint8Array(0x101200);
  bytes.set(hello32.bytes.subarray(0, 0x1200));
  const section = 0x178 + 7 * 40;
  const sizeOfImage = [0x98 + 56, 4, 0x10a000] as const;
  return edited(new View(bytes), [section + 8, 4, 0x100000], [section + 16, 4, 0x100000], sizeOfImage);
}

const WITH_HINTS = { exitProcess32: 355, messageBox32: 650, exitProcess64: 366, messageBox64: 613 };

function importsOf(exitProcess: number, messageBox: number) {
  return [
    { name: "lib.dll", functions: [{ name: "Add", hint: 3 }], delayed: false },
    { name: "KERNEL32.dll", functions: [{ name: "ExitProcess", hint: exitProcess }], delayed: false },
    { name: "USER32.dll", functions: [{ name: "MessageBoxA", hint: messageBox }], delayed: false },
  ];
}

describe("imports", () => {
  const { exitProcess32, messageBox32, exitProcess64, messageBox64 } = WITH_HINTS;
  it("are read in every layout and width", () => {
    expect(openImage(hello32).imports).toEqual(importsOf(exitProcess32, messageBox32));
    expect(openImage(mapped32).imports).toEqual(importsOf(exitProcess32, messageBox32));
    expect(openImage(fixture("low32.exe")).imports).toEqual(importsOf(exitProcess32, messageBox32));
    expect(openImage(fixture("hello64.exe")).imports).toEqual(importsOf(exitProcess64, messageBox64));
  });

  it("come from the address table when there is no look-up table", () => {
    expect(openImage(edited(hello32, [0xc00, 4, 0])).imports).toEqual(importsOf(exitProcess32, messageBox32));
  });

  it("are named by ordinal when the high bit says so", () => {
    const view = edited(hello32, [0xc50, 4, 0x8000_0123]);
    expect(openImage(view).imports[0]?.functions).toEqual([{ ordinal: 0x123 }]);
    const wide = edited(fixture("hello64.exe"), [0xc50, 4, 0x123], [0xc54, 4, 0x8000_0000]);
    expect(openImage(wide).imports[0]?.functions).toEqual([{ ordinal: 0x123 }]);
  });

  it("end at a descriptor that names no DLL", () => {
    expect(openImage(edited(hello32, [0xc14 + 12, 4, 0xffff_0000])).imports).toHaveLength(1);
  });

  it("of delay-loaded DLLs are marked, with RVAs and with virtual addresses", () => {
    const name = 0x80a8;
    const lookup = 0x8050;
    const addresses = 0x8068;
    // ImgDelayDescr in the unused rest of .data's sector.
    const relative = edited(
      hello32,
      [0x700, 4, 1],
      [0x704, 4, name],
      [0x70c, 4, addresses],
      [0x710, 4, lookup],
      [directory(13), 4, 0x2100],
      [directory(13) + 4, 4, 64],
    );
    const delayed = [{ name: "lib.dll", functions: [{ name: "Add", hint: 3 }], delayed: true }];
    expect(openImage(relative).imports.slice(3)).toEqual(delayed);
    const absolute = edited(
      relative,
      [0x700, 4, 0],
      [0x704, 4, 0x400000 + name],
      [0x70c, 4, 0x400000 + addresses],
      [0x710, 4, 0x400000 + 0x2120],
      [0x720, 4, 0x400000 + 0x8080],
    );
    expect(openImage(absolute).imports.slice(3)).toEqual(delayed);
  });
});

describe("exports", () => {
  it("are read with names, ordinals alone, aliases and forwarders", () => {
    const add = { rva: 0x1000 };
    expect(openImage(lib32).exports).toEqual({
      name: "lib.dll",
      timeDateStamp: 0,
      functions: [
        { ...add, ordinal: 3, name: "Add" },
        { ...add, ordinal: 4, name: "Sum" },
        { ordinal: 9, rva: 0x100b },
        { ordinal: 12, rva: 0x2072, name: "Tick", forwarder: "KERNEL32.GetTickCount" },
      ],
    });
    expect(openImage(fixture("lib64.dll")).exports?.functions.map((one) => one.name)).toEqual([
      "Add",
      "Sum",
      undefined,
      "Tick",
    ]);
  });

  it("are forwarders only where they lead back into the directory", () => {
    // Text stands at RVA 0x20a0, behind the directory's end at 0x2096.
    const data = edited(lib32, [0x628, 4, 0x20a0], [0x6a0, 4, 0x2e4241], [0x6a3, 1, 0]);
    expect(openImage(data).exports?.functions[0]).toEqual({ ordinal: 3, rva: 0x20a0, name: "Add" });
  });

  it("list a slot once for each of its names", () => {
    // The ordinal table at RVA 0x205c: its second entry leads to slot 0, too.
    const { exports } = openImage(edited(lib32, [0x65e, 2, 0]));
    expect(exports?.functions.slice(0, 3).map(({ ordinal, name }) => [ordinal, name])).toEqual([
      [3, "Add"],
      [3, "Sum"],
      [4, undefined],
    ]);
  });

  it("end before 65,536 names of the same long text fill the memory", () => {
    const view = withLargeLastSection();
    const data = new DataView(view.bytes.buffer);
    // Directory at RVA 0xa000, slots behind it, then name pointers, ordinals, and one text of 4,000 chars.
    const [slots, names, ordinals, text] = [0xb000, 0x50000, 0x90000, 0xc0000];
    [0, 0, 0, 0, 1, 0x10000, 0x10000, slots, names, ordinals].forEach((field, i) => {
      data.setUint32(0x1200 + 4 * i, field, true);
    });
    const toFile = 0xa000 - 0x1200;
    for (let i = 0; i < 0x10000; i++) {
      data.setUint32(slots - toFile + 4 * i, 0x1000, true);
      data.setUint32(names - toFile + 4 * i, text, true);
      data.setUint16(ordinals - toFile + 2 * i, i, true);
    }
    view.bytes.fill(0x41, text - toFile, text - toFile + 4000);
    const hostile = edited(view, [directory(0), 4, 0xa000], [directory(0) + 4, 4, 40]);
    const { exports } = openImage(hostile);
    const named = exports?.functions.filter((one) => one.name !== undefined) ?? [];
    expect(exports?.functions).toHaveLength(0x10000);
    expect(named.length).toBeGreaterThan(1000);
    expect(named.length * 4000).toBeLessThanOrEqual(1 << 24);
  });

  it("are absent from programs", () => expect(openImage(hello32).exports).toBeUndefined());
});

describe("resources", () => {
  const EXPECTED = [
    ["KIND", "CUSTOM", 0x409, 0x12, "a type with a name"],
    [10, "SETTINGS", 0x407, 0x17, "deutsche Einstellungen\0"],
    [10, "SETTINGS", 0x409, 0x11, "english settings\0"],
    [10, 101, 0x409, 0xe, "\x02\x01\x04\x03\0\0numbered"],
    [16, 1, 0, 0x120, ""],
  ];
  const flat = (view: View) =>
    openImage(view).resources.map(({ type, name, language, size, data }) => [
      type,
      name,
      language,
      size,
      type === 16 ? "" : latin1(data.bytes),
    ]);

  it("are a flat list with types, names and languages", () => {
    expect(flat(hello32)).toEqual(EXPECTED);
    expect(flat(mapped32)).toEqual(EXPECTED);
    expect(flat(fixture("hello64.exe"))).toEqual(EXPECTED);
    expect(flat(fixture("low32.exe"))).toEqual(EXPECTED);
  });

  it("know where their bytes lie", () => {
    const settings = openImage(hello32).resources[1];
    expect(settings).toMatchObject({ rva: 0x9178, codePage: 0 });
    expect(settings?.data.span()).toEqual({ artifact: 0, offset: 0xe00 + 0x178, length: 0x17 });
  });

  it("are found in .rsrc when the data directory is wiped or leads nowhere", () => {
    expect(flat(edited(hello32, [directory(2), 4, 0]))).toEqual(EXPECTED);
    expect(flat(edited(mapped32, [directory(2), 4, 0x7fffffff]))).toEqual(EXPECTED);
    expect(openImage(edited(hello32, [directory(2), 4, 0], [0x178 + 240, 4, 0])).resources).toEqual([]);
  });

  it("are cut short where the file is", () => {
    const cut = openImage(hello32.clip(0, 0xe00 + 0x178 + 5)).resources;
    expect(cut.map(({ size, data }) => [size, data.length])).toEqual([
      [0x12, 0x12],
      [0x17, 5],
      [0x11, 0],
      [0xe, 0],
      [0x120, 0],
    ]);
  });

  it("end when the tree leads back to its root", () => {
    // The first type's subdirectory is the root itself.
    expect(openImage(edited(hello32, [0xe14, 4, 0x8000_0000])).resources.length).toBeLessThan(60);
    // Every entry is: each level doubles, but only three are walked.
    const looped = edited(hello32, [0xe0c, 2, 0], [0xe0e, 2, 0x7f], [0xe14, 4, 0x8000_0000]);
    expect(openImage(looped).resources.length).toBeLessThan(40_000);
  });

  it("are read in bounded time from a tree of loops alone", () => {
    const view = withLargeLastSection();
    for (let at = 0x1214; at + 4 <= view.length; at += 8) view.bytes[at + 3] = 0x80;
    const looped = edited(view, [0x120c, 2, 0], [0x120e, 2, 0xffff], [directory(2), 4, 0xa000]);
    const start = performance.now();
    expect(openImage(looped).resources.length).toBeLessThanOrEqual(40_000);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("end after 40,000 leaves", () => {
    const view = withLargeLastSection();
    // Type entry and name entry lead to one directory of 65,535 languages, all of them leaf 0x10.
    const many = edited(
      view,
      [0x120e, 2, 1],
      [0x1214, 4, 0x8000_0020],
      [0x122e, 2, 1],
      [0x1234, 4, 0x8000_0040],
      [0x124e, 2, 0xffff],
      [directory(2), 4, 0xa000],
    );
    const { resources } = openImage(many);
    expect(resources.length).toBeGreaterThan(39_000);
    expect(resources.length).toBeLessThanOrEqual(40_000);
  });
});

describe("debug directory", () => {
  it("names the PDB, its GUID and where the path stands", () => {
    expect(openImage(hello32).debug).toEqual([
      {
        type: 2,
        timeDateStamp: 0,
        guid: "84aaa19b-844f-f76b-09df-1bcd3fab9e36",
        age: 1,
        pdbPath: { value: "hello.pdb", at: [{ artifact: 0, offset: 0xa34, length: 9 }] },
      },
    ]);
    expect(openImage(mapped32).debug[0]?.pdbPath?.at[0]?.offset).toBe(0x4034);
  });

  it("reads the NB10 form of PDB 2.0", () => {
    const nb10 = concatBytes(
      latin1Bytes("NB10"),
      new Uint8Array(8),
      Uint8Array.of(3, 0, 0, 0),
      latin1Bytes("a.pdb\0"),
    );
    const bytes = new Uint8Array(hello32.bytes);
    bytes.set(nb10, 0xa1c);
    expect(openImage(new View(bytes)).debug[0]).toMatchObject({ age: 3, pdbPath: { value: "a.pdb" } });
  });

  it("goes by the file offset when the data is not mapped", () => {
    expect(openImage(edited(hello32, [0xa14, 4, 0])).debug[0]?.pdbPath?.value).toBe("hello.pdb");
  });
});

describe("rich header", () => {
  /** Puts a rich header at 0x40, over the DOS stub, summed by the published rule. */
  function withRich(entries: readonly (readonly [product: number, build: number, count: number])[]): View {
    const bytes = new Uint8Array(hello32.bytes);
    bytes.fill(0, 0x40, 0x80);
    const rotated = (value: number, by: number) => {
      const wide = BigInt(value) << BigInt(by % 32);
      return Number((wide | (wide >> 32n)) & 0xffff_ffffn);
    };
    let key = 0x40;
    for (let i = 0; i < 0x40; i++) if (i < 0x3c) key += rotated(bytes[i] as number, i);
    for (const [product, build, count] of entries) key += rotated(product * 65536 + build, count);
    key %= 2 ** 32;
    const words = [0x536e6144, 0, 0, 0, ...entries.flatMap(([p, b, c]) => [p * 65536 + b, c])];
    const data = new DataView(bytes.buffer);
    words.forEach((word, i) => {
      data.setUint32(0x40 + 4 * i, (word ^ key) >>> 0, true);
    });
    bytes.set(latin1Bytes("Rich"), 0x40 + 4 * words.length);
    data.setUint32(0x44 + 4 * words.length, key, true);
    return new View(bytes);
  }
  const entries = [
    [0x105, 26706, 12],
    [0x102, 26706, 1],
  ] as const;

  it("gives products, builds and counts, and holds when nobody touched it", () => {
    expect(openImage(withRich(entries)).richHeader).toMatchObject({
      checksumHolds: true,
      entries: [
        { productId: 0x105, build: 26706, count: 12 },
        { productId: 0x102, build: 26706, count: 1 },
      ],
    });
  });

  it("does not hold when the DOS header was changed, but for e_lfanew", () => {
    expect(openImage(edited(withRich(entries), [0x10, 1, 0x99])).richHeader?.checksumHolds).toBe(false);
    expect(openImage(edited(withRich(entries), [0, 2, 0])).richHeader?.checksumHolds).toBe(false);
    expect(openImage(edited(withRich(entries), [0x3c, 4, 0])).richHeader?.checksumHolds).toBe(true);
  });

  it("is absent from what another linker made", () => expect(openImage(hello32).richHeader).toBeUndefined());
});

describe("certificates and overlay", () => {
  const certificate = (length: number, content: string) =>
    concatBytes(
      Uint8Array.of(length, 0, 0, 0, 0, 2, 2, 0),
      latin1Bytes(content.padEnd(Math.ceil(length / 8) * 8 - 8, "\0")),
    );
  const table = concatBytes(certificate(13, "first"), certificate(16, "8 bytes."));
  const signed = edited(
    new View(concatBytes(hello32.bytes, latin1Bytes("appended"), table)),
    [directory(4), 4, 0x1408],
    [directory(4) + 4, 4, table.length],
  );

  it("are read from the file offset that the directory gives", () => {
    const { certificates } = openImage(signed);
    expect(certificates.map(({ revision, type, data }) => [revision, type, latin1(data.bytes)])).toEqual([
      [0x200, 2, "first"],
      [0x200, 2, "8 bytes."],
    ]);
  });

  it("count as overlay, with whatever else stands behind the last section", () => {
    const { overlay } = openImage(signed);
    expect(overlay?.span()).toEqual({ artifact: 0, offset: 0x1400, length: 8 + table.length });
    expect(openImage(hello32).overlay).toBeUndefined();
  });

  it("are not looked for in memory", () => {
    const image = openImage(signed, { layout: "mapped" });
    expect([image.certificates, image.overlay]).toEqual([[], undefined]);
  });

  it("are cut short where the file is", () => {
    const cut = openImage(signed.clip(0, signed.length - 4));
    expect(latin1(cut.certificates[1]?.data.bytes ?? new Uint8Array())).toBe("8 by");
  });
});
