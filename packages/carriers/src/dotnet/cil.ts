/** A small assembler of CIL (ECMA-335 partition III), with ilasm's instruction names. */
import { ByteWriter } from "./bytes.ts";

/**
 * An instruction as `[name]` or `[name, operand]`, or a label as `"name:"`. `ldc.i4` takes its shortest form, as
 * csc writes it; branches take labels; `switch` takes a list of labels; others take ilasm-like names.
 */
export type Cil =
  | readonly [op: string]
  | readonly [op: string, operand: number | bigint | string | readonly string[]]
  | `${string}:`;

/** How tokens are made of names; `kind` is what the instruction wants. */
export interface TokenSource {
  userString(text: string): number;
  method(reference: string): number;
  field(reference: string): number;
  type(reference: string): number;
}

type OperandKind =
  | "none"
  | "i1"
  | "i4"
  | "i8"
  | "r4"
  | "r8"
  | "u1"
  | "u2"
  | "br1"
  | "br4"
  | "switch"
  | "string"
  | "method"
  | "field"
  | "type"
  | "token";

/** First opcode of a run, and the names from there on; `-` for a hole. */
const RUNS: readonly (readonly [number, string])[] = [
  [
    0x00,
    "nop break ldarg.0 ldarg.1 ldarg.2 ldarg.3 ldloc.0 ldloc.1 ldloc.2 ldloc.3 stloc.0 stloc.1 stloc.2 stloc.3 ldarg.s ldarga.s starg.s ldloc.s ldloca.s stloc.s ldnull ldc.i4.m1 ldc.i4.0 ldc.i4.1 ldc.i4.2 ldc.i4.3 ldc.i4.4 ldc.i4.5 ldc.i4.6 ldc.i4.7 ldc.i4.8 ldc.i4.s ldc.i4 ldc.i8 ldc.r4 ldc.r8 - dup pop jmp call calli ret",
  ],
  [
    0x2b,
    "br.s brfalse.s brtrue.s beq.s bge.s bgt.s ble.s blt.s bne.un.s bge.un.s bgt.un.s ble.un.s blt.un.s br brfalse brtrue beq bge bgt ble blt bne.un bge.un bgt.un ble.un blt.un switch",
  ],
  [
    0x46,
    "ldind.i1 ldind.u1 ldind.i2 ldind.u2 ldind.i4 ldind.u4 ldind.i8 ldind.i ldind.r4 ldind.r8 ldind.ref stind.ref stind.i1 stind.i2 stind.i4 stind.i8 stind.r4 stind.r8 add sub mul div div.un rem rem.un and or xor shl shr shr.un neg not conv.i1 conv.i2 conv.i4 conv.i8 conv.r4 conv.r8 conv.u4 conv.u8 callvirt cpobj ldobj ldstr newobj castclass isinst conv.r.un - - unbox throw ldfld ldflda stfld ldsfld ldsflda stsfld stobj",
  ],
  [
    0x8c,
    "box newarr ldlen ldelema ldelem.i1 ldelem.u1 ldelem.i2 ldelem.u2 ldelem.i4 ldelem.u4 ldelem.i8 ldelem.i ldelem.r4 ldelem.r8 ldelem.ref stelem.i stelem.i1 stelem.i2 stelem.i4 stelem.i8 stelem.r4 stelem.r8 stelem.ref ldelem stelem unbox.any",
  ],
  [0xd0, "ldtoken conv.u2 conv.u1 conv.i"],
  [0xdc, "endfinally leave leave.s"],
  [0xfe01, "ceq cgt cgt.un clt clt.un ldftn ldvirtftn - ldarg ldarga starg ldloc ldloca stloc"],
  [0xfe15, "initobj"],
];

const OPERANDS: readonly (readonly [OperandKind, string])[] = [
  ["i1", "ldc.i4.s"],
  ["i4", "ldc.i4"],
  ["i8", "ldc.i8"],
  ["r4", "ldc.r4"],
  ["r8", "ldc.r8"],
  ["u1", "ldarg.s ldarga.s starg.s ldloc.s ldloca.s stloc.s"],
  ["u2", "ldarg ldarga starg ldloc ldloca stloc"],
  [
    "br1",
    "br.s brfalse.s brtrue.s beq.s bge.s bgt.s ble.s blt.s bne.un.s bge.un.s bgt.un.s ble.un.s blt.un.s leave.s",
  ],
  ["br4", "br brfalse brtrue beq bge bgt ble blt bne.un bge.un bgt.un ble.un blt.un leave"],
  ["switch", "switch"],
  ["string", "ldstr"],
  ["method", "call callvirt newobj jmp ldftn ldvirtftn"],
  ["field", "ldfld ldflda stfld ldsfld ldsflda stsfld"],
  ["type", "cpobj ldobj castclass isinst unbox unbox.any stobj box newarr ldelema ldelem stelem initobj"],
  ["token", "ldtoken"],
];

