import { readFileSync } from "node:fs";
import { mapPe } from "@assay/carriers/dumps/index";
import { describe, expect, it } from "vitest";
import { concatBytes, View } from "../../bytes/index.ts";
import { openImage } from "../open-image.ts";

const PAGE = 0x1000;
const FILES = [
  "fixtures/hello32.exe",
  "fixtures/hello64.exe",
  "fixtures/lib32.dll",
  "fixtures/lib64.dll",
  "../dotnet/fixtures/settings.exe",
  "../dotnet/fixtures/noise.exe",
];
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, import.meta.url)));

interface Headers {
  readonly sectionCount: number;
  readonly sections: number;
  readonly directories: number;
  readonly count: number;
}

function headersOf(bytes: Uint8Array): Headers {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const nt = view.getUint32(0x3c, true);
  const is64 = view.getUint16(nt + 24, true) === 0x20b;
  return {
    sectionCount: nt + 6,
    sections: nt + 24 + view.getUint16(nt + 20, true),
    directories: nt + 24 + (is64 ? 112 : 96),
    count: view.getUint16(nt + 6, true),
  };
}

function edited(bytes: Uint8Array, edit: (copy: Uint8Array, headers: Headers) => void): Uint8Array {
  const copy = new Uint8Array(bytes);
  edit(copy, headersOf(copy));
  return copy;
}

const layoutOf = (bytes: Uint8Array) => openImage(new View(bytes)).layout;
const withoutDirectories = (bytes: Uint8Array) =>
  edited(bytes, (copy, { directories }) => copy.fill(0, directories, directories + 128));
const withoutSections = (bytes: Uint8Array) =>
  edited(bytes, (copy, { sections, count }) => copy.fill(0, sections, sections + 40 * count));
const longer = (bytes: Uint8Array) => concatBytes(bytes, new Uint8Array(3 * PAGE).fill(7));

describe.each(FILES)("%s", (name) => {
  const file = read(name);
  const mapped = mapPe(file);

  it("is told as file and as image, there and elsewhere", () => {
    expect(layoutOf(file)).toBe("file");
    expect(layoutOf(mapped)).toBe("mapped");
    expect(layoutOf(mapPe(file, 0x6a25_0000n))).toBe("mapped");
  });

  it("is told when any page is paged out, and most", () => {
    for (let out = PAGE; out < mapped.length; out += PAGE) {
      expect(layoutOf(edited(mapped, (copy) => copy.fill(0, out, out + PAGE))), `page ${out / PAGE}`).toBe(
        "mapped",
      );
      const only = edited(mapped, (copy) => copy.fill(0, PAGE, out).fill(0, out + PAGE));
      expect(layoutOf(only), `all but page ${out / PAGE}`).toBe("mapped");
    }
  });

  it("is told without data directories, without section headers, and from a view of another size", () => {
    expect(layoutOf(withoutDirectories(file))).toBe("file");
    expect(layoutOf(withoutDirectories(mapped))).toBe("mapped");
    expect(layoutOf(withoutDirectories(longer(mapped)))).toBe("mapped");
    expect(layoutOf(withoutSections(mapped))).toBe("mapped");
    expect(layoutOf(longer(file))).toBe("file");
    expect(layoutOf(longer(mapped))).toBe("mapped");
    expect(layoutOf(file.subarray(0, file.length / 2))).toBe("file");
    expect(layoutOf(mapped.subarray(0, mapped.length - PAGE))).toBe("mapped");
    expect(
      layoutOf(edited(mapped, (copy, { sectionCount }) => copy.fill(0, sectionCount, sectionCount + 2))),
    ).toBe("mapped");
  });
});

describe("an image whose raw data stands at its virtual addresses", () => {
  it("reads the same whichever it is called", () => {
    const mapped = mapPe(read("fixtures/hello32.exe"));
    const dumped = edited(mapped, (copy, { sections, count }) => {
      const view = new DataView(copy.buffer);
      for (let at = sections; at < sections + 40 * count; at += 40) {
        view.setUint32(at + 16, Math.ceil(view.getUint32(at + 8, true) / PAGE) * PAGE, true);
        view.setUint32(at + 20, view.getUint32(at + 12, true), true);
      }
    });
    const image = openImage(new View(dumped));
    expect(image.imports).toEqual(openImage(new View(mapped)).imports);
    expect(image.resources.map(({ name, size }) => [name, size])).toEqual(
      openImage(new View(mapped), { layout: "mapped" }).resources.map(({ name, size }) => [name, size]),
    );
  });
});
