/** CIL as instructions (ECMA-335 III). */
import type { View } from "../../bytes/index.ts";
import type { Instruction } from "./model.ts";
import { OPCODES, OPCODES_FE, type Opcode, TWO_BYTE_PREFIX } from "./opcodes.ts";

/** Instructions decoded of one method; initialisers of large arrays run to some hundred thousand. */
const MAX_INSTRUCTIONS = 1 << 19;

type Operand = Instruction["operand"];

/** Holds no View of its own until asked, as a module has some hundred thousand of these. */
class DecodedInstruction implements Instruction {
  readonly offset: number;
  readonly size: number;
  readonly op: string;
  readonly operand: Operand;
  readonly #code: View;

  constructor(code: View, offset: number, size: number, op: string, operand: Operand) {
    this.#code = code;
    this.offset = offset;
    this.size = size;
    this.op = op;
    this.operand = operand;
  }

  get view(): View {
    return this.#code.clip(this.offset, this.size);
  }
}

/** Decodes from the start, up to the first byte that is no instruction or an operand that is cut off. */
export function decodeCil(code: View): readonly Instruction[] {
  const { bytes } = code;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Instruction[] = [];
  let at = 0;
  while (at < bytes.length && out.length < MAX_INSTRUCTIONS) {
    const first = bytes[at] as number;
    const isTwoByte = first === TWO_BYTE_PREFIX;
    const opcode = isTwoByte ? OPCODES_FE[bytes[at + 1] ?? -1] : OPCODES[first];
    if (opcode === undefined) break;
    const operandAt = at + (isTwoByte ? 2 : 1);
    const end = operandEnd(data, opcode, operandAt);
    if (end > bytes.length) break;
    const operand = readOperand(data, opcode, operandAt, end);
    out.push(new DecodedInstruction(code, at, end - at, opcode.name, operand));
    at = end;
  }
  return out;
}

/** Offset behind the operand; beyond the data when it is cut off. */
function operandEnd(data: DataView, opcode: Opcode, at: number): number {
  switch (opcode.kind) {
    case "":
      return at;
    case "i1":
    case "u1":
    case "br1":
      return at + 1;
    case "u2":
      return at + 2;
    case "i8":
    case "r8":
      return at + 8;
    case "switch":
      return at + 4 > data.byteLength ? Number.POSITIVE_INFINITY : at + 4 + 4 * data.getUint32(at, true);
    default:
      return at + 4;
  }
}

function readOperand(data: DataView, opcode: Opcode, at: number, end: number): Operand {
  switch (opcode.kind) {
    case "":
      return opcode.implied;
    case "i1":
      return data.getInt8(at);
    case "u1":
      return data.getUint8(at);
    case "u2":
      return data.getUint16(at, true);
    case "i4":
      return data.getInt32(at, true);
    case "i8":
      return data.getBigInt64(at, true);
    case "r4":
      return data.getFloat32(at, true);
    case "r8":
      return data.getFloat64(at, true);
    case "token":
      return data.getUint32(at, true);
    case "br1":
      return end + data.getInt8(at);
    case "br4":
      return end + data.getInt32(at, true);
    case "switch": {
      const targets: number[] = [];
      for (let entry = at + 4; entry < end; entry += 4) targets.push(end + data.getInt32(entry, true));
      return targets;
    }
  }
}
