/** Bytes too many to hold: a memory dump on disk, read a piece at a time. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /**
   * Up to `length` bytes from `offset`; fewer where the source ends or cannot be read. The result is the caller's
   * until the next call: who keeps bytes copies them.
   */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are held, as a source: for what is small, and for tests. Gives parts, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(Math.max(0, offset), Math.max(0, offset + length)),
  };
}
