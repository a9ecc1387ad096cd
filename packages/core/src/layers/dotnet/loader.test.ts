import { readFileSync } from "node:fs";
import {
  dotnetLoader as carry,
  LOADER_WAYS,
  type LoaderWay,
  resourceSet,
} from "@assay/carriers/dotnet-loader";
import { buildAssembly } from "@assay/carriers/dotnet-writer";
import { remcosCarriers } from "@assay/carriers/remcos";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, hex, latin1Bytes, View } from "../../bytes/index.ts";
import { openImage } from "../../formats/index.ts";
import { Ledger } from "../../model/index.ts";
import { Budget, DEFAULT_LIMITS } from "../budget.ts";
import type { LayerOutput } from "../layer.ts";
import { dotnetLoader } from "./loader.ts";
import { readResourceSet } from "./resource-set.ts";

function peel(bytes: Uint8Array, budget = new Budget()): LayerOutput & { ledger: Ledger } {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample);
  return { ...dotnetLoader.peel({ image, format: image.format, name: undefined, ledger, budget }), ledger };
}

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
}

function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

const [carrier] = remcosCarriers();
const PAYLOAD = carrier?.bytes ?? new Uint8Array();
const WAYS = Object.keys(LOADER_WAYS) as LoaderWay[];
const LINES = Array.from({ length: 90 }, (_, i) => `rem line ${i * i * 7919} that nobody reads\r\n`);
const SCRIPT = latin1Bytes(`@echo off\r\n${LINES.join("")}exit /b\r\n`);

describe("the layer of .NET loaders", () => {
  it.each(WAYS)("finds a program held as: %s", (way) => {
    const { inner, reasons } = peel(carry(way, PAYLOAD));
    // Pixels come in threes, so that up to two bytes may follow.
    const spare = way.includes("RGB") || way.includes("PNG") ? 2 : 0;
    expect(inner.length).toBe(1);
    const bytes = inner[0]?.view.bytes ?? new Uint8Array();
    expect(equalBytes(bytes.subarray(0, PAYLOAD.length), PAYLOAD)).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(PAYLOAD.length + spare);
    expect(reasons).toEqual([]);
  });

  it.each(["raw resource", "base64", "AES-CBC, key and IV in .cctor", "gzip resource"] as const)(
    "finds a script held as: %s",
    (way) => {
      const { inner } = peel(carry(way, SCRIPT));
      expect(inner.map(({ kind, view }) => [kind, equalBytes(view.bytes, SCRIPT)])).toEqual([
        ["script", true],
      ]);
    },
  );

  it.each(["loader-gzip.exe", "loader-aes.exe"])("finds the program in %s, which mcs compiled", (name) => {
    const { inner } = peel(fixture(name));
    expect(inner.map(({ view }) => equalBytes(view.bytes, fixture("inner.exe")))).toEqual([true]);
  });

  it("says the whole way from the file to the program", () => {
    const { inner, ledger } = peel(carry("AES-CBC of gzip, base64 key", PAYLOAD));
    const chain = ledger.chain(inner[0]?.view.artifact ?? 0);
    expect(chain.slice(1)).toEqual(["utf16le", "base64", "aes-cbc", "gunzip"]);
    expect(chain[0]).toMatch(/^string 0x70/);
  });

  it("says where the key and the IV stand", () => {
    const { inner, ledger } = peel(carry("AES-CBC, key and IV in .cctor", PAYLOAD));
    const [step] = ledger.entries[inner[0]?.view.artifact ?? 0]?.steps ?? [];
    const read = (step?.at ?? []).map((span) => hex(ledger.read([span]) ?? new Uint8Array()));
    expect(read).toEqual([step?.params?.key, step?.params?.iv]);
  });

  it("calls Costura's assemblies by their names", () => {
    expect(peel(carry("costura", PAYLOAD)).inner.map(({ name }) => name)).toEqual(["inner.dll"]);
  });

  it("takes nothing out of noise, pictures and prose, and says of noise that it looks encrypted", () => {
    const prose = latin1Bytes("It was a dark and stormy night; the rain fell in torrents. ".repeat(200));
    const resources = [
      { name: "noise", data: noise(20_000) },
      { name: "prose", data: prose },
      { name: "picture", data: latin1Bytes(`\x89PNG\r\n\x1a\n${"x".repeat(5000)}`) },
      { name: "MZ", data: latin1Bytes(`MZ${"\0".repeat(5000)}`) },
    ];
    const { inner, reasons } = peel(buildAssembly({ name: "Plain", types: [], resources }));
    expect(inner).toEqual([]);
    expect(reasons.map(({ code, text }) => `${code}: ${text.slice(0, 14)}`)).toEqual([
      "encrypted: resource noise",
    ]);
  });

  it("is silent about what is no .NET program", () => {
    for (const bytes of [PAYLOAD, noise(5000), new Uint8Array()])
      expect(peel(bytes)).toMatchObject({ inner: [], reasons: [] });
  });

  it("stops a bomb at the budget, and says so", () => {
    const budget = new Budget({ ...DEFAULT_LIMITS, bytes: 200_000 });
    const bomb = new Uint8Array(3_000_000);
    bomb.set(PAYLOAD);
    const { inner, reasons } = peel(carry("gzip resource", bomb), budget);
    expect(inner.every(({ view }) => view.length <= 200_000)).toBe(true);
    expect(reasons.map(({ code }) => code)).toContain("limit");
    expect(budget.cuts).toContain("ratio");
  });

  it("names protectors with the place of their mark", () => {
    const code = [
      ["ldarg.0"],
      ["call", "instance void [mscorlib]System.Attribute::.ctor()"],
      ["ret"],
    ] as const;
    const spec = { name: "P", types: [{ name: "ConfusedByAttribute", methods: [{ name: ".ctor", code }] }] };
    const { inner, reasons } = peel(buildAssembly(spec));
    expect(inner).toEqual([]);
    expect(
      reasons.map((reason) => [reason.code, reason.text.includes("ConfuserEx"), reason.at?.length]),
    ).toEqual([["protector", true, 1]]);
  });

  it("throws on no damage", () => {
    const sound = (["resource set, object", "AES-CBC, key and IV in .cctor", "base64"] as const).map((way) =>
      carry(way, PAYLOAD.subarray(0, 3000)),
    );
    fc.assert(
      fc.property(
        fc.nat(2),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 }),
        (which, changes) => {
          const bytes = Uint8Array.from(sound[which] as Uint8Array);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          peel(bytes);
        },
      ),
      { seed: 11, numRuns: 60 },
    );
  });
});

describe("readResourceSet", () => {
  const set = resourceSet([
    { name: "a", kind: "text", data: latin1Bytes("some text") },
    { name: "b", kind: "bytes", data: Uint8Array.of(1, 2, 3) },
    { name: "c", kind: "object", data: Uint8Array.of(4, 5, 6, 7) },
  ]);

  it("gives names, kinds and bytes in file order", () => {
    const read = readResourceSet(new View(set));
    expect(read.ok && read.value.map(({ name, kind, data }) => [name, kind, [...data.bytes]])).toEqual([
      ["a", "text", [...latin1Bytes("some text")]],
      ["b", "bytes", [1, 2, 3]],
      ["c", "object", [4, 5, 6, 7]],
    ]);
  });

  it("gives what is left of a damaged set, and never throws", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(set.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(set.length),
        (changes, end) => {
          const bytes = Uint8Array.from(set);
          for (const [at, value] of changes) bytes[at] = value;
          readResourceSet(new View(bytes.subarray(0, end)));
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });
});
