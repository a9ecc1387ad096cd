import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hex, utf16le, View } from "../../bytes/index.ts";
import { openImage } from "../open-image.ts";
import {
  type CilValue,
  constantBytes,
  constantText,
  type Dotnet,
  type FieldStore,
  methodEffects,
  parseDotnet,
  staticFieldStores,
} from "./index.ts";

function load(name: string): { module: Dotnet; bytes: Uint8Array } {
  const bytes = new Uint8Array(readFileSync(new URL(`./fixtures/${name}.exe`, import.meta.url)));
  const image = openImage(new View(bytes));
  const result = parseDotnet(image, { rva: image.pe?.dataDirectories[14]?.virtualAddress ?? 0, size: 72 });
  if (!result.ok) throw new Error(result.error.code);
  return { module: result.value, bytes };
}

const settings = load("settings");
const noise = load("noise");

function methodRid(module: Dotnet, name: string): number {
  return module.methods.find((m) => module.nameOf(0x06000000 + m.rid) === name)?.rid ?? 0;
}

/** Stores by field name, without the type. */
function storesOf(module: Dotnet, method: string): Map<string, FieldStore> {
  const stores = staticFieldStores(module, methodRid(module, method));
  return new Map(stores.map((store) => [store.name.slice(store.name.indexOf("::") + 2), store]));
}

const config = storesOf(settings.module, "Fixture.Settings::.cctor");
const stored = (name: string): CilValue => config.get(name)?.value ?? { kind: "unknown", at: [] };
const textOf = (name: string): string | undefined => constantText(stored(name))?.value;
const bytesOf = (name: string): string | undefined => {
  const known = constantBytes(stored(name));
  return known && hex(known.value);
};

