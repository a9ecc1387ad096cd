import { buildPe, type PeSection } from "@assay/carriers/pe-writer";
import { describe, expect, it } from "vitest";
import { latin1Bytes, unhex } from "../../bytes/index.ts";
import { openImage } from "../../formats/index.ts";
import { Ledger } from "../../model/index.ts";
import { Budget } from "../budget.ts";
import { packers } from "./packers.ts";

const EXECUTABLE = 0xe0000020;

/** A PE with these sections whose entry point is the first byte of `entry`. */
function pe(entry: string, code: string, names: readonly string[], is64 = false): Uint8Array {
  const sections: PeSection[] = names.map((name) => {
    const data = new Uint8Array(0x200);
    if (name === entry) data.set(unhex(code.replaceAll(" ", "")) ?? []);
    return { name, data, characteristics: EXECUTABLE };
  });
  const file = buildPe({ is64, sections });
  const image = openImage(new Ledger(file).sample);
  const rva = image.pe?.sections.find((section) => section.name === entry)?.virtualAddress ?? 0;
  new DataView(file.buffer).setUint32(0x80 + 40, rva, true);
  return file;
}

function peel(file: Uint8Array) {
  const ledger = new Ledger(file);
  const image = openImage(ledger.sample);
  return packers.peel({ image, format: image.format, name: undefined, ledger, budget: new Budget() });
}

const named = (file: Uint8Array) => peel(file).reasons.map((r) => r.text.replace(/^packed with | \(.*/g, ""));

describe("the packers layer", () => {
  it.each([
    ["MPRESS", "60E80000000058050100000 08B3003F02BC08BFE66ADC1E00C".replace(" ", "")],
    ["ASPack", "60E803000000E9EB045D4555C3E801000000EB5D"],
    ["FSG", "872510204000619455A4B680FF1373F933C9"],
    ["PEtite", "B80010400068002040 0064FF35000000006489250000000066 9C6050".replaceAll(" ", "")],
    ["PECompact", "B8001040005064FF35000000006489250000000033C08908504543 6F6D7061637432".replace(" ", "")],
    ["NsPack", "9C60E8000000005DB8070000002BE88DB5"],
    ["Upack", "BE88014000AD8BF895A533C033C9AB48ABF7D8B104F3AB"],
  ])("names %s by its entry code, whatever the sections are called", (name, code) => {
    const { inner, reasons } = peel(pe(".text", code, [".text", ".data"]));
    expect(inner).toEqual([]);
    expect(reasons).toMatchObject([{ stage: "layer/packers", code: "packer" }]);
    expect(reasons[0]?.text).toContain(`packed with ${name} (entry code)`);
    expect(reasons[0]?.at).toEqual([{ artifact: 0, offset: 0x200, length: code.length / 2 }]);
  });

  it("names 64-bit MPRESS", () => {
    const code = "575653515241 50488D05DE0A0000488B304803F0482BC0488BFE66ADC1E00C".replace(" ", "");
    expect(named(pe(".text", code, [".text"], true))).toEqual(["MPRESS"]);
  });

  it.each([
    ["MPRESS", ".MPRESS2", [".MPRESS1", ".MPRESS2"]],
    ["ASPack", ".aspack", [".text", ".aspack", ".adata"]],
    ["PEtite", ".petite", [".text", ".petite"]],
    ["NsPack", ".nsp1", [".nsp0", ".nsp1"]],
    ["Themida or WinLicense", ".boot", [".text", ".themida", ".boot"]],
    ["VMProtect", ".vmp1", [".text", ".vmp0", ".vmp1"]],
    ["Enigma Protector or Enigma Virtual Box", ".enigma2", [".text", ".enigma1", ".enigma2"]],
  ])("names %s by its sections with the entry point inside", (name, entry, names) => {
    expect(named(pe(entry, "C3", names))).toEqual([name]);
  });

  it("names MEW by its jump back into the headers, Armadillo by the linker's version", () => {
    const mew = pe("MEW", "E900000000", ["MEW", ".data"]);
    const image = openImage(new Ledger(mew).sample);
    const entry = image.pe?.addressOfEntryPoint ?? 0;
    const jump = image.offsetOfRva(entry) ?? 0;
    new DataView(mew.buffer).setInt32(jump + 1, 0x154 - (entry + 5), true);
    expect(named(mew)).toEqual(["MEW"]);
    const armadillo = pe(".text", "C3", [".text", ".text1", ".data1"]);
    expect(named(armadillo)).toEqual([]);
    armadillo.set([0x53, 0x52], 0x80 + 26);
    expect(named(armadillo)).toEqual(["Armadillo"]);
  });

  it("does not go by a section's name alone", () => {
    for (const name of [
      ".MPRESS1",
      ".aspack",
      ".petite",
      "MEW",
      "PEC2",
      ".nsp0",
      ".themida",
      ".vmp0",
      ".enigma1",
    ])
      expect(named(pe(".text", "C3", [".text", name]))).toEqual([]);
  });

  it("names nothing in what is not a PE", () => {
    expect(peel(latin1Bytes("MPRESS1")).reasons).toEqual([]);
    expect(peel(new Uint8Array(0)).reasons).toEqual([]);
  });
});
