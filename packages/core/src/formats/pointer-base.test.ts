import { buildPe, layoutPe, mapPe, type PeSection } from "@assay/carriers/pe-writer";
import { describe, expect, it } from "vitest";
import { concatBytes, indexOf, latin1Bytes, View } from "../bytes/index.ts";
import { openImage } from "./open-image.ts";

const TEXTS = Array.from({ length: 24 }, (_, i) => `text number ${"x".repeat(i * 3)}${i}`);
const LINKED = 0x40_0000;
const OTHER = 0x12a4_0000;
const PAGE = 0x1000;

/** A program that pushes the address of each of its texts. */
function program(imageBase = LINKED, is64 = false): Uint8Array {
  const rdata = latin1Bytes(`\0${TEXTS.join("\0")}\0`);
  const sections = (code: Uint8Array): PeSection[] => [
    { name: ".text", data: code },
    { name: ".rdata", data: rdata },
  ];
  const size = 10 * TEXTS.length;
  const { sectionVa } = layoutPe({ is64, imageBase, sections: sections(new Uint8Array(size)) });
  const code = new DataView(new ArrayBuffer(size));
  TEXTS.forEach((text, i) => {
    code.setUint8(10 * i, 0x68);
    code.setUint32(10 * i + 1, (sectionVa(".rdata") + indexOf(rdata, latin1Bytes(text))) >>> 0, true);
    code.setUint8(10 * i + 5, 0xe8);
    code.setUint32(10 * i + 6, 0x1000, true);
  });
  return buildPe({ is64, imageBase, sections: sections(new Uint8Array(code.buffer)) });
}

const image = new View(mapPe(program()));
const moved = new View(mapPe(program(OTHER)));
const region = (view: View) => view.clip(PAGE);
/** Where the first text stands, by the pointer that the code holds. */
const firstText = LINKED + indexOf(image.bytes, latin1Bytes(TEXTS[0] as string));

describe("what an image's pointers count from", () => {
  it("is the file's ImageBase, and the address of an image that was relocated", () => {
    expect(openImage(new View(program())).pointerBase).toBe(LINKED);
    expect(openImage(image).pointerBase).toBe(LINKED);
    expect(openImage(moved, { layout: "mapped", base: OTHER }).pointerBase).toBe(OTHER);
  });

  it("stays ImageBase when an image is moved without its relocations", () => {
    const opened = openImage(image, { layout: "mapped", base: OTHER });
    expect(opened).toMatchObject({ base: OTHER, pointerBase: LINKED });
    expect(opened.offsetOfVa(firstText)).toBe(firstText - LINKED);
    expect(opened.offsetOfVa(OTHER + 0x1234)).toBe(0x1234);
    expect(opened.vaOfOffset(0x1234)).toBe(OTHER + 0x1234);
  });

  it("is told by the texts that pointers lead to when ImageBase is not true and nobody gives a base", () => {
    const stale = new Uint8Array(moved.bytes);
    new DataView(stale.buffer).setUint32(0x80 + 52, LINKED, true);
    expect(openImage(new View(stale)).pointerBase).toBe(OTHER);
  });

  it("is told the same way in a region, with a base that is not true and without one", () => {
    expect(openImage(region(image), { layout: "raw", base: LINKED + PAGE }).pointerBase).toBe(LINKED + PAGE);
    expect(openImage(region(image), { layout: "raw", base: OTHER }).pointerBase).toBe(LINKED + PAGE);
    expect(openImage(region(image), { layout: "raw" }).pointerBase).toBe(LINKED + PAGE);
    const amid = new View(concatBytes(new Uint8Array(5 * PAGE).fill(3), region(moved).bytes));
    expect(openImage(amid, { layout: "raw" }).pointerBase).toBe(OTHER + PAGE - 5 * PAGE);
  });

  it("is not known of bytes that hold no pointers, and what is stated then", () => {
    const bytes = Uint8Array.from({ length: 0x8000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
    expect(openImage(new View(bytes), { layout: "raw" }).pointerBase).toBeUndefined();
    expect(openImage(new View(bytes), { layout: "raw", base: OTHER }).pointerBase).toBe(OTHER);
    expect(openImage(new View(new Uint8Array(0)), { layout: "raw" }).pointerBase).toBeUndefined();
  });

  it("is what is stated where addresses are relative", () => {
    const wide = new View(mapPe(program(0x1_4000_0000, true)));
    expect(openImage(wide, { layout: "mapped", base: 0x7ff6_0000_0000 }).pointerBase).toBe(0x7ff6_0000_0000);
  });

  it("takes little time to look for in bytes that are nothing but pointers to texts", () => {
    const bytes = new Uint8Array(1 << 24);
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      bytes.set(
        [0x68, at & 0xff, (at >> 8) & 0xff, (at >> 16) & 0xff, 0x10, 0, 0x41, 0x42, 0x43, 0x44, 0x45],
        at,
      );
    }
    const started = performance.now();
    const opened = openImage(new View(bytes), { layout: "raw" });
    expect([undefined, 0x1000_0000]).toContain(opened.pointerBase);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
