import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { View } from "../bytes/index.ts";
import type { Image, ImageHint } from "./image.ts";
import { openImage } from "./open-image.ts";
import { edited, HELLO32_PLACEMENT, laidOut } from "./pe/fixtures/edit.ts";

const NAMES = ["hello32.exe", "hello64.exe", "low32.exe", "low64.exe", "lib32.dll", "lib64.dll"];
const fixture = (name: string) => new View(readFileSync(new URL(`pe/fixtures/${name}`, import.meta.url)));
const hello32 = fixture("hello32.exe");
const mapped32 = laidOut(hello32, HELLO32_PLACEMENT, 0xb000);

/** Everything that is read on first use; returned so that no read is left out. */
function readAll(image: Image): readonly unknown[] {
  return [
    image.format,
    image.pe?.anomalies,
    image.dotnet,
    image.imports,
    image.exports,
    image.resources,
    image.debug,
    image.richHeader,
    image.certificates,
    image.overlay,
  ];
}

describe("openImage", () => {
  it("names what it opened", () => {
    expect(NAMES.map((name) => openImage(fixture(name)).format)).toEqual([
      "PE32 exe",
      "PE32+ exe",
      "PE32 exe",
      "PE32+ exe",
      "PE32 dll",
      "PE32+ dll",
    ]);
    expect(openImage(edited(hello32, [0x98 + 68, 2, 1])).format).toBe("PE32 sys");
    expect(openImage(edited(hello32, [0x98 + 68, 2, 10])).format).toBe("PE32 efi");
  });

  it("tells a file from a mapped image by content", () => {
    for (const name of NAMES) expect(openImage(fixture(name)).layout).toBe("file");
    expect(openImage(mapped32).layout).toBe("mapped");
  });

  it("still tells them apart without imports, resources and relocations", () => {
    const wiped = [1, 2, 5, 6].map((i) => [0x98 + 96 + 8 * i, 4, 0] as const);
    expect(openImage(edited(hello32, ...wiped)).layout).toBe("file");
    expect(openImage(edited(mapped32, ...wiped)).layout).toBe("mapped");
    const noEntry = [0x98 + 16, 4, 0] as const;
    expect(openImage(edited(hello32, ...wiped, noEntry)).layout).toBe("file");
    expect(openImage(edited(mapped32, ...wiped, noEntry)).layout).toBe("mapped");
    // Bytes between headers and first section speak for a file, but not against the size of the image.
    expect(openImage(edited(mapped32, ...wiped, noEntry, [0x800, 1, 1])).layout).toBe("mapped");
    expect(openImage(edited(hello32, ...wiped, noEntry, [0x800, 1, 1])).layout).toBe("file");
  });

  it("tells them apart without signatures", () => {
    const erased = [[0, 2, 0] as const, [0x80, 4, 0] as const];
    expect(openImage(edited(mapped32, ...erased))).toMatchObject({ layout: "mapped", format: "PE32 exe" });
    expect(openImage(edited(hello32, ...erased)).layout).toBe("file");
  });

  it("sees a mapped image whose section table is wiped", () => {
    const image = openImage(edited(mapped32, [0x86, 2, 0]));
    expect(image.layout).toBe("mapped");
    expect(image.imports).toHaveLength(3);
  });

  it("obeys a hint", () => {
    expect(openImage(mapped32, { layout: "file" }).layout).toBe("file");
    expect(openImage(hello32, { layout: "raw" })).toMatchObject({
      layout: "raw",
      pe: undefined,
      format: "raw",
    });
    expect(openImage(mapped32, { layout: "mapped", base: 0x1230000 }).vaOfOffset(0x1000)).toBe(0x1231000);
  });

  it("judges anomalies by the layout that it found", () => {
    expect(openImage(mapped32).pe?.anomalies).toEqual([]);
    expect(openImage(mapped32.clip(0, 0x8800)).pe?.anomalies.map((one) => one.code)).toContain(
      "section-past-end",
    );
  });

  it("reads anything else as raw: one region, RVA = offset", () => {
    const view = new View(new Uint8Array(100).fill(7));
    const image = openImage(view, { base: 0x500000 });
    expect(image).toMatchObject({ format: "raw", layout: "raw", base: 0x500000, pe: undefined });
    expect(image.regions).toEqual([
      { name: "raw", rva: 0, offset: 0, size: 100, executable: true, writable: true },
    ]);
    expect(image.offsetOfVa(0x500010)).toBe(0x10);
    expect(image.vaOfOffset(99)).toBe(0x500063);
    expect(image.vaOfOffset(100)).toBeUndefined();
    expect(image.readVa(0x500060, 4)?.length).toBe(4);
    expect(image.readVa(0x500060, 5)).toBeUndefined();
    expect(readAll(image)).toEqual([
      "raw",
      undefined,
      undefined,
      [],
      undefined,
      [],
      [],
      undefined,
      [],
      undefined,
    ]);
  });

  it("opens nothing at all", () => {
    expect(openImage(new View(new Uint8Array(0)))).toMatchObject({ format: "raw", regions: [] });
  });

  it("reads once and keeps it", () => {
    const image = openImage(hello32);
    expect(image.imports).toBe(image.imports);
    expect(image.resources).toBe(image.resources);
  });

  it("keeps spans of an inner artifact in that artifact's offsets", () => {
    const outer = new Uint8Array(0x1000 + hello32.length);
    outer.set(hello32.bytes, 0x1000);
    const image = openImage(new View(outer, 3).clip(0x1000));
    expect(image.resources[1]?.data.span()).toEqual({ artifact: 3, offset: 0x1f78, length: 0x17 });
  });
});

