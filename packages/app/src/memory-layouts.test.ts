/** One extractor for all of a program's shapes: what a file gives, every way of finding it in memory gives too. */
import { pbkdf2Sync } from "node:crypto";
import { allCarriers, atImageBase, type Carrier, mapPe } from "@assay/carriers/index";
import { concatBytes, hex, indexOf } from "@assay/core/bytes/index";
import { families } from "@assay/core/families/index";
import { type ImageHint, openImage } from "@assay/core/formats/index";
import { type Finding, Ledger } from "@assay/core/model/index";
import { beforeAll, describe, expect, it } from "vitest";

/** Where nothing was linked for: 32-bit programs, and 64-bit ones. */
const ELSEWHERE = 0x1a5_0000;
const ELSEWHERE_64 = 0x7ff6_1234_0000;
const PAGE = 0x1000;

/** Where things stand in a file of ours. */
function placesOf(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const nt = view.getUint32(0x3c, true);
  const is64 = view.getUint16(nt + 24, true) === 0x20b;
  return {
    nt,
    is64,
    baseAt: nt + (is64 ? 48 : 52),
    base: is64 ? Number(view.getBigUint64(nt + 48, true)) : view.getUint32(nt + 52, true),
    sections: view.getUint16(nt + 6, true),
    table: nt + 24 + view.getUint16(nt + 20, true),
    sizeOfImage: view.getUint32(nt + 80, true),
    sizeOfHeaders: view.getUint32(nt + 84, true),
  };
}

function edited(bytes: Uint8Array, edit: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = new Uint8Array(bytes);
  edit(copy, new DataView(copy.buffer));
  return copy;
}

const withoutHeaders = (image: Uint8Array): Uint8Array => edited(image, (copy) => copy.fill(0, 0, PAGE));

/** IMAGE_COR20_HEADER as every compiler begins it: size 72, runtime 2.5. */
const CLI_HEADER = Uint8Array.of(72, 0, 0, 0, 2, 0, 5, 0);

function withoutCliHeader(bytes: Uint8Array): Uint8Array {
  const at = indexOf(bytes, CLI_HEADER);
  return at < 0 ? bytes : edited(bytes, (copy) => copy.fill(0, at, at + 72));
}

/** Neither zeros nor anything's structure. */
const foreign = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 13) & (i >> 3) & 0xff);

/** A program as it is linked, and as the loader rewrites it for another base. */
interface Program {
  readonly file: Uint8Array;
  readonly image: Uint8Array;
  readonly moved: Uint8Array;
  readonly elsewhere: number;
}

interface Form {
  readonly name: string;
  make(program: Program): readonly [bytes: Uint8Array, hint?: ImageHint];
}

const base = (program: Program): number => placesOf(program.file).base;

