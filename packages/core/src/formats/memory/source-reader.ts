/** Little-endian fields of a source at any offset, with one piece of it in hand. */
import type { ByteSource } from "../../bytes/index.ts";

/** Bytes that one read fetches: tables are walked with few reads, and a lone field costs little. */
const PIECE = 0x10000;
const EMPTY: DataView = new DataView(new ArrayBuffer(0));

/** Probing: what does not lie in the source is undefined. Nobody else may read the source in between. */
export class SourceReader {
  readonly source: ByteSource;
  readonly #piece: number;
  #start = 0;
  /** The piece in hand. */
  view: DataView = EMPTY;

  /** `piece`: bytes that a read fetches, where fields lie far apart. */
  constructor(source: ByteSource, piece = PIECE) {
    this.source = source;
    this.#piece = piece;
  }

  u8(offset: number): number | undefined {
    const at = this.locate(offset, 1);
    return at < 0 ? undefined : this.view.getUint8(at);
  }

  u16(offset: number): number | undefined {
    const at = this.locate(offset, 2);
    return at < 0 ? undefined : this.view.getUint16(at, true);
  }

  u32(offset: number): number | undefined {
    const at = this.locate(offset, 4);
    return at < 0 ? undefined : this.view.getUint32(at, true);
  }

  u64(offset: number): bigint | undefined {
    const at = this.locate(offset, 8);
    return at < 0 ? undefined : this.view.getBigUint64(at, true);
  }

  /** A word of 8 or 4 bytes. */
  word(offset: number, is64: boolean): bigint | undefined {
    if (is64) return this.u64(offset);
    const value = this.u32(offset);
    return value === undefined ? undefined : BigInt(value);
  }

  /** A copy of the bytes there, fewer where the source ends. At most a piece. */
  bytes(offset: number, length: number): Uint8Array {
    const there = Math.min(length, this.#piece, this.source.size - offset);
    if (!(offset >= 0 && there > 0)) return new Uint8Array(0);
    const at = Math.max(0, this.locate(offset, there));
    const { buffer, byteOffset, byteLength } = this.view;
    return new Uint8Array(buffer, byteOffset + at, Math.min(there, byteLength - at)).slice();
  }

  /** A copy of the bytes up to a NUL; undefined when none comes within `limit` bytes. */
  cString(offset: number, limit: number): Uint8Array | undefined {
    const bytes = this.bytes(offset, limit);
    const end = bytes.indexOf(0);
    return end < 0 ? undefined : bytes.subarray(0, end);
  }

  /** Where `offset` lies in `view`, the piece in hand, fetched if need be; -1 when `length` bytes are not there. */
  locate(offset: number, length: number): number {
    const at = offset - this.#start;
    if (at >= 0 && at + length <= this.view.byteLength) return at;
    if (!(offset >= 0 && offset + length <= this.source.size)) return -1;
    const bytes = this.source.read(offset, this.#piece);
    this.#start = offset;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return length <= bytes.length ? 0 : -1;
  }
}
