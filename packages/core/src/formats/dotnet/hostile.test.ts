import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { View } from "../../bytes/index.ts";
import { openImage } from "../open-image.ts";
import {
  identitySpace,
  mapImage,
  type PlainStream,
  streamsOf,
  withStreams,
} from "./fixtures/rebuild-metadata.ts";
import { constantBytes, constantText, type Dotnet, methodEffects, parseDotnet } from "./index.ts";
import { layoutTables } from "./table-layout.ts";

const image = openImage(
  new View(new Uint8Array(readFileSync(new URL("./fixtures/settings.exe", import.meta.url)))),
);
const cliHeader = { rva: image.pe?.dataDirectories[14]?.virtualAddress ?? 0, size: 72 };
const mapped = mapImage(image);

/** Most that reading everything of one small broken module may take, on a machine that does other things too. */
const MAX_MS = 2000;

/** Everything that the interface gives; the number keeps it from being optimised away. */
function readAll(module: Dotnet): number {
  let sum = module.moduleName.length + (module.mvid?.length ?? 0) + (module.assemblyName?.length ?? 0);
  for (const type of module.typeDefs)
    sum +=
      type.name.length +
      type.namespace.length +
      type.fields[0] +
      type.methods[1] +
      (module.nameOf(type.extends)?.length ?? 0);
  for (const field of module.fields)
    sum += field.name.length + field.typeRid + (module.fieldData(field.rid)?.length ?? 0);
  for (const method of module.methods) {
    sum += module.instructions(method.rid).length + (module.body(method.rid)?.exceptionClauses ?? 0);
    const { stores, returns } = methodEffects(module, method.rid);
    for (const store of stores)
      sum += (constantText(store.value)?.value.length ?? 0) + (constantBytes(store.value)?.value.length ?? 0);
    sum += returns.length;
  }
  for (let table = 0; table < 64; table++)
    for (let rid = 1; rid <= Math.min(module.rowCount(table), 200); rid++)
      sum += (module.nameOf(table * 0x1000000 + rid)?.length ?? 0) + (module.row(table, rid)?.length ?? 0);
  sum += module.userStrings().length + module.resources().length + module.customAttributes().length;
  return sum;
}

function expectCalm(bytes: Uint8Array, header?: { rva: number; size: number }): void {
  const start = performance.now();
  const result = parseDotnet(identitySpace(bytes), header);
  if (result.ok) readAll(result.value);
  expect(performance.now() - start).toBeLessThan(MAX_MS);
}

const metadataRva = new DataView(mapped.buffer).getUint32(cliHeader.rva + 8, true);
const metadataSize = new DataView(mapped.buffer).getUint32(cliHeader.rva + 12, true);

describe("a damaged module", () => {
  it("neither throws nor takes long, wherever a byte of its metadata or code is wrong", () => {
    const change = fc.record({
      at: fc.integer({ min: cliHeader.rva, max: metadataRva + metadataSize }),
      value: fc.oneof(fc.constantFrom(0, 0xff, 0x7f, 0x80), fc.integer({ min: 0, max: 255 })),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 24 }), (changes) => {
        const broken = mapped.slice();
        for (const { at, value } of changes) broken[at] = value;
        expectCalm(broken, cliHeader);
      }),
      { seed: 335, numRuns: 80 },
    );
  });

  it("neither throws nor takes long when header and tables are wrong", () => {
    const change = fc.record({
      at: fc.integer({ min: 0, max: 256 }),
      value: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const broken = mapped.slice();
        for (const { at, value } of changes) broken[metadataRva + at] = value;
        expectCalm(broken, cliHeader);
        expectCalm(broken);
      }),
      { seed: 336, numRuns: 40 },
    );
  });

  it("neither throws nor takes long wherever it ends", () => {
    for (let length = 0; length <= mapped.length; length += 211)
      expectCalm(mapped.subarray(0, length), cliHeader);
  });
});

const streams = (() => {
  const result = parseDotnet(image, cliHeader);
  if (!result.ok) throw new Error(result.error.code);
  return streamsOf(result.value);
})();

