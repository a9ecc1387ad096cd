/** The instruction set (ECMA-335 III.1.2.1), as a table. */

/**
 * How an operand is stored: nothing, signed byte, unsigned byte (`ldarg.s`), dword, qword, floats, token, branch
 * distances of one and four bytes, a local or argument number of two bytes, the table of a switch. `=n`: no bytes,
 * the opcode itself stands for n.
 */
export type OperandKind =
  | ""
  | "i1"
  | "u1"
  | "u2"
  | "i4"
  | "i8"
  | "r4"
  | "r8"
  | "token"
  | "br1"
  | "br4"
  | "switch";

export interface Opcode {
  readonly name: string;
  readonly kind: OperandKind;
  /** Operand of a short form. */
  readonly implied: number | undefined;
}

/** One-byte opcodes from 0x00, in order; `-` where none is. */
const ONE_BYTE =
  // 00
  "nop break ldarg.0=0 ldarg.1=1 ldarg.2=2 ldarg.3=3 ldloc.0=0 ldloc.1=1 " +
  "ldloc.2=2 ldloc.3=3 stloc.0=0 stloc.1=1 stloc.2=2 stloc.3=3 ldarg.s:u1 ldarga.s:u1 " +
  // 10
  "starg.s:u1 ldloc.s:u1 ldloca.s:u1 stloc.s:u1 ldnull ldc.i4.m1=-1 ldc.i4.0=0 ldc.i4.1=1 " +
  "ldc.i4.2=2 ldc.i4.3=3 ldc.i4.4=4 ldc.i4.5=5 ldc.i4.6=6 ldc.i4.7=7 ldc.i4.8=8 ldc.i4.s:i1 " +
  // 20
  "ldc.i4:i4 ldc.i8:i8 ldc.r4:r4 ldc.r8:r8 - dup pop jmp:token " +
  "call:token calli:token ret br.s:br1 brfalse.s:br1 brtrue.s:br1 beq.s:br1 bge.s:br1 " +
  // 30
  "bgt.s:br1 ble.s:br1 blt.s:br1 bne.un.s:br1 bge.un.s:br1 bgt.un.s:br1 ble.un.s:br1 blt.un.s:br1 " +
  "br:br4 brfalse:br4 brtrue:br4 beq:br4 bge:br4 bgt:br4 ble:br4 blt:br4 " +
  // 40
  "bne.un:br4 bge.un:br4 bgt.un:br4 ble.un:br4 blt.un:br4 switch:switch ldind.i1 ldind.u1 " +
  "ldind.i2 ldind.u2 ldind.i4 ldind.u4 ldind.i8 ldind.i ldind.r4 ldind.r8 " +
  // 50
  "ldind.ref stind.ref stind.i1 stind.i2 stind.i4 stind.i8 stind.r4 stind.r8 " +
  "add sub mul div div.un rem rem.un and " +
  // 60
  "or xor shl shr shr.un neg not conv.i1 " +
  "conv.i2 conv.i4 conv.i8 conv.r4 conv.r8 conv.u4 conv.u8 callvirt:token " +
  // 70
  "cpobj:token ldobj:token ldstr:token newobj:token castclass:token isinst:token conv.r.un - " +
  "- unbox:token throw ldfld:token ldflda:token stfld:token ldsfld:token ldsflda:token " +
  // 80
  "stsfld:token stobj:token conv.ovf.i1.un conv.ovf.i2.un conv.ovf.i4.un conv.ovf.i8.un conv.ovf.u1.un conv.ovf.u2.un " +
  "conv.ovf.u4.un conv.ovf.u8.un conv.ovf.i.un conv.ovf.u.un box:token newarr:token ldlen ldelema:token " +
  // 90
  "ldelem.i1 ldelem.u1 ldelem.i2 ldelem.u2 ldelem.i4 ldelem.u4 ldelem.i8 ldelem.i " +
  "ldelem.r4 ldelem.r8 ldelem.ref stelem.i stelem.i1 stelem.i2 stelem.i4 stelem.i8 " +
  // A0
  "stelem.r4 stelem.r8 stelem.ref ldelem:token stelem:token unbox.any:token - - " +
  "- - - - - - - - " +
  // B0
  "- - - conv.ovf.i1 conv.ovf.u1 conv.ovf.i2 conv.ovf.u2 conv.ovf.i4 " +
  "conv.ovf.u4 conv.ovf.i8 conv.ovf.u8 - - - - - " +
  // C0
  "- - refanyval:token ckfinite - - mkrefany:token - - - - - - - - - " +
  // D0
  "ldtoken:token conv.u2 conv.u1 conv.i conv.ovf.i conv.ovf.u add.ovf add.ovf.un " +
  "mul.ovf mul.ovf.un sub.ovf sub.ovf.un endfinally leave:br4 leave.s:br1 stind.i " +
  // E0
  "conv.u";

/** Opcodes behind the prefix byte 0xFE. */
const TWO_BYTE =
  "arglist ceq cgt cgt.un clt clt.un ldftn:token ldvirtftn:token " +
  "- ldarg:u2 ldarga:u2 starg:u2 ldloc:u2 ldloca:u2 stloc:u2 localloc " +
  "- endfilter unaligned.:u1 volatile. tail. initobj:token constrained.:token cpblk " +
  "initblk no.:u1 rethrow - sizeof:token refanytype readonly.";

export const TWO_BYTE_PREFIX = 0xfe;

function parse(text: string): readonly (Opcode | undefined)[] {
  return text.split(" ").map((entry) => {
    if (entry === "-") return undefined;
    const [name, implied] = entry.split("=") as [string, string | undefined];
    const [plain, kind] = name.split(":") as [string, OperandKind | undefined];
    return { name: plain, kind: kind ?? "", implied: implied === undefined ? undefined : Number(implied) };
  });
}

export const OPCODES: readonly (Opcode | undefined)[] = parse(ONE_BYTE);
export const OPCODES_FE: readonly (Opcode | undefined)[] = parse(TWO_BYTE);
