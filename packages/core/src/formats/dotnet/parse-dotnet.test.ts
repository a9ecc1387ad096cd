import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { concatBytes, hex, latin1, utf16le, View } from "../../bytes/index.ts";
import type { AddressSpace } from "../address-space.ts";
import type { Image } from "../image.ts";
import { openImage } from "../open-image.ts";
import { identitySpace, mapImage } from "./fixtures/rebuild-metadata.ts";
import { type Dotnet, fieldsOf, methodsOf, parseDotnet } from "./index.ts";

const bytes = new Uint8Array(readFileSync(new URL("./fixtures/settings.exe", import.meta.url)));
const image = openImage(new View(bytes));
const cli = image.pe?.dataDirectories[14];
const cliHeader = { rva: cli?.virtualAddress ?? 0, size: cli?.size ?? 0 };

function read(space: AddressSpace, header?: { rva: number; size: number }): Dotnet {
  const result = parseDotnet(space, header);
  if (!result.ok) throw new Error(`${result.error.code} ${result.error.field}`);
  return result.value;
}

const dotnet = read(image, cliHeader);
const typeRid = (name: string): number => dotnet.typeDefs.find((t) => t.name === name)?.rid ?? 0;
const methodRid = (name: string): number => dotnet.methods.find((m) => m.name === name)?.rid ?? 0;

/** Bytes of the file at a span, as a reader of a report would look them up. */
const at = (span: { offset: number; length: number } | undefined): Uint8Array =>
  bytes.subarray(span?.offset, (span?.offset ?? 0) + (span?.length ?? 0));

