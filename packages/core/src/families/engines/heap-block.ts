/**
 * Where a heap block's header ends in letters. Wine's allocator (dlls/ntdll/heap.c since 7.17) puts eight bytes before
 * each block, the last two of which are "US": what a C string begins with, to whoever looks for printable bytes.
 */

/** Of a header and of what it stands before. */
const GRID = 8;
const U = 0x55;
const S = 0x53;
const MARK_LENGTH = 2;

/**
 * Where the text at `at` really begins: behind the header's letters, where it begins with them at the place that a
 * header's have. `address` is that of byte 0, of which only the remainder by 8 counts.
 */
export function behindHeader(bytes: Uint8Array, at: number, address: number): number {
  const start = at + MARK_LENGTH;
  return bytes[at] === U && bytes[at + 1] === S && (address + start) % GRID === 0 ? start : at;
}

/** True when a header's letters stand right before `at`, and nothing readable before them. */
export function opensBlock(bytes: Uint8Array, at: number, address: number): boolean {
  const before = bytes[at - MARK_LENGTH - 1] ?? 0;
  const isMark = at >= MARK_LENGTH && behindHeader(bytes, at - MARK_LENGTH, address) === at;
  return isMark && (before < 0x20 || before > 0x7e);
}