describe("a static constructor", () => {
  it("stores its fields in the order of the source", () => {
    expect([...config.keys()].slice(0, 8)).toEqual([
      "HOSTS",
      "EMPTY",
      "NULLED",
      "UNICODE",
      "INSTALL",
      "HIDE",
      "DELAY",
      "SMALL",
    ]);
    expect(config.size).toBe(28);
    expect([...config.values()].every((s) => s.isStatic && !s.isConditional && s.fieldRid > 0)).toBe(true);
  });

  it("stores strings, with the span of their text in #US", () => {
    expect(stored("HOSTS")).toMatchObject({
      kind: "string",
      text: { value: "example.com:4782;192.0.2.7:443;" },
    });
    const span = stored("UNICODE").at[0];
    const raw = settings.bytes.subarray(span?.offset, (span?.offset ?? 0) + (span?.length ?? 0));
    expect(utf16le(raw)).toBe("Grüße, 世界 😀");
  });

  it("stores null, and the empty string as String.Empty", () => {
    expect(stored("NULLED").kind).toBe("null");
    expect(stored("EMPTY")).toMatchObject({ kind: "field", name: "System.String::Empty" });
    expect(textOf("EMPTY")).toBe("");
    expect(textOf("NULLED")).toBeUndefined();
  });

  it("stores numbers, bools and enums", () => {
    const numbers = ["INSTALL", "HIDE", "DELAY", "SMALL", "MINUS", "LEVEL"].map(stored);
    expect(numbers.map((v) => v.kind === "int" && v.value)).toEqual([1, 0, 3000, 26, -1, 7]);
    expect(stored("BIG")).toMatchObject({ kind: "long", value: 0x1122334455667788n });
    expect(stored("RATIO")).toMatchObject({ kind: "float", value: 1.5 });
    // 20 b8 0b 00 00: the instruction that makes 3000.
    const span = stored("DELAY").at[0];
    expect(hex(settings.bytes.subarray(span?.offset, (span?.offset ?? 0) + 5))).toBe("20b80b0000");
  });

  it("fills byte arrays from initial data and one by one", () => {
    expect(bytesOf("SALT")).toBe("bfeb1e56fbcd973bb219022430a57843");
    expect(stored("SALT")).toMatchObject({
      kind: "array",
      elementType: "System.Byte",
      length: 16,
      isExact: true,
    });
    const span = constantBytes(stored("SALT"))?.at[0];
    expect(hex(settings.bytes.subarray(span?.offset, (span?.offset ?? 0) + 16))).toBe(bytesOf("SALT"));
    expect(bytesOf("TINY")).toBe("0102");
  });

  it("fills other arrays", () => {
    const numbers = stored("NUMBERS");
    expect(numbers.kind === "array" && numbers.data?.i32(8)).toBe(300000);
    const names = stored("NAMES");
    const items = names.kind === "array" ? [...names.items.values()] : [];
    expect(items.map((item) => constantText(item)?.value)).toEqual(["alpha", "beta"]);
    expect(bytesOf("NAMES")).toBeUndefined();
  });

  it("stores what calls give, with their arguments", () => {
    const folder = {
      kind: "call",
      method: "System.Environment::GetFolderPath",
      args: [{ kind: "int", value: 26 }],
    };
    expect(stored("FOLDER")).toMatchObject(folder);
    expect(stored("PATH")).toMatchObject({
      kind: "call",
      method: "System.IO.Path::Combine",
      args: [
        folder,
        { kind: "string", text: { value: "sub" } },
        { kind: "string", text: { value: "a.exe" } },
      ],
    });
    expect(stored("KEY")).toMatchObject({ method: "System.Convert::FromBase64String" });
    expect(bytesOf("KEY")).toBeUndefined();
    expect(bytesOf("ENCODED")).toBe("70617373");
    expect(stored("DECRYPTED")).toMatchObject({
      kind: "call",
      method: "Fixture.Crypt::Decrypt",
      args: [{ kind: "string", text: { value: "c3RvcmVk" } }],
    });
    expect(textOf("DECRYPTED")).toBeUndefined();
  });

  it("stores new objects, with their arguments", () => {
    expect(stored("LIST")).toMatchObject({
      kind: "new",
      type: "System.Collections.Generic.List`1",
      args: [],
    });
    expect(stored("NESTED")).toMatchObject({
      kind: "new",
      type: "Fixture.Holder`1/Inner",
      args: [{ text: { value: "deep" } }, { value: 5 }],
    });
  });

  it("puts strings together, and reads fields that it stored itself", () => {
    expect(textOf("JOINED")).toBe("example.com:4782;192.0.2.7:443;|tail");
    expect(constantText(stored("JOINED"))?.at).toHaveLength(3);
    expect(textOf("JUNKED")).toBe("AppData");
    expect(textOf("SPELLED")).toBe("net");
    expect(textOf("COPY")).toBe("example.com:4782;192.0.2.7:443;");
  });
});

describe("an instance constructor", () => {
  it("stores the fields of its object", () => {
    const stores = storesOf(settings.module, "Fixture.EntryPoint::.ctor");
    expect([...stores].map(([name, s]) => [name, constantText(s.value)?.value])).toEqual([
      ["IP", "192.0.2.38:60668"],
      ["ID", "build"],
      ["Message", ""],
      ["Key", "Formative"],
    ]);
    expect(stores.get("IP")).toMatchObject({ isStatic: false, object: { kind: "argument", index: 0 } });
  });

  it("stores its arguments as such, and names fields of generic types by their MemberRef", () => {
    const stores = staticFieldStores(
      settings.module,
      methodRid(settings.module, "Fixture.Holder`1/Inner::.ctor"),
    );
    expect(stores.map((s) => [s.name, s.fieldRid, s.value.kind === "argument" && s.value.index])).toEqual([
      ["Fixture.Holder`1/Inner::Name", 0, 1],
      ["Fixture.Holder`1/Inner::Count", 0, 2],
    ]);
  });
});