describe("openImage on broken input", () => {
  const hints: readonly ImageHint[] = [
    {},
    { layout: "file" },
    { layout: "mapped" },
    { layout: "raw", base: 0x10000 },
  ];

  it("opens every prefix of every fixture", () => {
    for (const name of NAMES) {
      const whole = fixture(name);
      for (let length = 0; length <= whole.length; length += length < 0x400 ? 1 : 7)
        expect(readAll(openImage(whole.clip(0, length)))).toHaveLength(10);
    }
  });

  it("opens 6,000 corruptions without a throw, in time, with regions that hold together", () => {
    const views = [...NAMES.map(fixture), mapped32];
    let slowest = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...views),
        fc.constantFrom(...hints),
        fc.array(
          fc.record({
            // Headers and tables break more than data does.
            at: fc.oneof(fc.nat(0x400), fc.nat(0x1400), fc.nat(0xb000)),
            value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
            size: fc.constantFrom(1, 2, 4, 8),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (view, hint, changes, kept) => {
          const bytes = new Uint8Array(view.bytes);
          for (const { at, value, size } of changes) bytes.fill(value, at, at + size);
          const cut = kept > 0.7 ? bytes : bytes.subarray(0, Math.floor(bytes.length * kept));
          const start = performance.now();
          const image = openImage(new View(cut), hint);
          readAll(image);
          slowest = Math.max(slowest, performance.now() - start);
          holdsTogether(image);
        },
      ),
      { seed: 20_240_101, numRuns: 6000 },
    );
    expect(slowest).toBeLessThan(1000);
  });

  it("opens noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        readAll(openImage(new View(bytes)));
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

/** Regions lie in the view, ascend, and translate to each other. */
function holdsTogether(image: Image): void {
  let end = 0;
  for (const region of image.regions) {
    const inside =
      region.size > 0 &&
      region.rva >= end &&
      region.offset >= 0 &&
      region.offset + region.size <= image.view.length;
    if (!inside) throw new Error(`region ${region.name} of ${image.format}`);
    end = region.rva + region.size;
    const last = region.size - 1;
    if (image.offsetOfRva(region.rva + last) !== region.offset + last) throw new Error("offsetOfRva");
  }
}
