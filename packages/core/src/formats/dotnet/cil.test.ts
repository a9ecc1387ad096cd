import { describe, expect, it } from "vitest";
import { unhex, View } from "../../bytes/index.ts";
import { decodeCil } from "./cil.ts";
import { OPCODES, OPCODES_FE } from "./opcodes.ts";

const decode = (hex: string) =>
  decodeCil(new View(unhex(hex.replaceAll(" ", "")) ?? new Uint8Array())).map((i) => [i.op, i.operand]);

describe("the opcode table", () => {
  it("holds the instructions of ECMA-335 III at their numbers", () => {
    const named = (list: typeof OPCODES) => list.filter((opcode) => opcode !== undefined);
    // 219 instructions and prefixes: 191 of one byte, 28 behind 0xFE.
    expect(named(OPCODES)).toHaveLength(191);
    expect(named(OPCODES_FE)).toHaveLength(28);
    const places: [number, string][] = [
      [0x14, "ldnull"],
      [0x25, "dup"],
      [0x28, "call"],
      [0x2a, "ret"],
      [0x38, "br"],
      [0x45, "switch"],
      [0x58, "add"],
      [0x61, "xor"],
      [0x6f, "callvirt"],
      [0x72, "ldstr"],
      [0x73, "newobj"],
      [0x7e, "ldsfld"],
      [0x80, "stsfld"],
      [0x8d, "newarr"],
      [0x9c, "stelem.i1"],
      [0xa5, "unbox.any"],
      [0xb3, "conv.ovf.i1"],
      [0xba, "conv.ovf.u8"],
      [0xc2, "refanyval"],
      [0xc3, "ckfinite"],
      [0xc6, "mkrefany"],
      [0xd0, "ldtoken"],
      [0xdc, "endfinally"],
      [0xdd, "leave"],
      [0xdf, "stind.i"],
      [0xe0, "conv.u"],
    ];
    for (const [code, name] of places) expect([code, OPCODES[code]?.name]).toEqual([code, name]);
    const wide: [number, string][] = [
      [0x01, "ceq"],
      [0x06, "ldftn"],
      [0x0f, "localloc"],
      [0x11, "endfilter"],
      [0x16, "constrained."],
      [0x19, "no."],
      [0x1a, "rethrow"],
      [0x1c, "sizeof"],
      [0x1e, "readonly."],
    ];
    for (const [code, name] of wide) expect([code, OPCODES_FE[code]?.name]).toEqual([code, name]);
  });
});

describe("operands", () => {
  it("are what the instruction means, short forms too", () => {
    expect(decode("15 16 1e 1f80 20ffffff7f 21efcdab8967452301")).toEqual([
      ["ldc.i4.m1", -1],
      ["ldc.i4.0", 0],
      ["ldc.i4.8", 8],
      ["ldc.i4.s", -128],
      ["ldc.i4", 0x7fffffff],
      ["ldc.i8", 0x0123456789abcdefn],
    ]);
    expect(decode("22 0000c03f 23 000000000000f8bf")).toEqual([
      ["ldc.r4", 1.5],
      ["ldc.r8", -1.5],
    ]);
    expect(decode("03 11ff fe0c0201 0c 72 01000070 00")).toEqual([
      ["ldarg.1", 1],
      ["ldloc.s", 255],
      ["ldloc", 0x102],
      ["stloc.2", 2],
      ["ldstr", 0x70000001],
      ["nop", undefined],
    ]);
  });

  it("of branches are offsets in the code", () => {
    expect(decode("2bfe 38 00000000 2c01 00")).toEqual([
      ["br.s", 0],
      ["br", 7],
      ["brfalse.s", 10],
      ["nop", undefined],
    ]);
    expect(decode("45 02000000 01000000 f3ffffff 2a")).toEqual([
      ["switch", [14, 0]],
      ["ret", undefined],
    ]);
  });
});

describe("decoding stops", () => {
  it("at what is no instruction", () => {
    expect(decode("00 24 00")).toEqual([["nop", undefined]]);
    expect(decode("00 fe08")).toEqual([["nop", undefined]]);
    expect(decode("00 ff")).toEqual([["nop", undefined]]);
  });

  it("at an operand that is cut off", () => {
    for (const code of ["72 010000", "fe", "fe09 00", "45 0100", "45 01000000 000000", "21 00", "1f"])
      expect(decode(code)).toEqual([]);
  });

  it("at a switch of four thousand million targets", () => {
    expect(decode("45 ffffffff 00000000")).toEqual([]);
  });
});