describe("other methods", () => {
  it("return constants", () => {
    const { returns } = methodEffects(
      settings.module,
      methodRid(settings.module, "Fixture.EntryPoint::get_Name"),
    );
    expect(returns.map((value) => constantText(value)?.value)).toEqual(["constant"]);
  });

  it("make calls, in order", () => {
    const { calls } = methodEffects(settings.module, methodRid(settings.module, "Fixture.Settings::.cctor"));
    expect(calls.filter((c) => c.isNew).map((c) => c.method)).toEqual([
      "System.String::.ctor",
      "System.Collections.Generic.List`1::.ctor",
      "Fixture.Holder`1/Inner::.ctor",
    ]);
  });

  it("are walked both ways behind an unknown branch, and what differs is unknown", () => {
    const stores = storesOf(settings.module, "Fixture.Branches::Choose");
    expect(stores.get("Sure")).toMatchObject({ isConditional: false, value: { text: { value: "before" } } });
    expect(stores.get("Either")).toMatchObject({ isConditional: true, value: { kind: "unknown" } });
    expect(stores.get("Same")).toMatchObject({ isConditional: true, value: { text: { value: "one" } } });
    expect(stores.get("Looped")?.value.kind).toBe("unknown");
    const { returns } = methodEffects(
      settings.module,
      methodRid(settings.module, "Fixture.Branches::Switch"),
    );
    expect(returns.map((v) => v.kind === "int" && v.value).sort()).toEqual([-1, 10, 11, 12, 13]);
  });

  it("without CIL do nothing", () => {
    expect(methodEffects(settings.module, 0)).toEqual({ stores: [], calls: [], returns: [] });
    expect(methodEffects(settings.module, 4000)).toEqual({ stores: [], calls: [], returns: [] });
  });
});

describe("noise between a constant and its store", () => {
  const stores = storesOf(noise.module, "Noise::.cctor");
  const value = (name: string): CilValue | undefined => stores.get(name)?.value;
  const text = (name: string): string | undefined =>
    constantText(value(name) ?? { kind: "unknown", at: [] })?.value;

  it("falls away: locals, nop, jumps to the next, dup and pop", () => {
    expect(text("ViaLocal")).toBe("through a local");
    expect(text("ViaDup")).toBe("dup and pop");
    expect(text("ViaBranch")).toBe("over junk");
  });

  it("falls away: predicates that are always the same", () => {
    expect(text("ViaPredicate")).toBe("the way that is taken");
    expect([...stores.values()].some((store) => store.isConditional)).toBe(false);
  });

  it("falls away: flattened control flow, in the order of execution", () => {
    const order = [...stores.keys()].filter((name) => name.startsWith("Flat"));
    expect(order.map((name) => [name, text(name)])).toEqual([
      ["Flat1", "first"],
      ["Flat2", "second"],
      ["Flat3", "third"],
    ]);
  });

  it("is folded: arithmetic on constants", () => {
    expect(value("Folded")).toMatchObject({ kind: "int", value: -~((0x12345678 ^ 0x0f0f0f0f) - 1000) });
    expect(value("Unsigned")).toMatchObject({ kind: "int", value: 9362 });
    expect(value("Wide")).toMatchObject({ kind: "long", value: 0x1ffffffffn });
    expect(value("Compared")).toMatchObject({ kind: "int", value: 1 });
  });

  it("leaves the call that decrypts, with its arguments", () => {
    expect(value("Decrypted")).toMatchObject({
      method: "Noise::Decrypt",
      args: [{}, { kind: "int", value: 66 }],
    });
    expect(value("ViaPointer")).toMatchObject({
      method: "Noise::Decrypt",
      args: [{ text: { value: "pointed" } }, { value: 1 }],
    });
  });

  it("does not hide elements stored after the array", () => {
    const later = value("Later");
    expect(hex((later && constantBytes(later))?.value ?? new Uint8Array())).toBe("c800c9");
  });

  it("is not taken for constant when somebody else may have written it", () => {
    const passed = value("Passed");
    const argument = passed?.kind === "call" ? passed.args[0] : undefined;
    expect(hex((argument && constantBytes(argument))?.value ?? new Uint8Array())).toBe("07");
    expect(value("Changed")).toMatchObject({ kind: "array", isExact: false });
    expect(constantBytes(value("Changed") ?? { kind: "unknown", at: [] })).toBeUndefined();
    expect(value("Pointed")?.kind).toBe("unknown");
  });
});