describe("a module", () => {
  it("says what it is", () => {
    expect(dotnet.runtimeVersion).toBe("v4.0.30319");
    expect(dotnet.moduleName).toBe("settings.exe");
    expect(dotnet.assemblyName).toBe("settings");
    expect(dotnet.mvid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(dotnet.flags & 1).toBe(1);
    expect(dotnet.nameOf(dotnet.entryPointToken)).toBe("Fixture.Program::Main");
    expect(dotnet.streams.map((s) => s.name)).toEqual(["#~", "#Strings", "#US", "#GUID", "#Blob"]);
    expect(dotnet.anomalies).toEqual([]);
  });

  it("has as many rows in each table as monodis counts", () => {
    const counts = {
      2: 13,
      4: 47,
      6: 14,
      10: 30,
      12: 8,
      29: 3,
      15: 2,
      41: 3,
      42: 3,
      43: 1,
      23: 1,
      11: 2,
      1: 27,
    };
    for (const [table, count] of Object.entries(counts)) expect(dotnet.rowCount(Number(table))).toBe(count);
    expect(dotnet.rowCount(0x30)).toBe(0);
  });

  it("gives the columns of a row in ECMA order, and none for a row that is not there", () => {
    // TypeDef 4: flags, name, namespace, extends 0x45 (TypeRef 17), field list 4, method list 2.
    expect(dotnet.row(2, 4)?.slice(3)).toEqual([0x45, 4, 2]);
    expect(dotnet.row(2, 0)).toBeUndefined();
    expect(dotnet.row(2, 14)).toBeUndefined();
    expect(dotnet.row(2, 1.5)).toBeUndefined();
    expect(dotnet.row(99, 1)).toBeUndefined();
  });
});

describe("types and members", () => {
  it("carry their namespace, base and ranges", () => {
    const settings = dotnet.typeDefs[3];
    expect(settings).toMatchObject({ rid: 4, namespace: "Fixture", name: "Settings", fields: [4, 32] });
    expect(settings?.methods).toEqual([2, 3]);
    expect(dotnet.nameOf(settings?.extends ?? 0)).toBe("System.Object");
    expect(dotnet.typeDefs[0]?.extends).toBe(0);
  });

  it("belong to the type whose range holds them", () => {
    expect(fieldsOf(dotnet, typeRid("EntryPoint")).map((f) => f.name)).toEqual([
      "IP",
      "ID",
      "Message",
      "Key",
    ]);
    expect(methodsOf(dotnet, typeRid("EntryPoint")).map((m) => m.name)).toEqual([".ctor", "get_Name"]);
    expect(dotnet.fields.every((field) => field.typeRid > 0)).toBe(true);
    expect(methodsOf(dotnet, 1)).toEqual([]);
  });

  it("are named by every kind of token", () => {
    const names: Record<number, string> = {
      1: "settings.exe",
      33554439: "Fixture.Holder`1/Inner",
      33554444: "<PrivateImplementationDetails>/$ArrayType=16",
      67108868: "Fixture.Settings::HOSTS",
      100663298: "Fixture.Settings::.cctor",
      16777243: "System.Runtime.CompilerServices.RuntimeCompatibilityAttribute",
      452984833: "System.Collections.Generic.List`1",
      452984834: "Fixture.Holder`1/Inner",
      385875969: "Name",
      704643073: "TOther",
      134217729: "text",
      536870913: "settings",
      587202561: "mscorlib",
      671088641: "Fixture.note",
    };
    for (const [token, name] of Object.entries(names)) expect(dotnet.nameOf(Number(token))).toBe(name);
    expect(dotnet.nameOf(0x2b000001)).toBe("Fixture.Holder`1::Map");
    const memberRefs = Array.from({ length: dotnet.rowCount(10) }, (_, i) => dotnet.nameOf(0x0a000001 + i));
    expect(memberRefs).toContain("System.Runtime.CompilerServices.RuntimeHelpers::InitializeArray");
    expect(memberRefs).toContain("Fixture.Holder`1/Inner::.ctor");
    expect(memberRefs).not.toContain(undefined);
    for (const token of [0, 0x02000000, 0x0200ffff, 0x70000001, 0xff000001, 0x11000001])
      expect(dotnet.nameOf(token)).toBeUndefined();
  });
});

describe("heaps", () => {
  it("give user strings with the span of their UTF-16LE bytes", () => {
    const strings = dotnet.userStrings();
    expect(strings[0]?.text.value).toBe("example.com:4782;192.0.2.7:443;");
    expect(strings.map((s) => s.text.value)).toContain("Grüße, 世界 😀");
    for (const { text } of strings) expect(utf16le(at(text.at[0]))).toBe(text.value);
    for (const string of strings) expect(dotnet.userString(0x70000000 + string.offset)).toBe(string);
    expect(dotnet.userString(0)?.text.value).toBe("");
    expect(dotnet.userString(0x71000001)).toBeUndefined();
    expect(dotnet.userString(0x70ffffff)).toBeUndefined();
  });

  it("give nothing outside", () => {
    expect(dotnet.string(0)).toBe("");
    expect(dotnet.string(1 << 30)).toBeUndefined();
    expect(dotnet.string(-1)).toBeUndefined();
    expect(dotnet.blob(1 << 30)).toBeUndefined();
  });
});

describe("method bodies", () => {
  it("are read tiny and fat, with their exception clauses", () => {
    const tiny = dotnet.body(methodRid("get_Name"));
    expect(tiny).toMatchObject({ maxStack: 8, exceptionClauses: 0, localVarSigTok: 0 });
    const fat = dotnet.body(methodRid("Guarded"));
    expect(fat).toMatchObject({ maxStack: 1, initLocals: true, exceptionClauses: 3 });
    expect(fat?.code.length).toBe(38);
    expect(dotnet.body(0)).toBeUndefined();
    expect(dotnet.body(999)).toBeUndefined();
  });

  it("decode to the last byte", () => {
    for (const method of dotnet.methods) {
      const last = dotnet.instructions(method.rid).at(-1);
      expect((last?.offset ?? 0) + (last?.size ?? 0)).toBe(dotnet.body(method.rid)?.code.length);
    }
    const branch = dotnet.instructions(methodRid("Switch")).find((i) => i.op === "switch");
    expect(branch?.operand).toHaveLength(4);
    expect(hex(branch?.view.bytes.subarray(0, 5) ?? bytes)).toBe("4504000000");
  });
});

describe("data", () => {
  it("of a field has the size of its value type", () => {
    const details = fieldsOf(dotnet, typeRid("<PrivateImplementationDetails>"));
    expect(details.map((field) => dotnet.fieldData(field.rid)?.length)).toEqual([16, 16, 8]);
    const salt = details.map((f) => hex(dotnet.fieldData(f.rid)?.bytes ?? new Uint8Array()));
    expect(salt).toContain("bfeb1e56fbcd973bb219022430a57843");
    expect(dotnet.fieldData(4)).toBeUndefined();
  });

  it("of embedded resources lies behind its length", () => {
    expect(dotnet.resources().map((r) => [r.name, latin1(r.data?.bytes ?? new Uint8Array())])).toEqual([
      ["Fixture.note", "embedded resource"],
    ]);
  });

  it("of custom attributes is the blob of their arguments", () => {
    const mark = dotnet.customAttributes().find((a) => a.constructorName === "Fixture.MarkAttribute::.ctor");
    expect(mark?.parent).toBe(0x02000000 + typeRid("EntryPoint"));
    expect(hex(mark?.value?.bytes ?? bytes)).toBe("0100066d61726b65642a0000000000");
  });
});

describe("a module whose headers are gone", () => {
  const summary = (module: Dotnet) => ({
    name: module.moduleName,
    entry: module.entryPointToken,
    code: module.methods.map((m) => module.instructions(m.rid).length),
    resources: module.resources().map((r) => r.data?.length),
    data: module.fields.map((f) => module.fieldData(f.rid)?.length),
  });

  it("reads the same without the data directory", () => {
    expect(summary(read(image))).toEqual(summary(dotnet));
    expect(read(image).anomalies.map((a) => a.code)).toEqual(["metadata-by-signature"]);
    expect(summary(read(image, { rva: 0, size: 0 }))).toEqual(summary(dotnet));
    expect(read(image, { rva: 0x7fffffff, size: 72 }).anomalies.map((a) => a.code)).toContain(
      "bad-cli-header",
    );
  });

  it("reads the same as it is mapped", () => {
    const mapped = identitySpace(mapImage(image));
    expect(summary(read(mapped, cliHeader))).toEqual(summary(dotnet));
    expect(summary(read(mapped))).toEqual(summary(dotnet));
  });

  it("reads code in the section of the CLI header from a file that nothing maps", () => {
    const wiped = bytes.slice();
    wiped.fill(0, 0, 0x200);
    const module = read(identitySpace(wiped));
    expect(summary(module).code).toEqual(summary(dotnet).code);
    expect(module.resources()[0]?.data?.length).toBe(17);
  });

  it("reads the same without any header, wherever the bytes lie", () => {
    const at = image.offsetOfRva(cliHeader.rva) ?? 0;
    for (const [name, whole] of [
      ["mapped", mapImage(image)],
      ["file", bytes],
    ] as const) {
      const bare = Uint8Array.from(whole).fill(0, 0, 0x200);
      const cli = name === "mapped" ? cliHeader.rva : at;
      bare.fill(0, cli, cli + 72);
      for (const shift of [0, 0x600, 0x5000]) {
        const placed = concatBytes(new Uint8Array(shift).fill(0x5a), bare, new Uint8Array(0x1000).fill(0x5a));
        const module = read(identitySpace(placed));
        expect(summary(module).code, `${name} at ${shift}`).toEqual(summary(dotnet).code);
        expect(summary(module).data, `${name} at ${shift}`).toEqual(summary(dotnet).data);
      }
    }
  });

  it("is one of several in a region, each with its own code", () => {
    const other = openImage(new View(readFileSync(new URL("./fixtures/noise.exe", import.meta.url))));
    const wiped = (one: Image) => mapImage(one).fill(0, 0, 0x1000);
    const region = new View(concatBytes(wiped(image), wiped(other), wiped(image)));
    const { modules, dotnet: best } = openImage(region, { layout: "raw", base: 0x1000_0000 });
    const codes = modules.map((module) => summary(module).code);
    expect(modules[0]).toBe(best);
    expect(codes).toHaveLength(3);
    expect(codes).toContainEqual(other.dotnet && summary(other.dotnet).code);
    expect(codes.filter((code) => isDeepStrictEqual(code, summary(dotnet).code))).toHaveLength(2);
    expect(openImage(region.clip(1), { layout: "raw" }).modules).toHaveLength(3);
    expect(image.modules).toEqual([image.dotnet]);
  });

  it("is the best of several that carry the signature", () => {
    const doubled = new Uint8Array(bytes.length + 64);
    doubled.set(
      Uint8Array.from("BSJB", (c) => c.charCodeAt(0)),
      0,
    );
    doubled.set(bytes, 64);
    expect(read(identitySpace(doubled)).moduleName).toBe("settings.exe");
  });

  it("is not there in bytes that hold none", () => {
    expect(parseDotnet(identitySpace(new Uint8Array(0)))).toMatchObject({
      ok: false,
      error: { code: "bad-magic" },
    });
    expect(parseDotnet(identitySpace(new Uint8Array(0x1000).fill(0x42)))).toMatchObject({ ok: false });
  });
});