const FORMS: readonly Form[] = [
  { name: "mapped, told by its content", make: ({ image }) => [image] },
  {
    name: "mapped at another base, relocated",
    make: ({ moved, elsewhere }) => [moved, { layout: "mapped", base: elsewhere }],
  },
  {
    name: "mapped at another base, not relocated",
    make: ({ image, elsewhere }) => [image, { layout: "mapped", base: elsewhere }],
  },
  {
    name: "mapped at another base that nobody says, relocated, ImageBase as it was",
    make: ({ moved, file }) => [
      edited(moved, (copy) => {
        const { baseAt } = placesOf(file);
        copy.set(file.subarray(baseAt, baseAt + (placesOf(file).is64 ? 8 : 4)), baseAt);
      }),
    ],
  },
  {
    name: "mapped, MZ and PE erased",
    make: ({ image, file }) => [
      edited(image, (copy) => {
        const { nt } = placesOf(file);
        copy.fill(0, 0, 2).fill(0, nt, nt + 4);
      }),
    ],
  },
  {
    name: "mapped, DOS header and PE erased",
    make: ({ image, file }) => [edited(image, (copy) => copy.fill(0, 0, placesOf(file).nt + 4))],
  },
  {
    name: "mapped, section headers wiped",
    make: ({ image, file }) => [
      edited(image, (copy) => copy.fill(0, placesOf(file).table, placesOf(file).sizeOfHeaders)),
    ],
  },
  {
    name: "mapped, unpacked in place into one section without raw data",
    make: ({ image, file }) => [
      edited(image, (copy, view) => {
        const { table, sizeOfImage, sections } = placesOf(file);
        copy.fill(0, table, table + 40 * sections);
        copy.set([0x55, 0x50, 0x58, 0x30], table);
        view.setUint32(table + 8, sizeOfImage - PAGE, true);
        view.setUint32(table + 12, PAGE, true);
        view.setUint32(table + 20, placesOf(file).sizeOfHeaders, true);
        view.setUint32(table + 36, 0xe000_0080, true);
        view.setUint16(placesOf(file).nt + 6, 1, true);
      }),
    ],
  },
  {
    name: "first page zero, base given",
    make: (program) => [withoutHeaders(program.image), { layout: "raw", base: base(program) }],
  },
  {
    name: "first page zero, relocated, base given",
    make: ({ moved, elsewhere }) => [withoutHeaders(moved), { layout: "raw", base: elsewhere }],
  },
  {
    name: "first page zero, base given, not relocated",
    make: ({ image, elsewhere }) => [withoutHeaders(image), { layout: "raw", base: elsewhere }],
  },
  {
    name: "region alone, first page zero",
    make: ({ image }) => [withoutHeaders(image), { layout: "raw" }],
  },
  {
    name: "region alone, first page zero, from another base",
    make: ({ moved }) => [withoutHeaders(moved), { layout: "raw" }],
  },
  { name: "region alone, without hint", make: ({ image }) => [withoutHeaders(image)] },
  { name: "region alone, first page gone", make: ({ image }) => [image.subarray(PAGE), { layout: "raw" }] },
  {
    name: "first page gone, base given",
    make: (program) => [program.image.subarray(PAGE), { layout: "raw", base: base(program) + PAGE }],
  },
  {
    name: "region alone, amid other bytes",
    make: ({ image }) => [
      concatBytes(foreign(5 * PAGE), withoutHeaders(image), foreign(3 * PAGE)),
      { layout: "raw" },
    ],
  },
  {
    name: "amid other bytes, base given",
    make: (program) => [
      concatBytes(foreign(5 * PAGE), withoutHeaders(program.image), foreign(3 * PAGE)),
      { layout: "raw", base: base(program) - 5 * PAGE },
    ],
  },
  {
    name: "region alone, first page zero, CLI header wiped",
    make: ({ image }) => [withoutCliHeader(withoutHeaders(image)), { layout: "raw" }],
  },
  {
    name: "file, headers zero, region alone",
    make: ({ file }) => [edited(file, (copy) => copy.fill(0, 0, 0x200)), { layout: "raw" }],
  },
  {
    name: "file, headers zero, CLI header wiped, region alone",
    make: ({ file }) => [withoutCliHeader(edited(file, (copy) => copy.fill(0, 0, 0x200))), { layout: "raw" }],
  },
];

interface Told {
  readonly finding: Finding;
  /** What stands at each value's place, code apart, which holds addresses. */
  readonly evidence: readonly (readonly [pointer: string, bytes: string])[];
}

/** The same few keys in every form, and each costs more than all else. */
const keys = new Map<string, Uint8Array>();
function derived(password: Uint8Array, salt: Uint8Array, iterations: number, length: number): Uint8Array {
  const name = [hex(password), hex(salt), iterations, length].join();
  const key = keys.get(name) ?? pbkdf2Sync(password, salt, iterations, length, "sha1");
  keys.set(name, key);
  return key;
}

function told(carrier: Carrier, bytes: Uint8Array, hint?: ImageHint): Told | string {
  const family = families.find((candidate) => candidate.id === carrier.family);
  const ledger = new Ledger(bytes);
  const extraction = family?.extract({
    image: openImage(ledger.sample, hint),
    rules: [],
    matches: [],
    ledger,
    pbkdf2Sha1: derived,
  });
  if (extraction?.status !== "config") return `${extraction?.status}: ${extraction?.text}`;
  const { finding } = extraction;
  const evidence = finding.evidence
    .filter(({ as }) => as !== "code")
    .map(({ pointer, at }) => [pointer, hex(ledger.read(at) ?? new Uint8Array())] as const);
  return { finding, evidence };
}

const comparable = ({ finding, evidence }: Told) => ({
  layout: finding.layout,
  confidence: finding.confidence,
  version: finding.version,
  c2: finding.c2,
  config: finding.config,
  evidence,
});

const carriers = allCarriers();
const moved = atImageBase(ELSEWHERE, ELSEWHERE_64, allCarriers);

describe("a program's config", () => {
  const expected = new Map<Carrier, Told>();
  beforeAll(() => {
    for (const carrier of carriers) {
      const own = told(carrier, carrier.bytes);
      if (typeof own === "string") throw new Error(`${carrier.name}: ${own}`);
      expected.set(carrier, own);
    }
  });

  it.each(FORMS.map((form) => [form.name, form] as const))("%s: is that of the file", (_, form) => {
    carriers.forEach((carrier, i) => {
      const own = expected.get(carrier) as Told;
      const { is64 } = placesOf(carrier.bytes);
      const program: Program = {
        file: carrier.bytes,
        image: mapPe(carrier.bytes),
        moved: mapPe((moved[i] as Carrier).bytes),
        elsewhere: is64 ? ELSEWHERE_64 : ELSEWHERE,
      };
      const got = told(carrier, ...form.make(program));
      if (typeof got === "string") throw new Error(`${carrier.name}: ${got}`);
      expect(comparable(got), carrier.name).toEqual(comparable(own));
    });
  });
});