function crafted(tables: Uint8Array, blob?: Uint8Array): Dotnet {
  const list: PlainStream[] = streams.map((s) =>
    s.name === "#~"
      ? { name: s.name, bytes: tables }
      : s.name === "#Blob" && blob
        ? { name: s.name, bytes: blob }
        : s,
  );
  const { space, cliHeader: header } = withStreams(image, list);
  const result = parseDotnet(space, header);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

/** A tables stream with these rows of raw bytes, all indexes two bytes wide. */
function tablesOf(
  rows: Readonly<Record<number, readonly (readonly number[])[]>>,
  claims: Record<number, number> = {},
) {
  const ids = Object.keys(rows)
    .map(Number)
    .sort((a, b) => a - b);
  const head = new Uint8Array(24 + 4 * ids.length);
  const data = new DataView(head.buffer);
  head[4] = 2;
  ids.forEach((id, i) => {
    const word = id < 32 ? 8 : 12;
    data.setUint32(word, (data.getUint32(word, true) | (1 << (id % 32))) >>> 0, true);
    data.setUint32(24 + 4 * i, claims[id] ?? rows[id]?.length ?? 0, true);
  });
  return Uint8Array.from([...head, ...ids.flatMap((id) => (rows[id] ?? []).flat())]);
}

const u16 = (...values: number[]): number[] => values.flatMap((value) => [value & 0xff, value >> 8]);
const MODULE = u16(0, 0, 0, 0, 0);

describe("a crafted module", () => {
  it("may claim four thousand million rows", () => {
    const module = crafted(
      tablesOf({ 0: [MODULE], 2: [], 6: [] }, { 0: 0xffffffff, 2: 0xffffffff, 6: 0xffffffff }),
    );
    expect(module.rowCount(0)).toBe(1);
    expect(module.methods).toEqual([]);
    expect(module.anomalies.filter((a) => a.code === "table-clipped")).toHaveLength(3);
    readAll(module);
  });

  it("may nest its types in themselves", () => {
    const type = (name: number): number[] => [0, 0, 0, 0, ...u16(name, 0, 0, 1, 1)];
    const module = crafted(tablesOf({ 0: [MODULE], 2: [type(1), type(1)], 41: [u16(1, 2), u16(2, 1)] }));
    expect(module.rowCount(2)).toBe(2);
    readAll(module);
  });

  it("may have a TypeSpec that is an array of itself, and a thousand that lead to one another", () => {
    // SZARRAY CLASS TypeSpec 1; each further one CLASS TypeSpec of the next.
    const blob = [0, 4, 0x1d, 0x12, 0x06, 0];
    const specs = [u16(1)];
    for (let i = 2; i < 1000; i++) {
      const coded = ((i + 1) << 2) | 2;
      specs.push(u16(blob.length));
      blob.push(3, 0x12, 0x80 | (coded >> 8), coded & 0xff);
    }
    const module = crafted(tablesOf({ 0: [MODULE], 27: specs }), Uint8Array.from(blob));
    const start = performance.now();
    for (let rid = 1; rid <= specs.length; rid++) module.nameOf(0x1b000000 + rid);
    expect(performance.now() - start).toBeLessThan(MAX_MS);
  });

  it("may have types whose ranges all claim every method", () => {
    const types = Array.from({ length: 4000 }, (_, i) => [
      0,
      0,
      0,
      0,
      ...u16(1, 0, 0, 1, i % 2 === 0 ? 1 : 0xffff),
    ]);
    const methods = Array.from({ length: 4000 }, () => [0, 0, 0, 0, ...u16(0, 0, 1, 0, 1)]);
    const module = crafted(tablesOf({ 0: [MODULE], 2: types, 6: methods }));
    const start = performance.now();
    expect(module.methods[3999]?.typeRid).toBe(1);
    expect(performance.now() - start).toBeLessThan(MAX_MS);
  });
});

describe("index widths", () => {
  it("grow with the row counts, a coded index by the bits of its tag", () => {
    const small = { bigStrings: false, bigGuid: false, bigBlob: false, allBig: false };
    const rows = (table: number, count: number): number[] =>
      Array.from({ length: 45 }, (_, i) => (i === table ? count : 0));
    const width = (counts: number[], table: number, column: number, widths = small) =>
      layoutTables(counts, widths)[table]?.widths[column];
    // TypeDef.Extends is TypeDefOrRef, two bits of tag; MethodList a plain index.
    expect(width(rows(1, 0x3fff), 2, 3)).toBe(2);
    expect(width(rows(1, 0x4000), 2, 3)).toBe(4);
    expect(width(rows(6, 0xffff), 2, 5)).toBe(2);
    expect(width(rows(6, 0x10000), 2, 5)).toBe(4);
    // HasCustomAttribute has five bits, CustomAttributeType three.
    expect(width(rows(6, 0x7ff), 12, 0)).toBe(2);
    expect(width(rows(6, 0x800), 12, 0)).toBe(4);
    expect(width(rows(10, 0x1fff), 12, 1)).toBe(2);
    expect(width(rows(10, 0x2000), 12, 1)).toBe(4);
    expect(width(rows(0, 1), 0, 1, { ...small, bigStrings: true })).toBe(4);
    expect(width(rows(0, 1), 41, 0, { ...small, allBig: true })).toBe(4);
  });
});

/** A module with one method of this code, and `us` as its user strings. */
function withCode(code: readonly number[], us: Uint8Array): Dotnet {
  const header = Uint8Array.from([0x13, 0x30, 8, 0, ...u32(code.length), 0, 0, 0, 0]);
  const { space, cliHeader: place } = withStreams(
    image,
    streams.map((s) =>
      s.name === "#~"
        ? {
            name: s.name,
            bytes: tablesOf({
              0: [MODULE],
              6: [[...u32(image.pe?.sizeOfImage ?? 0), ...u16(0, 0, 0, 0, 1)]],
            }),
          }
        : s.name === "#US"
          ? { name: s.name, bytes: us }
          : s,
    ),
  );
  // Where the mapped image ends, the code; behind it the new metadata.
  const bytes = new Uint8Array(space.view.length + header.length + code.length + 3);
  const end = mapped.length;
  const gap = (header.length + code.length + 3) & ~3;
  bytes.set(space.view.bytes.subarray(0, end));
  bytes.set(header, end);
  bytes.set(code, end + header.length);
  bytes.set(space.view.bytes.subarray(end), end + gap);
  new DataView(bytes.buffer).setUint32(place.rva + 8, end + gap, true);
  const result = parseDotnet(identitySpace(bytes), place);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

const u32 = (value: number): number[] => [
  value & 0xff,
  (value >> 8) & 0xff,
  (value >> 16) & 0xff,
  value >>> 24,
];

describe("crafted code", () => {
  const timed = (code: readonly number[], us = new Uint8Array(8)): number => {
    const module = withCode(code, us);
    expect(module.instructions(1).length).toBeGreaterThan(100);
    const start = performance.now();
    methodEffects(module, 1);
    return performance.now() - start;
  };

  it("may part at every instruction with thousands of locals set", () => {
    const code: number[] = [];
    for (let i = 0; i < 20_000; i++) code.push(0x16, 0xfe, 0x0e, i & 0xff, i >> 8);
    // ldarg.0; brtrue.s to the next
    for (let i = 0; i < 20_000; i++) code.push(0x02, 0x2d, 0x00);
    expect(timed(code)).toBeLessThan(MAX_MS);
  });

  it("may go round for ever", () => {
    const code: number[] = Array.from({ length: 200 }, () => 0);
    code.push(0x38, ...u32(-205 >>> 0));
    expect(timed(code)).toBeLessThan(MAX_MS);
    const unknown: number[] = Array.from({ length: 200 }, () => 0);
    unknown.push(0x02, 0x3a, ...u32(-206 >>> 0), 0x2a);
    expect(timed(unknown)).toBeLessThan(MAX_MS);
  });

  it("may load strings that overlap through the whole heap", () => {
    // Every fourth byte starts an entry of 256 KB.
    const us = new Uint8Array(1 << 19);
    for (let i = 0; i < us.length; i += 4) us.set([0xc0, 0x04, 0x00, 0x01], i);
    const code: number[] = [];
    for (let i = 0; i < 20_000; i++) code.push(0x72, ...u32(0x70000000 + 4 * i), 0x26);
    expect(timed(code, us)).toBeLessThan(MAX_MS);
  });

  it("may double a text with every call", () => {
    const module = withCode([...Array.from({ length: 200 }, () => 0), 0x2a], new Uint8Array(8));
    expect(module.body(1)?.code.length).toBe(201);
    let value: Parameters<typeof constantText>[0] = {
      kind: "string",
      text: { value: "xxxxxxxxxxxxxxxx", at: [] },
      heapOffset: 1,
      at: [],
    };
    for (let i = 0; i < 60; i++)
      value = { kind: "call", method: "System.String::Concat", token: 0, args: [value, value], at: [] };
    const start = performance.now();
    expect(constantText(value)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(MAX_MS);
  });
});