const KIND = new Map(OPERANDS.flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])));
const CODE = new Map(
  RUNS.flatMap(([first, names]) => names.split(" ").map((name, i) => [name, first + i] as const)),
);

const OPERAND_SIZE: Readonly<Record<OperandKind, number>> = {
  none: 0,
  i1: 1,
  u1: 1,
  br1: 1,
  u2: 2,
  i4: 4,
  r4: 4,
  br4: 4,
  string: 4,
  method: 4,
  field: 4,
  type: 4,
  token: 4,
  i8: 8,
  r8: 8,
  switch: 4,
};

interface Plain {
  readonly code: number;
  readonly kind: OperandKind;
  readonly operand: number | bigint | string | readonly string[];
  readonly size: number;
}

/** Bytes of a method's code, without header. Throws RangeError on an unknown name or label: CIL here is source code. */
export function assembleCil(cil: readonly Cil[], tokens: TokenSource): Uint8Array {
  const labels = new Map<string, number>();
  const list: Plain[] = [];
  let at = 0;
  for (const item of cil) {
    if (typeof item === "string") {
      labels.set(item.slice(0, -1), at);
      continue;
    }
    const plain = toPlain(item);
    list.push(plain);
    at += plain.size;
  }
  const target = (name: number | bigint | string | readonly string[], end: number) => {
    const to = labels.get(String(name));
    if (to === undefined) throw new RangeError(`no label ${String(name)}`);
    return to - end;
  };
  const out = new ByteWriter();
  for (const { code, kind, operand, size } of list) {
    const end = out.length + size;
    if (code > 0xff) out.u8(code >> 8);
    out.u8(code & 0xff);
    switch (kind) {
      case "none":
        break;
      case "i1":
      case "u1":
        out.u8(Number(operand) & 0xff);
        break;
      case "u2":
        out.u16(Number(operand));
        break;
      case "i4":
        out.u32(Number(operand) >>> 0);
        break;
      case "i8":
        out.u64(BigInt.asUintN(64, BigInt(operand as number | bigint)));
        break;
      case "r4":
        out.bytes(new Uint8Array(Float32Array.of(Number(operand)).buffer));
        break;
      case "r8":
        out.bytes(new Uint8Array(Float64Array.of(Number(operand)).buffer));
        break;
      case "br1": {
        const by = target(operand, end);
        if (by < -128 || by > 127) throw new RangeError(`branch to ${String(operand)} is too far`);
        out.u8(by & 0xff);
        break;
      }
      case "br4":
        out.u32(target(operand, end) >>> 0);
        break;
      case "switch": {
        const names = operand as readonly string[];
        out.u32(names.length);
        for (const name of names) out.u32(target(name, end) >>> 0);
        break;
      }
      case "string":
        out.u32((0x70000000 | tokens.userString(String(operand))) >>> 0);
        break;
      case "token":
        out.u32(anyToken(String(operand), tokens));
        break;
      default:
        out.u32(tokens[kind](String(operand)));
    }
  }
  return out.toBytes();
}

function toPlain(item: Exclude<Cil, string>): Plain {
  let [op, operand = 0] = item;
  if (op === "ldc.i4") {
    const value = Number(operand);
    if (value >= -1 && value <= 8) op = value < 0 ? "ldc.i4.m1" : `ldc.i4.${value}`;
    else if (value >= -128 && value <= 127) op = "ldc.i4.s";
  }
  const code = CODE.get(op);
  if (code === undefined || op === "-") throw new RangeError(`unknown instruction ${op}`);
  const kind = (KIND.get(op) ?? "none") as OperandKind;
  if (kind === "switch") operand = operand as readonly string[];
  const extra = kind === "switch" ? 4 * (operand as readonly string[]).length : 0;
  return { code, kind, operand, size: (code > 0xff ? 2 : 1) + OPERAND_SIZE[kind] + extra };
}

function anyToken(reference: string, tokens: TokenSource): number {
  if (reference.includes("(")) return tokens.method(reference);
  return reference.includes("::") ? tokens.field(reference) : tokens.type(reference);
}
