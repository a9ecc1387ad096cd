import { describe, expect, it } from "vitest";
import { type AssemblySpec, buildAssembly, byteArray, defaultConstructor } from "./dotnet-writer.ts";

const SPEC: AssemblySpec = {
  name: "carrier",
  types: [
    {
      namespace: "My.App",
      name: "Settings",
      fields: [
        { name: "Hosts", type: "string" },
        { name: "On", type: "bool" },
        { name: "Salt", type: "uint8[]" },
        { name: "Other", type: "int32", static: false },
      ],
      methods: [
        {
          name: ".cctor",
          code: [
            ["ldstr", "a.example:1"],
            ["stsfld", "My.App.Settings::Hosts"],
            ["ldc.i4", 1],
            ["stsfld", "My.App.Settings::On"],
            ...byteArray("A1", 5),
            ["stsfld", "My.App.Settings::Salt"],
            ["ret"],
          ],
        },
        defaultConstructor([["ldarg.0"], ["ldc.i4", 70000], ["stfld", "My.App.Settings::Other"]]),
        {
          name: "Decode",
          returns: "string",
          parameters: ["string", "int32"],
          locals: ["uint8[]", "int32"],
          code: [
            ["ldarg.0"],
            ["call", "uint8[] [mscorlib]System.Convert::FromBase64String(string)"],
            ["stloc.0"],
            "top:",
            ["ldloc.1"],
            ["ldc.i4", 100],
            ["blt.s", "top"],
            ["ldarg.1"],
            ["switch", ["top", "end"]],
            "end:",
            ["call", "class [mscorlib]System.Text.Encoding [mscorlib]System.Text.Encoding::get_UTF8()"],
            ["ldloc.0"],
            ["callvirt", "instance string [mscorlib]System.Text.Encoding::GetString(uint8[])"],
            ["ret"],
          ],
        },
      ],
    },
  ],
  arrays: { A1: Uint8Array.of(1, 2, 3, 4, 5) },
  resources: [
    { name: "one", data: Uint8Array.of(9, 8, 7) },
    { name: "two", data: new Uint8Array(20).fill(3) },
  ],
  attributes: [
    {
      type: "[mscorlib]System.Runtime.InteropServices.GuidAttribute",
      value: "11111111-2222-3333-4444-555555555555",
    },
  ],
};

describe("the assembly writer", () => {
  it("gives the same bytes for the same description", () => {
    expect(buildAssembly(SPEC)).toEqual(buildAssembly(SPEC));
  });

  it("writes a PE32 with a CLI header and a metadata root where the header says", () => {
    const bytes = buildAssembly(SPEC);
    const data = new DataView(bytes.buffer);
    expect(data.getUint16(0, true)).toBe(0x5a4d);
    const cli = data.getUint32(0x80 + 24 + 96 + 14 * 8, true);
    // .text: RVA 0x2000 at file offset 0x200.
    const metadata = data.getUint32(cli - 0x2000 + 0x200 + 8, true);
    expect(data.getUint32(metadata - 0x2000 + 0x200, true)).toBe(0x424a5342);
  });

  it("refuses names and instructions that do not exist", () => {
    const method = (code: AssemblySpec["types"][number]["methods"]) =>
      buildAssembly({ name: "x", types: [{ name: "T", methods: code }] });
    expect(() => method([{ name: "M", code: [["ldstrr", "x"]] }])).toThrow(RangeError);
    expect(() => method([{ name: "M", code: [["stsfld", "T::None"]] }])).toThrow(RangeError);
    expect(() => method([{ name: "M", code: [["br.s", "nowhere"]] }])).toThrow(RangeError);
  });
});
