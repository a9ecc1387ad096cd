/**
 * Undoes UPX's filters of x86 code: calls and jumps hold where they lead to instead of how far, which compresses better
 * (format facts: UPX's filter/ct.h, cto.h, ctok.h).
 */

/** What a filter takes for a call: E8, E9, or both; from 49 on 0F 80 … 0F 8F, too. */
interface Kind {
  readonly call: boolean;
  readonly jump: boolean;
  readonly conditional: boolean;
  /** Marked by a byte (cto) at the top, big-endian. */
  readonly marked: boolean;
  /** Big-endian though not marked. */
  readonly swapped: boolean;
}

const plain = { conditional: false, marked: false, swapped: false };
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [0x11, { ...plain, call: true, jump: false }],
  [0x12, { ...plain, call: false, jump: true }],
  [0x13, { ...plain, call: true, jump: true }],
  [0x14, { ...plain, call: true, jump: false, swapped: true }],
  [0x15, { ...plain, call: false, jump: true, swapped: true }],
  [0x16, { ...plain, call: true, jump: true, swapped: true }],
  [0x24, { ...plain, call: true, jump: false, marked: true }],
  [0x25, { ...plain, call: false, jump: true, marked: true }],
  [0x26, { ...plain, call: true, jump: true, marked: true }],
  [0x36, { ...plain, call: true, jump: true, marked: true }],
  [0x46, { ...plain, call: true, jump: true, marked: true }],
  [0x49, { ...plain, call: true, jump: true, marked: true, conditional: true }],
]);

/**
 * Undoes filter `id` (26 and 49, in hex, are what UPX mostly picks) over `code` in place; `address` is what its first byte counts as.
 * False when the filter is not known here: nothing was changed.
 */
export function undoFilter(code: Uint8Array, id: number, cto: number, address: number): boolean {
  if (id === 0) return true;
  const kind = KINDS.get(id);
  if (kind === undefined) return false;
  const data = new DataView(code.buffer, code.byteOffset, code.byteLength);
  // Where the last operand ended: a conditional jump's 0F must not be part of it.
  let last = 0;
  for (let at = 0; at < code.length - 5; at++) {
    const op = code[at] as number;
    const isConditional =
      kind.conditional && op >= 0x80 && op <= 0x8f && at > 0 && last !== at && code[at - 1] === 0x0f;
    if (!((op === 0xe8 && kind.call) || (op === 0xe9 && kind.jump) || isConditional)) continue;
    if (kind.marked && code[at + 1] !== cto) continue;
    const stored = data.getUint32(at + 1, !(kind.marked || kind.swapped));
    const target = kind.marked ? stored - cto * 0x100_0000 : stored;
    data.setUint32(at + 1, target - (at + 1) - address, true);
    at += 4;
    last = at + 1;
  }
  return true;
}
